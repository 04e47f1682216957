"""Two processes over loopback train what one process trains, from their shares of the data."""

import json
import re
import signal
import time

import pytest

from tests.parallel.launched import (
    KDIFFE,
    PLANTED,
    cache_of,
    check_equal,
    end,
    flags_of,
    prepared_shares,
    read,
    start,
    start_two,
    start_two_of_slurm,
)

EPOCHS = 4
# Whatever counts, numbers or masks the interactions of all.
OF_ALL = (
    *KDIFFE, f"--epochs={EPOCHS}", f"--patience={EPOCHS}", "--mask_valid", "--epoch_steps=3",
    "--neighbour_weight=0.5", "--neighbour_kinds=lift", "--cold_items=neighbours",
    "--data_ablation=items:0.2",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What one process left, what two that were told to end, and what these after they went on."""
    directory = tmp_path_factory.mktemp("processes")
    one, two, nowhere = (directory / name for name in ("one", "two", "nowhere"))
    prepared_shares(directory)
    (flags,) = flags_of(directory, "whole")
    own = flags_of(directory, "whole", "of process 1")
    alone = start(directory / "cache", one, *flags, *OF_ALL)
    both = start_two(directory, (two, nowhere), own=own, more=OF_ALL)
    metrics, deadline = two / "metrics.jsonl", time.monotonic() + 300
    while not (metrics.exists() and metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    both[1].send_signal(signal.SIGTERM)
    ended, (single,) = end(both), end([alone])
    assert single[0] == 0, single
    saved = len(metrics.read_text().splitlines()) - 1
    again = end(start_two(directory, (two, nowhere), own=own, more=OF_ALL))
    assert [status for status, *_ in again] == [0, 0], again
    return directory, saved, ended, again


def test_notice_to_one_process_ends_all_after_an_epoch_that_is_saved(found):
    directory, saved, ended, _ = found
    assert (directory / "two" / "checkpoints" / str(saved)).is_dir()
    for status, _, errors in ended:
        assert status == 143, errors
        assert f"ended by SIGTERM after epoch {saved}, which is saved" in errors


def test_two_processes_go_on_and_find_what_one_finds(found):
    directory, saved, _, ((_, printed, _), _) = found
    check_equal(read(directory / "one"), read(directory / "two"))
    assert f"resuming after epoch {saved}" in printed
    epochs = [int(number) for number in re.findall(r"^epoch +(\d+)", printed, re.MULTILINE)]
    assert epochs == list(range(saved + 1, EPOCHS))


def test_process_0_alone_speaks_and_writes(found):
    directory, _, ended, again = found
    for (_, first, _), (_, second, _) in (ended, again):
        assert "epoch " in first
        assert all(line.startswith("[Gloo]") for line in second.splitlines()), second
    assert "recall@20" in again[0][1] and not (directory / "nowhere").exists()


def test_processes_walk_for_their_shares_of_s_and_write_it_once(found):
    directory, *_ = found
    caches = directory / "cache", cache_of(directory, 0), cache_of(directory, 1)
    alone, first, second = (sorted(cache.glob("similarity-*")) for cache in caches)
    assert len(alone) == 1 and [file.name for file in alone] == [file.name for file in first]
    assert alone[0].read_bytes() == first[0].read_bytes() and not second


def test_two_tasks_of_slurm_train_two_seeds_as_one_process_does(tmp_path):
    """Of planted data, with edges that are dropped wherever they lie."""
    one, two, nowhere = (tmp_path / name for name in ("one", "two", "nowhere"))
    flags = ("--model=sgl", "--epochs=2", "--num_seeds=2", *PLANTED)
    processes = start(tmp_path / "cache", one, *flags), *start_two_of_slurm(
        tmp_path, (two, nowhere), *flags
    )
    ended = end(processes)
    assert [status for status, *_ in ended] == [0, 0, 0], ended
    assert not nowhere.exists()
    ours, theirs = (
        [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        for run in (one, two)
    )
    assert len(ours) == len(theirs) == 2
    for epoch, again in zip(ours, theirs, strict=True):
        assert [own["seed"] for own in epoch["seeds"]] == [0, 1]
        for own, same in zip(epoch["seeds"], again["seeds"], strict=True):
            assert same["loss"] == pytest.approx(own["loss"], rel=1e-4)
            assert same["valid"] == pytest.approx(own["valid"], rel=1e-4)
    assert ours[1]["seeds"][0]["loss"] != ours[1]["seeds"][1]["loss"]


def test_processes_with_different_flags_are_refused_by_all(tmp_path):
    both = start_two(tmp_path, (tmp_path / "run",) * 2, seeds=(0, 1), more=PLANTED)
    for status, _, errors in end(both):
        assert status == 2
        assert "error: process 1 was started with other flags or other data" in errors
    assert not (tmp_path / "run").exists()
