"""The benchmark of large graphs: its data, its watch, and that it goes on where it stopped."""

import json
import re
import sys

import numpy as np
import pytest
from pyarrow import csv

from benchmarks import large_graphs
from benchmarks.large import tables
from benchmarks.large.account import held_by, inputs_of, lowered_calls
from benchmarks.large.figure import draw
from benchmarks.large.report import exponent, report
from benchmarks.large.stages import STAGES
from benchmarks.large.watched import watch
from benchmarks.large.wide import with_entities
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.prepare import prepare
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.data.sources import read_source
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.training.setup import build_setup

SIZE = 400


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    directory = tmp_path_factory.mktemp("raw")
    tables.write_tables(directory, SIZE)
    return directory


def test_the_tables_become_the_data_set_they_promise(raw):
    dataset = prepare(read_source(raw, name="large")[1])
    assert (dataset.n_users, dataset.n_items) == (SIZE, SIZE)
    assert len(dataset.valid) == len(dataset.test) == SIZE
    interactions = len(dataset.train) + len(dataset.valid) + len(dataset.test)
    most = tables.INTERACTIONS_PER_USER * SIZE  # so few items repeat in what a user draws
    assert 0.7 * most < interactions <= most
    assert dataset.n_relations == len(tables.RELATIONS)
    per_item = np.bincount(dataset.triples[:, 0], minlength=SIZE)
    assert per_item.max() <= tables.TRIPLES_PER_ITEM and per_item.min() >= 1
    popular = np.sort(np.bincount(dataset.train[:, 1], minlength=SIZE))
    assert popular[0] >= 1 and popular[-SIZE // 10 :].sum() > 0.25 * len(dataset.train)


def test_a_wide_vocabulary_has_an_item_for_every_entity(raw):
    wide = with_entities(prepare(read_source(raw, name="large")[1]), 3000)
    assert wide.n_entities == len(np.unique(wide.triples[:, 2])) == 3000
    assert np.bincount(wide.triples[:, 0], minlength=SIZE).min() >= 3000 // SIZE


def test_the_account_is_of_the_arrays_that_there_are(tmp_path):
    triple, edge = np.arange(8 * SIZE), np.arange(20 * SIZE)
    dataset = Dataset(
        name="of these sizes",
        n_users=SIZE,
        n_items=SIZE,
        n_entities=50,
        train=sorted_unique(np.stack([edge // 20, edge % SIZE], axis=1)),
        valid=np.array([[0, 30]], np.int32),
        test=np.array([[0, 31]], np.int32),
        triples=sorted_unique(np.stack([triple // 8, triple % 2, triple % 50], axis=1)),
        relation_names=("a", "b"),
    )
    config = make_config({"walk_length": 1, "walks_per_node": 1, "denoiser_columns": 10})
    setup = build_setup(dataset, config, cache_dir=tmp_path, log=lambda line: None)
    assert held_by(inputs_of(SIZE, 50)) == held_by(setup.inputs)


def test_no_array_of_a_step_has_a_row_of_the_embedding_an_edge_or_a_triple():
    size, config = 2000, make_config({"epoch_steps": 2})
    dim = config.embedding.dim
    call = lowered_calls(config, size)["a step"].as_text()
    found = {tuple(map(int, shape.split("x"))) for shape in re.findall(r"<([0-9x]+)xf32>", call)}
    assert (size, dim) in found
    largest = max((np.prod(shape) for shape in found if dim in shape), default=0)
    assert largest < size * tables.TRIPLES_PER_ITEM * dim


def test_only_so_many_users_are_scored(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "USERS_SCORED", 30)
    tables.write_tables(tmp_path, SIZE)
    split = csv.read_csv(tmp_path / "interactions.csv")["split"].to_pylist()
    assert split.count("valid") == split.count("test") == 30


def test_the_same_seed_is_the_same_table_whatever_the_parts(raw, tmp_path):
    tables.write_tables(tmp_path, SIZE)
    for name in ("interactions.csv", "triples.csv"):
        assert (tmp_path / name).read_bytes() == (raw / name).read_bytes()
    tables.write_tables(tmp_path, SIZE, seed=1)
    assert (tmp_path / name).read_bytes() != (raw / name).read_bytes()


def test_a_command_is_watched(tmp_path):
    held = "held = b'x' * 300_000_000; print(len(held))"
    watched = watch([sys.executable, "-c", held], log=tmp_path / "log", limit_gb=24.0)
    assert watched.status == 0 and not watched.above_limit
    assert watched.peak_gb > 0.3 and watched.core_seconds > 0
    assert (tmp_path / "log").read_text() == "300000000\n"
    waits = "held = b'x' * 300_000_000; import time; time.sleep(60)"
    watched = watch([sys.executable, "-c", waits], log=tmp_path / "log", limit_gb=0.2)
    assert watched.above_limit and watched.status < 0 and watched.seconds < 50


@pytest.fixture
def quick(monkeypatch):
    """Stages that only say that they ran; those named in the list fail."""
    ran, fail = [], []

    def command_of(stage, directory, size):
        ran.append((size, stage))
        return [sys.executable, "-c", f"raise SystemExit({3 if stage in fail else 0})"]

    monkeypatch.setattr(large_graphs, "command_of", command_of)
    monkeypatch.setattr(large_graphs, "found_in", lambda stage, directory: {})
    return ran, fail


def run(monkeypatch, out, *flags):
    argv = ["large_graphs", f"--out={out}", "--sizes", "10", "20", *flags]
    monkeypatch.setattr(sys, "argv", argv)
    return large_graphs.main()


def test_what_is_done_is_not_done_again(quick, tmp_path, monkeypatch, capsys):
    ran, fail = quick
    fail.append("S")
    earlier = tmp_path / "out" / "10" / "cache"
    earlier.mkdir(parents=True)
    assert run(monkeypatch, tmp_path / "out") == 1 and not earlier.exists()
    assert "S ended with status 3" in capsys.readouterr().out
    assert ran == [(size, stage) for size in (10, 20) for stage in STAGES[:3]]
    ran.clear()
    fail.clear()
    picture = tmp_path / "figure.png"
    assert run(monkeypatch, tmp_path / "out", f"--figure={picture}") == 0
    assert ran == [(size, stage) for size in (10, 20) for stage in STAGES[2:]]
    assert picture.stat().st_size > 10_000 and not (tmp_path / "out" / "10").exists()
    ran.clear()
    assert run(monkeypatch, tmp_path / "out") == 0 and not ran
    kept = json.loads((tmp_path / "out" / "results.json").read_text())
    assert list(kept) == ["10", "20"] and list(kept["10"]) == list(STAGES)


def test_the_report_fits_what_it_grows_like(tmp_path):
    results = {
        str(size): {"S": {"seconds": size / 10, "core_seconds": 1.0, "peak_gb": size**0.5}}
        for size in (10, 1000)
    }
    text = report(results)
    assert "| S | 1 | 100 | 1.00 |" in text and "| S | 3.16 | 31.62 | 0.50 |" in text
    assert "| train | - | - | nan |" in text
    assert exponent(np.array([1, 2, 4]), np.array([3.0, 12.0, 48.0])) == pytest.approx(2.0)
    draw(results, tmp_path / "figure.png")
