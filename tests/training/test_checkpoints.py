"""Whatever happens to the newest checkpoint, it is read as it was written or passed over aloud."""

import json
import random
import resource
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.errors import RunError
from kdiffe_jax.training.checkpoints import Checkpoints
from tests.kills.damage import KINDS, damage

# Tensorstore's answers come late where a file could not be read.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def arrays_of(epoch):
    key = jax.random.key(epoch)
    table = jax.random.normal(key, (40, 8))
    return {"table": table, "kept": jnp.arange(12) + epoch, "step": jnp.int32(epoch), "key": key}


def history_of(epoch):
    return [{"epoch": e, "loss": 1.5 / (e + 1), "valid": {"recall@20": 0.1}} for e in range(epoch)]


def plain(arrays):
    return {k: np.asarray(jax.random.key_data(v) if k == "key" else v) for k, v in arrays.items()}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run") / "checkpoints"
    with Checkpoints(directory, print) as checkpoints:
        for epoch in range(3):
            checkpoints.save(arrays_of(epoch), history_of(epoch + 1), [0.1] * (epoch + 1))
    return directory


def latest_of(directory):
    said = []
    with Checkpoints(directory, said.append) as checkpoints:
        return checkpoints.restore_latest(arrays_of(9)), said


def same(found, epoch):
    arrays, expected = plain(found.arrays), plain(arrays_of(epoch))
    return (
        found.epoch == epoch
        and found.history == history_of(epoch + 1)
        and all(np.array_equal(arrays[name], expected[name]) for name in expected)
    )


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_newest_checkpoint_is_the_one_before_or_unharmed(written, tmp_path, seed):
    rng = random.Random(seed)
    directory = tmp_path / "checkpoints"
    shutil.copytree(written, directory)
    kind = KINDS[seed % len(KINDS)]
    damage(directory / "2", kind, rng)
    found, said = latest_of(directory)
    if said:
        assert same(found, 1) and "cannot be read" in said[0]
        assert (tmp_path / "checkpoints-damaged" / "2").is_dir()
    else:
        assert same(found, 1 if kind == "missing" else 2)


def test_a_change_that_orbax_does_not_notice_is_noticed(written, tmp_path, monkeypatch):
    with Checkpoints(written, print) as checkpoints:
        restored = checkpoints._manager.restore
        other = arrays_of(2) | {"table": arrays_of(2)["table"].at[7, 3].add(1e-6)}

        def changed(epoch, args):
            found = restored(epoch, args=args)
            return {"arrays": {**found["arrays"], **other, "key": found["arrays"]["key"]}} | {
                "history": found["history"]
            }

        monkeypatch.setattr(checkpoints._manager, "restore", changed)
        with pytest.raises(RunError, match="content has changed"):
            checkpoints.restore(2, arrays_of(9))


def test_checkpoints_without_a_checksum_are_read(written, tmp_path):
    directory = tmp_path / "checkpoints"
    shutil.copytree(written, directory)
    file = directory / "2" / "history" / "metadata"
    file.write_text(json.dumps(json.loads(file.read_text())["epochs"]))
    found, said = latest_of(directory)
    assert not said and same(found, 2)


def test_where_the_best_is_damaged_the_next_best_stands_in(written, tmp_path):
    directory, said, scores = tmp_path / "checkpoints", [], [0.2, 0.3, 0.3]
    shutil.copytree(written, directory)
    with Checkpoints(directory, said.append) as checkpoints:
        assert same(checkpoints.restore_best(scores, arrays_of(9)), 1)
        for file in (directory / "1").rglob("*"):
            file.write_bytes(b"") if file.is_file() else None
        assert same(checkpoints.restore_best(scores, arrays_of(9)), 2) and len(said) == 1
        assert "1: checkpoint cannot be read" in said[0] and "the next best epoch" in said[0]
        shutil.rmtree(directory)
        directory.mkdir()
    with Checkpoints(directory, print) as checkpoints:
        with pytest.raises(RunError, match="no readable checkpoint; remove"):
            checkpoints.restore_best(scores, arrays_of(9))


@pytest.fixture
def files_of_half_a_megabyte():
    """As a full disk: what is larger cannot be written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_one_that_finds_no_room_is_said_in_a_line(tmp_path, rng, caplog, files_of_half_a_megabyte):
    small, large = ({"table": rng.normal(size=(n, n))} for n in (4, 400))
    with Checkpoints(tmp_path, print) as checkpoints:
        checkpoints.save(small, history_of(1), [0.1])
        with pytest.raises(RunError, match="1: checkpoint cannot be written: .*; the ones before"):
            checkpoints.save(large, history_of(2), [0.1, 0.1])
        assert checkpoints.epochs() == [0]
    assert not [record for record in caplog.records if record.exc_info]
