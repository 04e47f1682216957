"""Two processes over loopback train what one process trains, from their shares of the data."""

import json
import re
import shutil
import signal
import time

import pytest

from tests.made_once import made_once
from tests.parallel.launched import (
    KDIFFE,
    PLANTED,
    cache_of,
    check_equal,
    end,
    fitted_here,
    flags_of,
    prepared_shares,
    read,
    start_two,
    start_two_of_slurm,
)

# Whatever counts, numbers or masks the interactions of all.
OF_ALL = (
    *KDIFFE, "--xi=0.7", "--epochs=2", "--mask_valid", "--epoch_steps=3", "--neighbour_weight=0.5",
    "--neighbour_kinds=evidence", "--cold_items=neighbours", "--data_ablation=items:0.2",
)  # fmt: skip
EPOCHS = 6
SEEDS = ("--model=sgl", f"--epochs={EPOCHS}", f"--patience={EPOCHS}", "--num_seeds=2", *PLANTED)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """KDiffE by one process, and by two that read shares and go on after its first epoch."""
    return found_in(made_once(tmp_path_factory, "shared", of_shares))


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """Two seeds by one process; by two tasks of Slurm that are told to end, and go on."""
    return found_in(made_once(tmp_path_factory, "seeds", of_seeds))


def found_in(directory):
    return directory, *json.loads((directory / "found.json").read_text())


def keep(directory, *found):
    (directory / "found.json").write_text(json.dumps(found))


def of_shares(directory):
    one, two, nowhere = (directory / name for name in ("one", "two", "nowhere"))
    prepared_shares(directory)
    (flags,) = flags_of(directory, "whole")
    fitted_here(directory / "cache", one, *flags, *OF_ALL)
    shutil.copytree(one, two)
    (two / "result.json").unlink()
    shutil.rmtree(two / "checkpoints" / "1")
    own = flags_of(directory, "whole", "of process 1")
    both = end(start_two(directory, (two, nowhere), own=own, more=OF_ALL))
    assert [status for status, *_ in both] == [0, 0], both
    keep(directory, both)


def of_seeds(directory):
    one, two, nowhere = (directory / name for name in ("one", "two", "nowhere"))
    both = start_two_of_slurm(directory, (two, nowhere), *SEEDS)
    metrics, deadline = two / "seed0" / "metrics.jsonl", time.monotonic() + 300
    while not (metrics.exists() and metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    both[1].send_signal(signal.SIGTERM)
    ended = end(both)
    saved = len(metrics.read_text().splitlines()) - 1
    fitted_here(directory / "cache", one, *SEEDS)
    again = end(start_two_of_slurm(directory, (two, nowhere), *SEEDS))
    assert [status for status, *_ in again] == [0, 0], again
    keep(directory, saved, ended, again)


def test_two_processes_go_on_from_their_shares_and_find_what_one_finds(shared):
    directory, ((_, printed, _), _) = shared
    assert "resuming after epoch 0" in printed
    assert re.findall(r"^epoch +(\d+)", printed, re.MULTILINE) == ["1"]
    check_equal(read(directory / "one"), read(directory / "two"))


def test_processes_walk_for_their_shares_of_s_and_write_it_once(shared):
    directory, _ = shared
    caches = directory / "cache", cache_of(directory, 0), cache_of(directory, 1)
    alone, first, second = (sorted(cache.glob("similarity-*")) for cache in caches)
    assert len(alone) == 1 and [file.name for file in alone] == [file.name for file in first]
    assert alone[0].read_bytes() == first[0].read_bytes() and not second


def test_process_0_alone_speaks_and_writes(shared, seeds):
    for directory, *_, ((_, first, _), (_, second, _)) in (shared, seeds):
        assert f"epoch {'':2}1" in first and "recall@20" in first
        assert all(line.startswith("[Gloo]") for line in second.splitlines()), second
        assert not (directory / "nowhere").exists()


def test_notice_to_one_process_ends_all_after_an_epoch_that_is_saved(seeds):
    directory, saved, ended, _ = seeds
    assert (directory / "two" / "seed0" / "checkpoints" / str(saved)).is_dir()
    for status, _, errors in ended:
        assert status == 143, errors
        assert f"ended by SIGTERM after epoch {saved}, which is saved" in errors


def test_two_tasks_of_slurm_go_on_and_train_two_seeds_as_one_process_does(seeds):
    """On planted data, of which edges are dropped wherever they lie."""
    directory, saved, _, ((_, printed, _), _) = seeds
    assert f"resuming after epoch {saved}" in printed
    ours, theirs = (read(directory / name) for name in ("one", "two"))
    assert len(ours[1]) == len(theirs[1]) == EPOCHS
    for epoch, again in zip(ours[1], theirs[1], strict=True):
        assert [own["seed"] for own in epoch["seeds"]] == [0, 1]
        for own, same in zip(epoch["seeds"], again["seeds"], strict=True):
            assert same["loss"] == pytest.approx(own["loss"], rel=1e-4)
            assert same["valid"] == pytest.approx(own["valid"], rel=1e-4)
    assert ours[1][1]["seeds"][0]["loss"] != ours[1][1]["seeds"][1]["loss"]
    assert theirs[0]["test"] == pytest.approx(ours[0]["test"], rel=1e-4)


def test_processes_with_different_flags_are_refused_by_all(tmp_path):
    both = start_two(tmp_path, (tmp_path / "run",) * 2, seeds=(0, 1), more=PLANTED)
    for status, _, errors in end(both):
        assert status == 2
        assert "error: process 1 was started with other flags or other data" in errors
    assert not (tmp_path / "run").exists()
