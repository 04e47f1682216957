"""model.npz: what is written is read; anything else is refused in one line."""

import zipfile

import numpy as np
import pytest

from kdiffe_jax.errors import RunError
from kdiffe_jax.storage.saved_model import (
    _ARRAYS,
    _NAMES,
    MODEL,
    SavedModel,
    read_model,
    write_model,
)


@pytest.fixture
def model(rng):
    arrays = {name: rng.normal(size=(3, 2)).astype(np.float32) for name in _ARRAYS}
    own = {"messages": rng.normal(size=(3, 2)).astype(np.float32), "a.b": np.arange(4)}
    names = {name: ("a\nb", "é", "") for name in _NAMES}
    about = {"config": {"model": "lightgcn", "layers": 2}}
    return SavedModel(about=about, **arrays, artifacts=own, **names)


@pytest.fixture
def file(model, tmp_path):
    write_model(model, tmp_path / MODEL)
    return tmp_path / MODEL


def assert_same(found, model):
    assert found.about == model.about
    for name in _ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(model, name))
    assert list(found.artifacts) == list(model.artifacts)
    for name, array in model.artifacts.items():
        np.testing.assert_array_equal(found.artifacts[name], array)
        assert found.artifacts[name].dtype == array.dtype
    assert all(getattr(found, name) == getattr(model, name) for name in _NAMES)


def refusal(run_dir) -> str:
    with pytest.raises(RunError) as caught:
        read_model(run_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_written_is_read(file, model):
    assert_same(read_model(file.parent), model)
    assert [path.name for path in file.parent.iterdir()] == [MODEL]


def test_artifacts_are_the_models_own_and_may_be_none_or_empty(model, tmp_path):
    for own in ({}, {"users": np.zeros((2, 0), np.float32), "header": np.zeros(0, np.int32)}):
        write_model(model._replace(artifacts=own), tmp_path / MODEL)
        assert_same(read_model(tmp_path), model._replace(artifacts=own))


def test_config_and_degrees(model):
    assert model.config["model"] == "lightgcn"
    train = np.array([[0, 2], [1, 0], [1, 2]], np.int32)
    assert model._replace(train=train).item_degrees().tolist() == [1, 0, 2]


def test_the_epoch_in_use(model):
    for about, epoch in (
        ({"best_epoch": 7}, 7),
        ({"best_epoch": 0}, 0),
        ({"best_epoch": 0, "epochs": 0}, None),
        ({"best_epoch": None, "ensemble": 2}, None),
    ):
        assert model._replace(about=about).best_epoch == epoch


def test_no_member_needs_pickle(file):
    with np.load(file, allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)


@pytest.mark.parametrize("place", range(0, 100, 2))
def test_a_changed_byte_is_noticed_or_changes_nothing(file, model, place):
    content = bytearray(file.read_bytes())
    content[len(content) * place // 100] ^= 0x10
    file.write_bytes(content)
    try:
        found = read_model(file.parent)
    except RunError as error:
        assert "damaged" in str(error) and "\n" not in str(error)
    else:
        assert_same(found, model)


@pytest.mark.parametrize("share", (0.0, 0.3, 0.9, 0.999))
def test_a_shortened_file(file, share):
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    assert "damaged" in refusal(file.parent) and "--mode=evaluate" in refusal(file.parent)


def test_a_member_that_is_missing_or_of_another_shape(file):
    with np.load(file) as archive:
        members = dict(archive)
    for missing in ("users", "model.messages", "header"):
        np.savez(file, **{name: array for name, array in members.items() if name != missing})
        assert "damaged" in refusal(file.parent)
    for name in ("users", "model.messages"):
        np.savez(file, **members | {name: members[name][:2]})
        assert f"{name} has another shape" in refusal(file.parent)
    assert zipfile.is_zipfile(file)


def test_another_format(file):
    with np.load(file) as archive:
        members = dict(archive)
    header = members["header"].tobytes().replace(b'"format": 3', b'"format": 9')
    np.savez(file, **members | {"header": np.frombuffer(header, np.uint8)})
    assert "format 9" in refusal(file.parent)


def test_runs_without_a_model_say_what_to_do(tmp_path):
    assert "no such run directory" in refusal(tmp_path / "absent")
    assert "no finished run" in refusal(tmp_path)
    (tmp_path / "result.json").write_text("{}")
    assert "--mode=evaluate" in refusal(tmp_path)


def test_a_directory_that_cannot_be_written(model, tmp_path):
    with pytest.raises(RunError, match="cannot be written"):
        write_model(model, tmp_path / "absent" / MODEL)
