"""TensorBoard events: every figure of every epoch once, also after a resume, and the result."""

import importlib
import struct

import pytest

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.trackers.tensorboard import EVENTS, TensorBoard
from tests.trackers.told import CONFIG, RESULT, record, train, write_history


def summaries(directory):
    """(step, value) of every summary, as TensorBoard reads the files."""
    proto = importlib.import_module("tensorboardX.proto.event_pb2")
    found = []
    for file in sorted(directory.glob("events.*")):
        content, place = file.read_bytes(), 0
        while place < len(content):
            (length,) = struct.unpack_from("<Q", content, place)
            event = proto.Event.FromString(content[place + 12 : place + 12 + length])
            found += [(event.step, value) for value in event.summary.value]
            place += 12 + length + 4
    return found


def events(directory):
    """(tag, step, value) of every scalar."""
    return [(v.tag, step, v.simple_value) for step, v in summaries(directory)]


@pytest.fixture
def library():
    pytest.importorskip("tensorboardX")


def tracked(run_dir):
    return TensorBoard(run_dir, CONFIG, "mine")


def test_a_resumed_run_has_every_epoch_once(library, run_dir):
    with pytest.raises(KeyboardInterrupt), tracked(run_dir) as tracker:
        train(tracker, run_dir, range(2))
        raise KeyboardInterrupt
    with tracked(run_dir) as tracker:
        train(tracker, run_dir, range(2, 4))
    values = {(tag, step): value for tag, step, value in events(run_dir / EVENTS)}
    assert len(values) == len(events(run_dir / EVENTS)) == 4 * 3
    for epoch in range(4):
        assert values["losses/bpr", epoch] == pytest.approx(record(epoch)["bpr"])
        assert values["valid/recall_at_20", epoch] == pytest.approx(0.1 * epoch)
        assert values["seconds", epoch] == 0.5
    assert len(list((run_dir / EVENTS).iterdir())) == 1


def test_a_finished_run_gets_its_events(library, run_dir):
    write_history(run_dir, 2)
    with tracked(run_dir):
        assert not (run_dir / EVENTS).exists()
    assert {step for _, step, _ in events(run_dir / EVENTS)} == {0, 1}


def test_every_seed_has_its_own_directory_and_the_mean_lies_above(library, run_dir):
    with tracked(run_dir) as tracker:
        write_history(run_dir / "seed_old", 2)
        for seed in (2, 10):
            train(tracker, run_dir, range(2), seed)
        seeds = [{"seed": 2, **RESULT}, {"seed": 10, **RESULT}]
        tracker.on_result({**RESULT, "best_epoch": 1.5, "seeds": seeds})
    for seed in (2, 10):
        found = events(run_dir / EVENTS / f"seed{seed}")
        assert [step for tag, step, _ in found if tag == "losses/bpr"] == [0, 1]
        assert ("best/test/recall_at_20", 1, 0.125) in found
    assert ("best/test/recall_at_20", 1, 0.125) in events(run_dir / EVENTS)


def test_the_configuration_stands_beside_the_scores_without_a_sub_run(library, run_dir):
    write_history(run_dir, 2)
    with tracked(run_dir) as tracker:
        tracker.on_result(RESULT)
    assert [path.is_file() for path in (run_dir / EVENTS).iterdir()] == [True]
    content = importlib.import_module("tensorboardX.proto.plugin_hparams_pb2").HParamsPluginData
    found = {
        value.tag: content.FromString(value.metadata.plugin_data.content)
        for _, value in summaries(run_dir / EVENTS)
        if value.tag.startswith("_hparams_/")
    }
    settings = found["_hparams_/session_start_info"].session_start_info.hparams
    assert settings["model"].string_value == "lightgcn"
    assert settings["learning_rate"].number_value == 0.001
    assert settings["guidance"].bool_value and settings["warm_start"].string_value == "None"
    scores = found["_hparams_/experiment"].experiment.metric_infos
    assert [score.name.tag for score in scores] == [
        "best/valid/recall_at_20",
        "best/test/recall_at_20",
    ]


def test_without_the_library(run_dir, absent):
    absent("tensorboardX")
    with pytest.raises(ConfigError, match=r"pip install 'kdiffe_jax\[tensorboard\]'$"):
        tracked(run_dir)
    assert not (run_dir / EVENTS).exists()
