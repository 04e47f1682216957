"""Two processes over loopback train what one process trains."""

import json
import shutil
import signal
import time

import pytest

from tests.parallel.launched import (
    cache_of,
    check_equal,
    end,
    read,
    start,
    start_two,
    start_two_of_slurm,
)


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
    check_equal(read(found[0] / "one"), read(found[0] / name))


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
