import dataclasses
from types import SimpleNamespace

import pandas as pd
import pytest

import kdiffe_jax as kd
from kdiffe_jax.api.auto import short_list
from kdiffe_jax.errors import ConfigError, NonFiniteLossError, RunError
from tests.api.films import films, ratings


def data():
    return kd.dataset(pd.DataFrame(ratings()), items=pd.DataFrame(films()), name="films")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    models = ["lightgcn", "rp3beta", "most_popular"]
    root = tmp_path_factory.mktemp("compared")
    return kd.compare(data(), models, seeds=2, workdir=root, epochs=2, progress=False)


def test_the_table_has_a_row_a_model(found):
    table = found.table
    assert isinstance(table, pd.DataFrame)
    assert len(table) == 3
    assert set(found.models) == {"lightgcn", "rp3beta", "most_popular"}
    assert "lightgcn" in repr(found)
    assert found._repr_html_().startswith("<iframe")
    assert "\\begin{tabular}" in found.latex()


def test_the_best_is_chosen_on_validation(found):
    scores = {name: model.valid["recall@20"] for name, model in found.models.items()}
    assert found.best is found.models[max(scores, key=scores.get)]
    assert len(found.best.recommend(101, k=3)) == 3


def test_an_ensemble_is_chosen_by_its_own_validation(found):
    def scored(score):
        return {"valid": {"recall@20": score}, "selection": "valid"}

    single = {**scored(0.2), "selection_metric": "recall@20"}
    models = {
        "ensemble": SimpleNamespace(result={**single, "ensemble": scored(0.4)}),
        "single": SimpleNamespace(result={**single, **scored(0.3)}),
    }
    assert dataclasses.replace(found, models=models).best is models["ensemble"]


def test_the_same_call_goes_on_where_it_was(found):
    root = found.models["lightgcn"].directory.parent
    again = kd.compare(data(), list(found.models), seeds=2, workdir=root, epochs=2, progress=False)
    pd.testing.assert_frame_equal(again.table, found.table)
    with pytest.raises(RunError, match="another configuration"):
        kd.compare(data(), ["lightgcn"], seeds=2, workdir=root, epochs=3, progress=False)


def test_rows_may_be_of_one_model():
    rows = {"wide": {"model": "rp3beta"}, "popular": {"model": "most_popular"}}
    found = kd.compare(data(), rows, seeds=1, progress=False)
    assert list(found.models) == ["wide", "popular"]
    assert found.models["wide"].result["model"] == "rp3beta"


def test_mistakes_are_one_line():
    for name in ("a/b", "..", "", "a\\b"):
        with pytest.raises(ConfigError, match="without slashes"):
            kd.compare(data(), {name: {"model": "most_popular"}})
    with pytest.raises(ConfigError, match="give at least one name"):
        kd.compare(data(), [])
    with pytest.raises(ConfigError, match="none of the models has an option epoch; did you mean"):
        kd.compare(data(), ["lightgcn"], epoch=2)


def test_rows_that_nothing_could_order_are_refused_before_any_is_trained(tmp_path):
    rows = {"a": {"model": "rp3beta"}, "b": {"model": "rp3beta", "selection_metric": "ndcg@20"}}
    with pytest.raises(ConfigError, match="'ndcg@20' of row 'b', 'recall@20' of 'a'; give all one"):
        kd.compare(data(), rows, workdir=tmp_path / "runs", progress=False)
    assert not (tmp_path / "runs").exists()


def test_auto_tries_what_there_are_inputs_for(tmp_path):
    assert "kdiffe" in short_list(data().dataset)
    bare = kd.dataset(pd.DataFrame(ratings()))
    assert short_list(bare.dataset) == ("rp3beta", "ease", "lightgcn")
    model = kd.fit(bare, "auto", epochs=1, progress=False)
    assert len(model.tried) == 3
    model.save(tmp_path / "saved")
    assert kd.load(tmp_path / "saved").tried is None
    with pytest.raises(ConfigError, match="a variant is of one model"):
        kd.fit(bare, "auto", variant="no_kg")
    assert model.result["model"] in ("rp3beta", "ease", "lightgcn")


def test_a_row_that_cannot_be_trained_is_named():
    rows = {"good": {"model": "most_popular"}, "wild": {"model": "lightgcn", "learning_rate": 1e30}}
    with pytest.raises(NonFiniteLossError, match="^wild: "):
        kd.compare(data(), rows, progress=False, epochs=2)
