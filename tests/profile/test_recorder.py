"""A recorder around a loop whose phases take known times."""

import json
import time

import jax
import jax.numpy as jnp
import pytest

from kdiffe_jax.errors import RunError
from kdiffe_jax.ops.trace_phases import device_phase, host_phase
from kdiffe_jax.profile.recorder import Recorder

SLEEP = 0.03


@jax.jit
def two_phases(x):
    with device_phase("views"):
        for _ in range(40):
            x = jnp.tanh(x @ x)
    with device_phase("ranking_loss"):
        return x - x.mean()


def train(recorder, epochs):
    """Stands for the loop; returns the wall time of each epoch."""
    x, lengths = jnp.eye(256), []
    seen = []
    on_epoch = recorder.after(seen.append)
    for epoch in range(epochs):
        begun = time.perf_counter()
        with host_phase("epoch"):
            two_phases(x).block_until_ready()
            with host_phase("checkpoint"):
                time.sleep(SLEEP)
        lengths.append(time.perf_counter() - begun)
        on_epoch({"epoch": epoch, "seconds": lengths[-1]})
    assert [record["epoch"] for record in seen] == list(range(epochs))
    return lengths


def test_phases_get_the_time_they_take(tmp_path):
    with Recorder(tmp_path).claim() as recorder:
        lengths = train(recorder, 6)
    split = recorder.split
    assert split.epochs == 3
    assert [traced for _, traced in recorder.epochs] == [False, True, True, True, False, False]
    assert split.seconds == pytest.approx(sum(lengths[1:4]) / 3, rel=0.1)
    assert sum(split.rows.values()) == pytest.approx(split.seconds)
    assert split.rows["checkpoint"] > 0.9 * SLEEP
    assert split.rows["views"] > 5 * split.rows["ranking_loss"] > 0
    assert split.rows["rebuild"] == 0
    stored = json.loads((recorder.session / "split.json").read_text())
    assert stored["rows"] == split.rows


def test_a_second_recorder_in_the_directory_leaves_the_first_alone(tmp_path):
    kept = {}
    for _ in range(2):
        with Recorder(tmp_path).claim() as recorder:
            train(recorder, 2)
        assert recorder.split.epochs == 1
        assert len(list(recorder.session.glob("*.xplane.pb"))) == 1
        assert len(list(recorder.session.glob("*.trace.json.gz"))) == 1
        assert all(file.read_bytes() == content for file, content in kept.items())
        kept = {file: file.read_bytes() for file in recorder.session.iterdir()}
    assert len(list((tmp_path / "plugins" / "profile").iterdir())) == 2


def test_one_epoch_is_the_compiling_one_and_leaves_no_split(tmp_path):
    with Recorder(tmp_path).claim() as recorder:
        train(recorder, 1)
    assert recorder.split is None


def test_a_training_that_fails_leaves_no_trace_running(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), Recorder(tmp_path).claim() as recorder:
            train(recorder, 2)
            raise ZeroDivisionError
    assert not jax.config.jax_compilation_cache_include_metadata_in_key


def test_what_the_caller_notes_of_the_walks_is_stored(tmp_path):
    with Recorder(tmp_path).claim() as recorder:
        recorder.walks = {"seconds": 2.0, "cached": False}
        train(recorder, 2)
    stored = json.loads((recorder.session / "split.json").read_text())
    assert stored["walks"] == recorder.walks


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="file.*no trace can be written.*another directory"):
        Recorder(tmp_path / "file").claim()
