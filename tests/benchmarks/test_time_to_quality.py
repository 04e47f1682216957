"""The race to quality: its arithmetic on curves by hand, and small systems from end to end."""

import json

import numpy as np
import pytest

from benchmarks import time_to_quality
from benchmarks.quality.curves import Clock, Curve, Splits, by_rows, followed, scores
from benchmarks.quality.figure import colours_of, heights_of
from benchmarks.quality.report import lightgcn_level, table
from benchmarks.quality.settings import Settings, config_of
from benchmarks.quality.systems import run, systems_of
from kdiffe_jax.data.readers.prepared import write_prepared
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.evaluation.ranking import evaluate, mean_metrics
from kdiffe_jax.training.selection import out_of_patience
from tests.small_setups import planted

SETTINGS = Settings(
    dim=8, batch_size=64, learning_rate=0.01, epochs=3, patience=2, seed=0, threads=1
)
RISING = [0.10, 0.30, 0.396, 0.398, 0.40, 0.39]


def result(recalls, seconds=None, **changes):
    seconds = seconds or [float(1 + i) for i in range(len(recalls))]
    curve = {"seconds": seconds, "recalls": recalls}
    test = {"recall@20": 0.25, "ndcg@20": 0.125}
    return {"curve": curve, "test": test, "setting": "", "choosing": None, "peak_gb": 1.5} | changes


def cells(text, name):
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_seconds_to_99_percent_are_those_of_the_first_point_that_has_it():
    curve = Curve([1.0, 2.0, 4.0, 8.0, 16.0, 32.0], RISING)
    assert curve.best == 4
    assert curve.seconds_to_own() == 4.0  # 0.396 is 99 % of 0.40
    assert curve.seconds_to_own(share=1.0) == 16.0
    assert curve.seconds_to(0.41) is None
    assert Curve([1.0, 2.0], [0.5, 0.5]).best == 0


def test_the_table_has_every_system_beside_its_own_best_and_the_best_lightgcn():
    found = {
        "lightgcn": result(RISING),
        "torch-lightgcn": result([0.1, 0.2, 0.5, 0.5], seconds=[10.0, 20.0, 30.0, 40.0]),
        "bm3": result([0.4, 0.494, 0.496], seconds=[1.0, 2.0, 3.0]),
        "implicit-als": result([0.2, 0.1], setting="alpha 10", choosing=77.0),
    }
    assert lightgcn_level(found) == 0.5
    text = table(found)
    ours = ["LightGCN", "6, 4", "0.4000", "0.2500", "0.1250", "3.0", "-", "6.0", "1.50"]
    assert cells(text, "LightGCN") == ours
    assert cells(text, "LightGCN, torch.sparse")[5:8] == ["30.0", "30.0", "40.0"]
    assert cells(text, "BM3")[5:8] == ["2.0", "3.0", "3.0"]  # 0.491 and 0.495
    assert cells(text, "ALS, implicit")[5:8] == ["1.0", "-", "2.0"]
    assert "validation chose alpha 10; all settings together took 77.0 CPU s" in text
    assert "The best LightGCN has 0.5000" in text


def test_without_lightgcn_there_is_no_level():
    text = table({"ease": result([0.1, 0.2])})
    assert cells(text, "EASE")[6] == "-" and "best LightGCN has" not in text


def test_it_ends_where_the_training_loop_would():
    config = config_of("lightgcn", SETTINGS)
    records = []
    curve = Curve([], [])
    for number, recall in enumerate([0.1, 0.3, 0.3, 0.2]):
        curve.add(float(number), recall)
        records.append({"epoch": number, "valid": {"recall@20": recall}})
        assert curve.is_over(SETTINGS.patience) == out_of_patience(records, config)
    assert curve.is_over(SETTINGS.patience)


def test_what_is_apart_is_not_counted():
    clock = Clock()
    with clock.apart():
        before = clock.seconds
        sum(range(3_000_000))
        spent = clock.seconds - before
    assert spent > 0 and clock.seconds - before < spent


def test_lists_are_followed_until_patience_is_over_and_the_best_stay():
    data, splits = planted(), Splits.of(planted())
    counts = np.bincount(data.train[:, 1], minlength=data.n_items)[:, None]
    users = np.ones((data.n_users, 1))
    popular, unpopular = (users, counts), (users, -counts)
    made = (by_rows(*rows) for rows in [unpopular, popular, unpopular, unpopular, popular])
    curve, best = followed(made, Clock(), splits, points=9, patience=2)
    low, high, *after = curve.recalls
    assert low < high and after == [low, low] and curve.best == 1
    assert scores(best, splits.valid)["recall@20"] == high
    of_rows = mean_metrics(evaluate(*map(np.float32, popular), splits.valid, block=32))
    assert high == pytest.approx(of_rows["recall@20"])
    made = (by_rows(*popular) for _ in range(9))
    assert len(followed(made, Clock(), splits, points=2, patience=9)[0].recalls) == 2


def test_rows_are_copied():
    data, rng = planted(), np.random.default_rng(0)
    users, items = (np.float32(rng.normal(size=(n, 4))) for n in (data.n_users, data.n_items))
    splits, lists = Splits.of(data), by_rows(users, items)
    before = scores(lists, splits.valid)
    items *= -1.0
    assert scores(lists, splits.valid) == before


def test_unknown_models_and_packages_that_are_not_there_are_refused(monkeypatch):
    of = dict(torch=False, implicit=False)
    assert systems_of(["lightgcn", "kdiffe:best"], SETTINGS, **of) == [
        "lightgcn",
        "kdiffe:best",
        "ease",
    ]
    with pytest.raises(ConfigError, match="no such model"):
        systems_of(["lightgcm"], SETTINGS, **of)
    with pytest.raises(ConfigError, match="preset = 'bset'"):
        systems_of(["lightgcn:bset"], SETTINGS, **of)
    monkeypatch.setattr("benchmarks.quality.systems.find_spec", lambda name: None)
    for package in ("torch", "implicit"):
        with pytest.raises(ConfigError, match=f"--{package}: the package"):
            systems_of(["lightgcn"], SETTINGS, **of | {package: True})


def test_a_preset_keeps_what_is_its_own():
    config = config_of("kdiffe:best", SETTINGS)
    assert config.train.batch_size == 64 and config.ranking.ranking_loss == "softmax"
    assert config_of("bm3", SETTINGS).train.patience == 2


@pytest.mark.parametrize("name", ["lightgcn", "bm3"])
def test_torch_begins_where_ours_begins(name, tmp_path):
    pytest.importorskip("torch")
    from benchmarks.quality import torch_forms
    from benchmarks.torch_models.training import TorchTraining
    from tests.small_setups import small_setup, started

    setup = small_setup(name, batch_size=64)
    state = started(setup).state
    training = TorchTraining(setup, setup.placement.batches(setup.sampler, 0), steps=0, threads=1)
    initial = {k: _on_host(v) for k, v in state.params.items()}
    torch_forms.begin_with(training.form, initial)
    view = setup.model.view(state.params, setup.inputs, ())
    theirs, ours = torch_forms.ranked_by(training.form), by_rows(*view)
    found, expected = (np.asarray(lists(setup.valid, k=5)) for lists in (theirs, ours))
    assert np.mean(found == expected) > 0.95


def _on_host(value):
    if isinstance(value, dict):
        return {name: np.array(part) for name, part in value.items()}
    return np.array(value)


def test_lightgcn_in_torch_goes_where_ours_goes(tmp_path):
    pytest.importorskip("torch")
    ours, theirs = (
        run(name, planted(), SETTINGS, tmp_path / name) for name in ("lightgcn", "torch-lightgcn")
    )
    assert ours.curve.recalls == pytest.approx(theirs.curve.recalls, abs=0.02)
    assert ours.test["recall@20"] == pytest.approx(theirs.test["recall@20"], abs=0.02)


@pytest.mark.parametrize("kind", ["als", "bpr"])
def test_implicit_learns_and_the_best_setting_is_kept(kind, tmp_path):
    pytest.importorskip("implicit")
    found = run(f"implicit-{kind}", planted(), SETTINGS._replace(epochs=6), tmp_path)
    assert "regularization" in found.setting and found.choosing > found.curve.seconds[-1]
    assert 1 <= len(found.curve.recalls) <= 6
    assert found.curve.recalls[found.curve.best] > found.curve.recalls[0]


def test_labels_keep_apart_and_colours_are_of_models():
    heights = heights_of({"a": 0.9, "b": 0.91, "c": 0.5}, 0.1)
    assert list(heights) == ["c", "a", "b"] and np.diff(list(heights.values())).min() >= 0.1 - 1e-9
    colours = colours_of(["lightgcn", "bm3", "torch-lightgcn", "ease"])
    assert colours["lightgcn"] == colours["torch-lightgcn"] != colours["bm3"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "planted"
    write_prepared(planted(), path)
    return path


def command(prepared, out, *flags):
    settings = SETTINGS._asdict() | {"epochs": 2, "threads": 1}
    own = [f"--{name}={value}" for name, value in settings.items()]
    return time_to_quality.main([f"--dataset={prepared}", f"--out={out}", *own, *flags])


def test_a_command_that_was_broken_off_goes_on(prepared, tmp_path, monkeypatch, capsys):
    out, picture = tmp_path / "out", tmp_path / "figure.png"
    watched, ran, fail = time_to_quality.watch, [], ["ease"]

    def watch(own, **settings):
        system = own[-1].removeprefix("--system=")
        ran.append(system)
        own = ["false"] if system in fail else own
        return watched(own, **settings)

    monkeypatch.setattr(time_to_quality, "watch", watch)
    assert command(prepared, out, "--models=lightgcn") == 1
    first = capsys.readouterr().out
    assert "ease failed, status 1" in first and len(cells(first, "LightGCN")) == 9
    assert ran == ["lightgcn", "ease"]
    kept = json.loads((out / "quality.json").read_text())["systems"]
    assert list(kept) == ["lightgcn"] and kept["lightgcn"]["peak_gb"] > 0.1
    assert kept["lightgcn"]["core_seconds"] > kept["lightgcn"]["curve"]["seconds"][-1] > 0

    ran.clear()
    fail.clear()
    flags = f"--report={tmp_path / 'report.md'}", f"--figure={picture}"
    assert command(prepared, out, "--models=lightgcn", *flags) == 0
    assert ran == ["ease"] and picture.stat().st_size > 10_000
    text = (tmp_path / "report.md").read_text()
    again = json.loads((out / "quality.json").read_text())["systems"]
    assert table(again) in text and table(again) in capsys.readouterr().out
    assert again["lightgcn"] == kept["lightgcn"] and list(again) == ["lightgcn", "ease"]
    assert len(again["ease"]["curve"]["recalls"]) == 6 and "validation chose lambda" in text
    assert cells(text, "EASE")[1].startswith("6, ")
    assert sorted(file.name for file in out.iterdir()) == [
        "ease.log",
        "lightgcn.log",
        "quality.json",
    ]

    ran.clear()
    assert command(prepared, out, "--models=lightgcn", "--dim=4") == 1
    assert "has results of another dim" in capsys.readouterr().err and not ran


def test_results_that_cannot_be_read_are_refused(prepared, tmp_path, capsys):
    (tmp_path / "quality.json").write_text("[]")
    assert command(prepared, tmp_path) == 1
    assert "quality.json: not readable" in capsys.readouterr().err
