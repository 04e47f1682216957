"""Saved models: damage is one line, and whole ones load."""

import gc
import shutil
from copy import deepcopy

import pandas as pd
import pytest

import kdiffe_jax as kd
from kdiffe_jax.errors import ConfigError, RunError
from tests.api.films import films, ratings, vectors


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    items = pd.DataFrame(films())
    data = kd.dataset(pd.DataFrame(ratings()), items=items, features={"image": vectors()})
    directory = tmp_path_factory.mktemp("models") / "saved"
    kd.fit(data, "rp3beta", progress=False).save(directory)
    return directory


def cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


THOROUGH = pytest.mark.thorough
SOURCE = ("options.json", "interactions.parquet", "items.parquet", "image_feat.npy")


def test_a_model_is_saved_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = pd.DataFrame(ratings())
    model = kd.fit(data, "rp3beta", workdir="run", progress=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    model.save(tmp_path / "saved")
    assert kd.load(tmp_path / "saved").test == model.test
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(RunError, match="the run of this model is no longer there"):
        model.save(tmp_path / "again")
    assert not (tmp_path / "again").exists()
    with pytest.raises(RunError, match="no such run directory"):
        model.history  # noqa: B018


def test_a_deep_copy_keeps_the_run_after_the_model_is_gone(tmp_path):
    model = kd.fit(pd.DataFrame(ratings()), "rp3beta", progress=False)
    other, test = deepcopy(model), model.test
    del model
    gc.collect()
    other.save(tmp_path / "saved")
    assert kd.load(tmp_path / "saved").test == other.test == test


@pytest.mark.parametrize("name", [*SOURCE, "image_feat.ids.txt"])
@pytest.mark.parametrize("harm", [cut, flip, lambda file: file.unlink()], ids=["cut", "flip", "no"])
def test_a_damaged_table_is_one_line(saved, tmp_path, name, harm):
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy)
    harm(copy / "source" / name)
    with pytest.raises(RunError, match=r"copy/source: damaged \(.*\); save the model again"):
        kd.load(copy)


def test_a_damaged_model_is_saved_again(saved, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy)
    cut(copy / "model.npz")
    with pytest.raises(RunError, match=r"model.npz: damaged \(.*\); save the model again$"):
        kd.load(copy)


@pytest.mark.parametrize("name", ["source", "data"])
def test_a_directory_that_is_missing_is_told(saved, tmp_path, name):
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy, ignore=shutil.ignore_patterns(name))
    with pytest.raises(RunError, match=f"frames.json: damaged .{name} is missing"):
        kd.load(copy)


def test_what_ids_were_is_not_guessed_where_it_was_saved(saved, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy, ignore=shutil.ignore_patterns("frames.json"))
    with pytest.raises(RunError, match="frames.json: damaged .*; save the model again"):
        kd.load(copy)


def test_a_kind_of_ids_that_there_is_not(saved, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy)
    frames = copy / "frames.json"
    frames.write_text(frames.read_text().replace("integer", "integfr"))
    with pytest.raises(RunError, match="frames.json: damaged .unknown kinds 'integfr'"):
        kd.load(copy)


@pytest.mark.parametrize(
    "name, more",
    [("most_popular", {}), pytest.param("lightgcn", {"epochs": 1}, marks=THOROUGH)],
)
def test_a_model_without_test_scores_is_used_as_any(tmp_path, name, more):
    how = dict(score_test=False, progress=False, workdir=tmp_path / "run", **more)
    model = kd.fit(pd.DataFrame(ratings()), name, **how)
    model.save(tmp_path / "saved")
    loaded = kd.load(tmp_path / "saved")
    assert len(loaded.recommend(101, k=3)) == 3
    assert loaded.valid == model.valid
    assert not [column for column in loaded.scores if column.startswith("test")]
    with pytest.raises(ConfigError, match="the test split was left alone"):
        loaded.test  # noqa: B018


def test_a_finished_run_tells_which_baselines_it_lacks(tmp_path, capsys):
    rows, run = pd.DataFrame(ratings()), tmp_path / "run"
    kd.fit(rows, "rp3beta", workdir=run)
    kd.fit(rows, "rp3beta", workdir=run)
    assert "finished before" not in capsys.readouterr().out
    kd.fit(rows, "rp3beta", workdir=run, baselines=["most_popular", "ease"])
    assert "the run was finished before, without ease beside it" in capsys.readouterr().out
