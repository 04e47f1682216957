"""Two processes over loopback train what one process trains."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.quick_compile import XLA_FLAGS

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--planted_users=61", "--planted_items=47", "--planted_topics=4", "--planted_taste=0.9",
    "--planted_entities_per_topic=2", "--planted_triples_per_item=4",
    "--planted_interactions_per_user=8", "--dim=8", "--layers=1", "--batch_size=64",
    "--denoiser_width=16", "--walk_length=5", "--walks_per_node=2", "--timesteps=3", "--epochs=2",
    "--baselines=most_popular",
)  # fmt: skip


def start(cache, workdir, *more, environment=None):
    flags = (*FLAGS, f"--workdir={workdir}", f"--cache_dir={cache}", *more)
    return subprocess.Popen(
        [sys.executable, "-m", "launch.main", *flags],
        cwd=ROOT,
        env=os.environ | {"XLA_FLAGS": XLA_FLAGS} | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(processes):
    """The status of each and what it printed; none is left behind."""
    try:
        found = [process.communicate(timeout=900) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(p.returncode, *printed) for p, printed in zip(processes, found, strict=True)]


def cache_of(directory, process):
    return directory / f"cache of process {process}"


def start_two(directory, workdirs, *, seeds=(0, 0), more=()):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    joined = ("--mesh=data:2", f"--coordinator={address}", "--num_processes=2")
    return [
        start(
            cache_of(directory, i),
            workdirs[i],
            *joined,
            f"--process_id={i}",
            f"--seed={seed}",
            *more,
        )
        for i, seed in enumerate(seeds)
    ]


def slurm_job():
    """The number of a job for which JAX's coordinator gets a free port on this host."""
    for job in range(4096):
        with socket.socket() as free:
            try:
                free.bind(("localhost", 65536 - 4096 + job))
            except OSError:
                continue
            return str(job)
    raise AssertionError("no port is free")


def start_two_of_slurm(directory, workdirs, *more):
    job = {"SLURM_JOB_ID": slurm_job(), "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2"}
    numbered = ({"SLURM_PROCID": number, "SLURM_LOCALID": number} for number in "01")
    flags = ("--mesh=data:2", "--coordinator=cluster", *more)
    return [
        start(cache_of(directory, i), workdirs[i], *flags, environment=job | number)
        for i, number in enumerate(numbered)
    ]


def read(workdir):
    result = json.loads((workdir / "result.json").read_text())
    history = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    with np.load(workdir / "model.npz", allow_pickle=False) as model:
        return result, history, {name: model[name] for name in ("users", "items", "item_layers")}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What one process left, two, and two that went on after the first epoch of two."""
    directory = tmp_path_factory.mktemp("processes")
    one, two, resumed = (directory / name for name in ("one", "two", "resumed"))
    (alone,) = end([start(directory / "cache", one)])
    assert alone[0] == 0, alone
    both = end(start_two(directory, (two, directory / "nowhere")))
    assert [status for status, *_ in both] == [0, 0], both
    shutil.copytree(two, resumed)
    (resumed / "result.json").unlink()
    shutil.rmtree(resumed / "checkpoints" / "1")
    again = end(start_two(directory, (resumed, directory / "nowhere")))
    assert [status for status, *_ in again] == [0, 0], again
    return directory, both, again


@pytest.mark.parametrize("name", ("two", "resumed"))
def test_two_processes_find_what_one_finds(found, name):
    one, two = read(found[0] / "one"), read(found[0] / name)
    assert len(one[1]) == len(two[1]) == 2
    for ours, theirs in zip(one[1], two[1], strict=True):
        assert ours.keys() == theirs.keys()
        for term in ours.keys() - {"seconds", "valid"}:
            np.testing.assert_allclose(theirs[term], ours[term], rtol=1e-4, err_msg=term)
        assert theirs["valid"] == pytest.approx(ours["valid"], rel=1e-4)
    for split in ("valid", "test"):
        assert 0 < one[0][split]["recall@20"] < 1
        assert two[0][split] == pytest.approx(one[0][split], rel=1e-4)
    for table, values in one[2].items():
        np.testing.assert_allclose(two[2][table], values, rtol=1e-4, atol=2e-5, err_msg=table)


def test_process_0_alone_speaks_and_writes(found):
    directory, ((_, first, _), (_, second, _)), _ = found
    assert "epoch   1" in first and "recall@20" in first
    assert all(line.startswith("[Gloo]") for line in second.splitlines()), second
    assert not (directory / "nowhere").exists()


def test_processes_walk_for_their_shares_of_s_and_write_it_once(found):
    directory, *_ = found
    caches = directory / "cache", cache_of(directory, 0), cache_of(directory, 1)
    alone, first, second = (sorted(cache.glob("similarity-*")) for cache in caches)
    assert len(alone) == 1 and [file.name for file in alone] == [file.name for file in first]
    assert alone[0].read_bytes() == first[0].read_bytes() and not second


def test_two_processes_resume(found):
    _, _, ((_, printed, _), _) = found
    assert "resuming after epoch 0" in printed
    assert "epoch   1" in printed and "epoch   0" not in printed


def test_two_tasks_of_slurm_train_two_seeds_as_one_process_does(tmp_path):
    one, two, nowhere = (tmp_path / name for name in ("one", "two", "nowhere"))
    (alone,) = end([start(tmp_path / "cache", one, "--num_seeds=2")])
    assert alone[0] == 0, alone
    both = end(start_two_of_slurm(tmp_path, (two, nowhere), "--num_seeds=2"))
    assert [status for status, *_ in both] == [0, 0], both
    assert not nowhere.exists()
    ours, theirs = (
        [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        for run in (one, two)
    )
    assert len(ours) == len(theirs) == 2
    for epoch, again in zip(ours, theirs, strict=True):
        assert [member["seed"] for member in epoch["members"]] == [0, 1]
        for member, same in zip(epoch["members"], again["members"], strict=True):
            assert same["loss"] == pytest.approx(member["loss"], rel=1e-4)
            assert same["valid"] == pytest.approx(member["valid"], rel=1e-4)
    assert ours[1]["members"][0]["loss"] != ours[1]["members"][1]["loss"]


def test_notice_to_one_process_ends_all_after_an_epoch_that_is_saved(found, tmp_path):
    long = ("--epochs=100000", "--patience=100000")
    both = start_two(found[0], (tmp_path / "run", tmp_path / "nowhere"), more=long)
    metrics, deadline = tmp_path / "run" / "metrics.jsonl", time.monotonic() + 300
    while not (metrics.exists() and metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    both[1].send_signal(signal.SIGTERM)
    ended = end(both)
    saved = len(metrics.read_text().splitlines()) - 1
    assert (tmp_path / "run" / "checkpoints" / str(saved)).is_dir()
    for status, _, errors in ended:
        assert status == 143, errors
        assert f"ended by SIGTERM after epoch {saved}, which is saved" in errors


def test_processes_with_different_flags_are_refused_by_all(tmp_path):
    for status, _, errors in end(start_two(tmp_path, (tmp_path / "run",) * 2, seeds=(0, 1))):
        assert status == 2
        assert "error: process 1 was started with other flags or other data" in errors
    assert not (tmp_path / "run").exists()
