"""The model of docs/howto/add-a-model.md, as the page has it: trained, resumed, used."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

import kdiffe_jax.models
from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models import registry
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.report.page import REPORT, leave_report
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.fit import Hooks, fit
from kdiffe_jax.training.resources import Resources
from tests.small_model import named_dataset

PAGE = (Path(__file__).parents[1] / "docs" / "howto" / "add-a-model.md").read_text(encoding="utf-8")
*FILE, LINE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
VALUES = {"model": "mine", "dim": 8, "batch_size": 64, "learning_rate": 0.02, "epochs": 12}


class Killed(BaseException):
    """Stands for a signal: nothing in the loop catches it."""


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Of the page's model, where the page says that it and its line are put."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.py").write_text("".join(FILE), encoding="utf-8")
    rooms = [*kdiffe_jax.models.__path__, str(tmp_path / "models")]
    monkeypatch.setattr(kdiffe_jax.models, "__path__", rooms)
    importlib.invalidate_caches()
    entry = eval("{" + LINE + "}", {"Entry": registry.Entry, "_HERE": registry._HERE})
    monkeypatch.setattr(registry, "MODELS", registry.MODELS | entry)
    yield registry.make_config(VALUES)
    sys.modules.pop("kdiffe_jax.models.mine", None)


def trained(config, path, on_epoch=lambda record: None):
    resources = Resources(path / "cache", baselines=BaselineSettings("most_popular"))
    with RunDirectory(path / "run").claim(config.to_flat()) as run:
        result = fit(named_dataset(), config, run, resources, hooks=Hooks(on_epoch=on_epoch))
    return run.path, result


def scores(result):
    return {name: result[name] for name in ("best_epoch", "epochs", "valid", "test")}


def test_the_model_of_the_page_trains_resumes_and_recommends(config, tmp_path):
    epochs = []

    def stop(record):
        epochs.append(record["epoch"])
        if record["epoch"] == 3:
            raise Killed

    with pytest.raises(Killed):
        trained(config, tmp_path / "broken", stop)
    path, result = trained(config, tmp_path / "broken", lambda r: epochs.append(r["epoch"]))
    assert epochs == list(range(VALUES["epochs"]))
    assert scores(result) == scores(trained(config, tmp_path / "unbroken")[1])

    popular = result["baselines"]["most_popular"]["valid"]["recall@20"]
    assert result["valid"]["recall@20"] > popular
    assert json.loads((path / "result.json").read_text())["model"] == "mine"
    records = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    assert all({"bpr", "rows_norm", "loss"} <= record.keys() for record in records)
    leave_report(path, log=pytest.fail)
    assert (path / REPORT).exists()

    recommender = Recommender.load(path)
    assert len(recommender.recommend("ann 3", k=5)["ann 3"]) == 5
    with pytest.raises(ConfigError, match="^mine has no way to fold in"):
        recommender.with_users({"new": ["p1"]})


def test_an_option_without_a_meaning_is_refused(config):
    with pytest.raises(ConfigError, match="mine has no option layer_pooling"):
        registry.make_config({"model": "mine", "layer_pooling": "sum"})


def test_the_file_is_short():
    assert len([line for block in FILE for line in block.splitlines() if line.strip()]) < 60
