"""Commands in processes of their own, on data and sizes that many tests share."""

import itertools
import os
import signal
import subprocess
import sys
import time

DATA = (
    "--preset=paper --planted_users=60 --planted_items=48 --planted_topics=4 "
    "--planted_interactions_per_user=8 "
    "--planted_triples_per_item=4 --planted_entities_per_topic=2"
).split()
LIGHTGCN = [*DATA, "--model=lightgcn", "--dim=8", "--batch_size=64", "--baselines=most_popular"]
KDIFFE = [
    *(*DATA, "--dim=8", "--batch_size=64", "--denoiser_width=16", "--timesteps=3"),
    *("--walk_length=5", "--walks_per_node=2", "--baselines=most_popular"),
]
SECONDS = 300
_HASH_SEEDS = itertools.count(1)  # another for each process, which must not matter


def start(module, *words, **environment):
    """Starts `python -m launch.MODULE` with its words; None takes a variable away."""
    settings = {"JAX_PLATFORMS": "cpu", "PYTHONHASHSEED": str(next(_HASH_SEEDS))}
    all_set = os.environ | settings | environment
    return subprocess.Popen(
        [sys.executable, "-m", f"launch.{module}", *words],
        env={name: value for name, value in all_set.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """What a process printed that ended well."""
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    return out


def wait_for_epochs(process, part, count):
    """Waits until a run, or a seed's part of one, has trained some epochs."""
    metrics, deadline = part / "metrics.jsonl", time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if metrics.exists() and len(metrics.read_text().splitlines()) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {count} epochs: {process.communicate()}")


def kill_after(process, part, epochs):
    wait_for_epochs(process, part, epochs)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def tell_to_end_after(process, part, epochs):
    """SIGTERM after some epochs: it ends itself after one that is saved."""
    wait_for_epochs(process, part, epochs)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 143, err
    saved = len((part / "metrics.jsonl").read_text().splitlines())
    assert saved >= epochs and (part / "checkpoints" / str(saved - 1)).is_dir()
    assert err.splitlines()[-1] == (
        f"ended by SIGTERM after epoch {saved - 1}, which is saved; the same command continues"
    )


def lines_of_result(shown):
    """The table that `launch.main` prints and what is below it, but for the command's times."""
    lines = shown.splitlines()
    (head,) = (n for n, line in enumerate(lines) if "recall@20  ndcg@20" in line)
    (last,) = (n for n, line in enumerate(lines) if line.startswith("report: "))
    return lines[head : last - 1]
