"""TensorBoard events: every figure of every epoch once, also after a resume."""

import importlib
import json
import struct
import sys

import pytest

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.report.scalars import EVENTS, Scalars


def events(directory):
    """(tag, step, value) of every scalar, as TensorBoard reads the files."""
    proto = importlib.import_module("tensorboardX.proto.event_pb2")
    found = []
    for file in sorted(directory.glob("events.*")):
        content, place = file.read_bytes(), 0
        while place < len(content):
            (length,) = struct.unpack_from("<Q", content, place)
            event = proto.Event.FromString(content[place + 12 : place + 12 + length])
            found += [(v.tag, event.step, v.simple_value) for v in event.summary.value]
            place += 12 + length + 4
    return found


@pytest.fixture
def library():
    pytest.importorskip("tensorboardX")


@pytest.fixture
def records(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def test_a_resumed_run_has_every_epoch_once(library, run_dir, records):
    history = run_dir / "metrics.jsonl"
    for stop in (1, 2):  # killed after the first epoch, and resumed
        with Scalars(run_dir) as scalars:
            history.write_text("".join(json.dumps(r) + "\n" for r in records[:stop]))
            scalars.on_epoch(records[stop - 1])
        found = events(run_dir / EVENTS)
        steps = [step for tag, step, _ in found if tag == "losses/bpr"]
        assert steps == list(range(stop))
    values = {(tag, step): value for tag, step, value in found}
    assert len(values) == len(found)
    for record in records:
        epoch = record["epoch"]
        assert values["losses/loss", epoch] == pytest.approx(record["loss"])
        for name, value in record["valid"].items():
            tag = f"valid/{name.replace('@', '_at_')}"
            assert values[tag, epoch] == pytest.approx(value, abs=1e-6)


def test_a_finished_run_gets_its_events(library, run_dir, records):
    with Scalars(run_dir):
        assert not (run_dir / EVENTS).exists()
    assert {step for _, step, _ in events(run_dir / EVENTS)} == {0, 1}


def test_every_seed_has_its_own(library, finished_seeds):
    with Scalars(finished_seeds):
        assert not (finished_seeds / EVENTS).exists()
    for seed, epochs in ((0, 2), (1, 1)):
        tags = [tag for tag, _, _ in events(finished_seeds / EVENTS / f"seed{seed}")]
        assert tags.count("valid/recall_at_20") == epochs


def test_epochs_follow_one_another_in_one_file(library, run_dir, records):
    history = run_dir / "metrics.jsonl"
    history.write_text(json.dumps(records[0]) + "\n")
    with Scalars(run_dir) as scalars:
        for record in records:
            scalars.on_epoch(record)
    steps = [step for tag, step, _ in events(run_dir / EVENTS) if tag == "losses/bpr"]
    assert steps == [0, 1] and len(list((run_dir / EVENTS).iterdir())) == 1


def test_without_the_library(run_dir, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ConfigError, match=r"pip install 'kdiffe_jax\[tensorboard\]'$"):
        Scalars(run_dir)
    assert not (run_dir / EVENTS).exists()
