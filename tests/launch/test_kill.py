"""A real run, killed or told to end and started again, ends like the unbroken one."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np

FLAGS = (
    "--planted_users=80 --planted_items=60 --planted_topics=4 --planted_interactions_per_user=8 "
    "--dim=8 --batch_size=64 --denoiser_width=16 --walk_length=5 --walks_per_node=2 "
    "--timesteps=3 --epochs=8 --patience=8 --baselines=most_popular"
).split()
HASH_SEEDS = itertools.count(1)  # another for each process, which must not matter


def start(workdir, cache, *flags):
    command = [sys.executable, "-m", "launch.main", *FLAGS, *flags]
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "KDIFFE_CACHE": str(cache)}
    environment["PYTHONHASHSEED"] = str(next(HASH_SEEDS))
    return subprocess.Popen(
        [*command, f"--workdir={workdir}"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def wait_for_epochs(process, metrics, count):
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        if metrics.exists() and len(metrics.read_text().splitlines()) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {count} epochs: {process.communicate()}")


def kill_after(process, workdir, epochs):
    wait_for_epochs(process, workdir / "metrics.jsonl", epochs)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL and not (workdir / "result.json").exists()


def tell_to_end_after(process, workdir, epochs):
    wait_for_epochs(process, workdir / "metrics.jsonl", epochs)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 143
    saved = len((workdir / "metrics.jsonl").read_text().splitlines())
    assert saved >= epochs and (workdir / "checkpoints" / str(saved - 1)).is_dir()
    assert err.splitlines()[-1] == (
        f"ended by SIGTERM after epoch {saved - 1}, which is saved; the same command continues"
    )


def outcome(workdir):
    result = json.loads((workdir / "result.json").read_text())
    history = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    for record in (result, *history):
        record.pop("seconds")
    return result, history


def test_killed_told_to_end_and_continued_equals_unbroken(tmp_path):
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    finish(start(unbroken, tmp_path / "cache"))
    kill_after(start(broken, tmp_path / "cache"), broken, 1)
    tell_to_end_after(start(broken, tmp_path / "cache"), broken, 3)
    out = finish(start(broken, tmp_path / "cache"))
    assert "resuming after epoch" in out
    assert outcome(broken) == outcome(unbroken)
    with np.load(broken / "test_per_user.npz") as a, np.load(unbroken / "test_per_user.npz") as b:
        assert all((a[name] == b[name]).all() for name in b)

    again = finish(start(broken, tmp_path / "cache"))
    assert "this run is finished" in again and "validation" in again
    before = (broken / "result.json").read_bytes()
    rescored = subprocess.run(
        [sys.executable, "-m", "launch.main", "--mode=evaluate", FLAGS[-1], f"--workdir={broken}"],
        env=os.environ | {"JAX_PLATFORMS": "cpu", "KDIFFE_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert rescored.returncode == 0, rescored.stderr
    assert rescored.stdout.splitlines()[-6:] == again.splitlines()[-6:]
    assert (broken / "result.json").read_bytes() == before


def test_many_seeds_killed_and_continued_equal_unbroken(tmp_path):
    unbroken, broken, cache = tmp_path / "unbroken", tmp_path / "broken", tmp_path / "cache"
    shown = finish(start(unbroken, cache, "--num_seeds=2"))
    assert "2 of 2 seeds" in shown and "±" in shown and "seeds 0 to 1" in shown
    kill_after(start(broken, cache, "--num_seeds=2"), broken, 2)
    assert "resuming after epoch" in finish(start(broken, cache, "--num_seeds=2"))
    assert outcome(broken) == outcome(unbroken)
