"""A day of new interactions: prepared after the old data, trained from the old run, once more."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from absl import flags as absl_flags

from kdiffe_jax.data.plain_files import sha256
from kdiffe_jax.data.readers.prepared import read_prepared
from launch import prepare
from tests.launch.started import lines_of_result

SMALL = ("--model=lightgcn", "--dim=8", "--batch_size=64", "--learning_rate=0.01")
SMALL += ("--baselines=most_popular",)
USERS, ITEMS, COLOURS = 40, 160, 8


def chosen_by(user, rng, n):
    """Items of the user's own colour."""
    return rng.permutation(np.arange(user % COLOURS, ITEMS, COLOURS))[:n]


def write(directory, rows):
    directory.mkdir()
    lines = ["user_id,item_id", *(f"u{user},p{item}" for user, item in rows)]
    (directory / "interactions.csv").write_text("\n".join(lines) + "\n")


def prepared(*arguments, status=0):
    assert prepare.main(["prepare", *arguments], absl_flags.FlagValues()) == status


@pytest.fixture(scope="module")
def two_days(tmp_path_factory):
    """Prepared data of a day, of the next day after it, and of the next day without it."""
    root, rng = tmp_path_factory.mktemp("days"), np.random.default_rng(0)
    first = [(user, item) for user in range(USERS) for item in chosen_by(user, rng, 9)]
    more = {(user, item) for user in range(USERS) for item in chosen_by(user, rng, 3)}
    more |= {(USERS, item) for item in (0, 8, 16, 24)} | {
        (user, ITEMS) for user in range(0, USERS, COLOURS)
    }
    write(root / "one", first)
    write(root / "two", [*sorted(more - set(first), reverse=True), *first[::-1]])
    prepared(f"--input={root / 'one'}", f"--output={root / 'old'}")
    prepared(f"--input={root / 'two'}", f"--output={root / 'new'}", f"--earlier={root / 'old'}")
    prepared(f"--input={root / 'two'}", f"--output={root / 'anew'}", "--split_seed=1")
    return root


def first_score(run):
    line = (Path(run) / "metrics.jsonl").read_text().splitlines()[0]
    return json.loads(line)["valid"]["recall@20"]


def config_of(run):
    return json.loads((Path(run) / "config.json").read_text())


def refused(train, reason, *words):
    with pytest.raises(AssertionError, match=reason) as caught:
        train(*words)
    (line,) = str(caught.value).splitlines()[:1]
    assert line.startswith("error: ")


@pytest.mark.thorough
def test_from_one_day_to_the_next(train, two_days):
    old, new = (f"--data_dir={two_days / name}" for name in ("old", "new"))
    train(*SMALL, old, "--epochs=30", "--workdir=old")
    warm = (*SMALL, new, "--epochs=1", "--warm_start=old", "--workdir=warm")
    shown = train(*warm)
    ids = [set(read_prepared(two_days / name).item_ids) for name in ("old", "new")]
    n_known = f"{len(ids[0] & ids[1])} of {len(ids[1])} items"
    assert f"warm start from old: 40 of 41 users, {n_known} are known" in shown
    assert "of 1 new users 1 begin as the mean of their items' users" in shown
    train(*SMALL, new, "--epochs=1", "--workdir=cold")
    assert first_score("warm") > first_score("cold") + 0.05
    assert config_of("warm")["warm_start"] == sha256(Path("old/parameters.npz"))
    assert "warm_start" not in config_of("cold")
    assert "this run is finished" in train(*warm)
    refused(train, "warm_start: only a training", *warm, "--mode=evaluate")
    anew = f"--data_dir={two_days / 'anew'}"
    refused(train, "--earlier=DIR", *SMALL, anew, "--warm_start=old", "--workdir=seen")
    other = (*SMALL[1:], new, "--model=sgl", "--warm_start=old", "--workdir=seen")
    refused(train, "is a run of lightgcn, this one is of sgl", *other)
    fitted = ("--model=ease", new, "--warm_start=old", "--workdir=seen")
    refused(train, "ease is fitted, not trained", *fitted)
    assert not Path("seen").exists()
    shutil.copy("cold/parameters.npz", "old/parameters.npz")
    refused(train, "another configuration: warm_start", *warm)
    shutil.rmtree("old")
    refused(train, "old: no such run directory", *warm)
    again = train("--mode=evaluate", new, "--workdir=warm", "--baselines=most_popular")
    assert lines_of_result(again) == lines_of_result(shown) != []


def test_data_that_follow_others_say_so(two_days, capsys):
    old, new = (read_prepared(two_days / name) for name in ("old", "new"))
    assert new.provenance["earlier"] == old.fingerprint()
    assert any(note.startswith("split after old: 360 of its interactions") for note in new.notes)


def test_earlier_data_that_cannot_be_followed(two_days, tmp_path, capsys):
    given = f"--input={two_days / 'two'}"
    prepared(given, f"--output={tmp_path / 'out'}", f"--earlier={tmp_path}", status=2)
    assert f"{tmp_path}: has neither layout" in capsys.readouterr().err
    prepared("--inspect", f"--input={two_days / 'old'}", f"--earlier={tmp_path}", status=2)
    assert "--earlier goes with --output" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
