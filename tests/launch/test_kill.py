"""A real run, killed or told to end and started again, ends like the unbroken one."""

import json

import numpy as np
import pytest

from tests.launch.started import (
    KDIFFE,
    LIGHTGCN,
    kill_after,
    lines_of_result,
    start,
    tell_to_end_after,
)

EPOCHS = ("--epochs=8", "--patience=8")


def outcome(workdir):
    result = json.loads((workdir / "result.json").read_text())
    history = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    for record in (result, *history):
        record.pop("seconds"), record.pop("cpu_seconds")
    return result, history


def assert_same_outcome(broken, unbroken):
    assert outcome(broken) == outcome(unbroken)
    for name in ("test_per_user.npz", "model.npz"):
        with np.load(broken / name) as a, np.load(unbroken / name) as b:
            assert set(a) == set(b) and all((a[key] == b[key]).all() for key in b)


def test_killed_and_continued_equals_unbroken(train, tmp_path):
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    words = (*KDIFFE, *EPOCHS, f"--workdir={broken}")
    train(*KDIFFE, *EPOCHS, f"--workdir={unbroken}")
    kill_after(start("main", *words), broken, 2)
    assert not (broken / "result.json").exists()
    assert "resuming after epoch" in train(*words)
    assert_same_outcome(broken, unbroken)

    again = train(*words)
    assert "this run is finished" in again and "validation" in again
    before = (broken / "result.json").read_bytes()
    rescored = train("--mode=evaluate", f"--workdir={broken}", "--baselines=most_popular")
    assert lines_of_result(rescored) == lines_of_result(again) != []
    assert (broken / "result.json").read_bytes() == before


@pytest.mark.thorough
def test_many_seeds_told_to_end_killed_and_continued_equal_unbroken(train, tmp_path):
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    words = (*LIGHTGCN, *EPOCHS, "--num_seeds=2")
    shown = train(*words, f"--workdir={unbroken}")
    assert "seed 1  epoch   0" in shown and "±" in shown and "seeds 0 to 1" in shown
    tell_to_end_after(start("main", *words, f"--workdir={broken}"), broken / "seed0", 2)
    kill_after(start("main", *words, f"--workdir={broken}"), broken / "seed1", 2)
    first = (broken / "seed0" / "metrics.jsonl").read_bytes()
    assert "resuming after epoch" in train(*words, f"--workdir={broken}")
    assert (broken / "seed0" / "metrics.jsonl").read_bytes() == first
    assert_same_outcome(broken, unbroken)
