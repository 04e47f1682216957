"""Two real processes started at once on one directory: one works, one line refuses the other."""

import json
import os
import subprocess
import sys
import time

import pytest

FLAGS = (
    "--planted_users=60 --planted_items=48 --planted_topics=4 --planted_interactions_per_user=8 "
    "--planted_triples_per_item=4 --planted_entities_per_topic=2 --dim=8 --batch_size=64 "
    "--denoiser_width=16 --walk_length=5 --walks_per_node=2 --timesteps=3 "
    "--baselines=most_popular"
).split()
EPOCHS = 20  # long enough that neither ends before the other has begun
SECONDS = 400


def command(module, place, *flags):
    return [
        *(sys.executable, "-m", f"launch.{module}", *FLAGS, *flags),
        f"--epochs={EPOCHS}",
        f"--patience={EPOCHS}",
        f"--cache_dir={place / 'cache'}",
    ]


def one_works(words):
    """Starts a command twice; what the one printed that worked."""
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    both = [subprocess.Popen(words, **pipes) for _ in range(2)]
    deadline = time.monotonic() + SECONDS
    while all(process.poll() is None for process in both):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    refused, works = sorted(both, key=lambda process: process.poll() is None)
    assert works.poll() is None, "both ended"
    out, error = refused.communicate()
    assert refused.returncode == 2, error
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in error
    assert lines[0].endswith("another process is using this run directory")
    out, error = works.communicate(timeout=SECONDS)
    assert works.returncode == 0, error
    return out


def again(words):
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_trainings(tmp_path):
    run = tmp_path / "run"
    words = command("main", tmp_path, f"--workdir={run}")
    one_works(words)
    history = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in history] == list(range(EPOCHS))
    assert not list(run.glob("*.partial"))
    assert "this run is finished" in again(words)


@pytest.mark.parametrize("module", ("sweep", "study"))
def test_two_searches_or_studies(module, tmp_path):
    (tmp_path / "what.toml").write_text('method = "grid"\n[parameters]\nxi = [0.5]\n')
    asked = {
        "sweep": [f"--sweep={tmp_path / 'what.toml'}"],
        "study": ["--study=ablation", "--variants=full", "--seeds=1"],
    }
    out = tmp_path / "out"
    words = command(module, tmp_path, *asked[module], f"--out={out}")
    said = one_works(words)
    assert len(list(out.rglob("result.json"))) == 1
    assert not list(out.rglob("*.partial"))
    assert again(words).splitlines()[-1] == said.splitlines()[-1]
