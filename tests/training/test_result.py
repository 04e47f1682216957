"""What a finished run holds, and that scoring it again says the same."""

import json

import numpy as np
import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.storage.saved_model import MODEL, read_model
from kdiffe_jax.training.result import eval_data_of, finish, rescore
from launch.table import result_table
from tests.small_setups import silent, small_setup, train_in


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A setup, the trained model, its run and result."""
    setup = small_setup("lightgcn", epochs=2)
    trained, run = train_in(setup, tmp_path_factory.mktemp("run"))
    return setup, trained, run, finish(setup, [trained], run)


def without_baseline_seconds(result):
    baselines = {name: found | {"seconds": 0} for name, found in result["baselines"].items()}
    return result | {"baselines": baselines}


def test_result_has_the_promised_keys(finished):
    _, trained, run, result = finished
    stored = json.loads((run.path / "result.json").read_text())
    assert stored == json.loads(json.dumps(result))
    assert list(stored) == [
        "model", "shown_as", "dataset", "selection", "selection_metric", "best_epoch", "epochs",
        "seconds", "cpu_seconds", "parameters", "valid", "test", "users_scored", "cold",
        "beyond_accuracy", "baselines", "notes",
    ]  # fmt: skip
    assert (stored["best_epoch"], stored["epochs"]) == (trained.best_epoch, 2)
    own = [record["cpu_seconds"] for record in trained.history[: trained.best_epoch + 1]]
    assert stored["cpu_seconds"] == pytest.approx(sum(own)) and stored["cpu_seconds"] > 0
    assert stored["parameters"] == sum(np.size(table) for table in trained.params.values())
    for metrics in (stored["valid"], stored["test"], stored["baselines"]["most_popular"]["test"]):
        assert 0 <= metrics["recall@20"] <= 1 and 0 <= metrics["ndcg@20"] <= 1
    assert stored["cold"].keys() == {"valid", "test"}
    assert 0 < stored["beyond_accuracy"]["coverage@20"] <= 1
    with np.load(run.path / "test_per_user.npz") as per_user:
        mean = per_user["recall@20"].mean()
        assert per_user["users"].shape == per_user["recall@20"].shape
    np.testing.assert_allclose(mean, stored["test"]["recall@20"])


def test_a_finished_run_has_its_model_and_scoring_again_writes_it_again(finished):
    setup, trained, run, result = finished
    model = read_model(run.path)
    np.testing.assert_array_equal(model.users, trained.view.users)
    assert model.about["best_epoch"] == trained.best_epoch
    before = (run.path / MODEL).read_bytes()
    (run.path / MODEL).unlink()
    again = rescore(setup, run, log=silent)
    assert without_baseline_seconds(again) == without_baseline_seconds(result)
    assert len(before) == (run.path / MODEL).stat().st_size
    np.testing.assert_array_equal(read_model(run.path).items, model.items)


def test_baselines_stand_beside_the_model_with_paired_tests(finished):
    setup, trained, run, _ = finished
    settings = BaselineSettings(baselines="most_popular,ease", ease_memory_gb=1e-9)
    baselines = score_baselines(eval_data_of(setup), settings, cache_dir=None, log=silent)
    result = finish(setup, [trained], run, baselines)
    popular, ease = result["baselines"]["most_popular"], result["baselines"]["ease"]
    assert "--ease_memory_gb" in ease["left_out"] and "per_user" not in popular
    assert list(popular["paired"]) == ["recall@20", "ndcg@20"]
    for metric, test in popular["paired"].items():
        difference = result["test"][metric] - popular["test"][metric]
        np.testing.assert_allclose(test["difference"], difference, atol=1e-6)
        assert test["users"] == result["users_scored"]["test"]


def test_a_run_that_does_not_score_the_test_split_holds_nothing_of_it(tmp_path):
    setup = small_setup("lightgcn", epochs=2, score_test=False)
    trained, run = train_in(setup, tmp_path)
    result = finish(setup, [trained], run)
    assert "test" not in result and result["baselines"] == {} and "cold" not in result
    assert "validation" in result_table(result)
    np.testing.assert_array_equal(read_model(run.path).users, trained.view.users)
    assert not (run.path / "test_per_user.npz").exists()
    assert "test" not in (run.path / "metrics.jsonl").read_text()


def test_a_planted_truth_that_a_model_looks_for_is_in_the_result(finished, monkeypatch):
    setup, trained, run, result = finished
    assert setup.dataset.relevant is not None and "planted" not in result
    asked = []

    def found_truth(self, params, inputs, carry, key, triples, truth):
        asked.append((params, triples, truth))
        return {"relation_auc": 0.7}

    monkeypatch.setattr(type(setup.model), "found_truth", found_truth)
    assert finish(setup, [trained], run)["planted"] == {"relation_auc": 0.7}
    ((params, triples, truth),) = asked
    assert params is trained.params
    assert triples is setup.dataset.triples and truth is setup.dataset.relevant


def test_what_a_model_says_of_itself_is_in_the_result_and_in_the_model(finished, monkeypatch):
    setup, trained, run, result = finished
    assert "denoiser" not in result and "denoiser" not in read_model(run.path).about
    found = {"denoiser": {"held_out_auc": 0.7, "held_out_error": 0.02, "held_out_triples": 60}}
    asked = []

    def findings(self, params, inputs, carry, traced, key, triples):
        asked.append((params, triples, float(traced["learning_rate"])))
        return found

    monkeypatch.setattr(type(setup.model), "findings", findings)
    assert finish(setup, [trained], run)["denoiser"] == found["denoiser"]
    ((params, triples, rate),) = asked
    assert params is trained.params and triples is setup.dataset.triples
    assert rate == pytest.approx(setup.config.train.learning_rate)
    assert read_model(run.path).about["denoiser"] == found["denoiser"]
    assert rescore(setup, run, log=silent)["denoiser"] == found["denoiser"]
    assert read_model(run.path).about["denoiser"] == found["denoiser"]


def test_of_several_seeds_the_result_has_each_and_the_mean_and_the_model_the_best(
    tmp_path, monkeypatch
):
    setup = small_setup("lightgcn", epochs=1, num_seeds=2)
    trained, run = train_in(setup, tmp_path)
    record = trained.history[0]
    better = record | {"valid": {name: value + 0.1 for name, value in record["valid"].items()}}
    figures = iter([0.6, 0.8])

    def findings(self, *parts):
        return {"denoiser": {"held_out_auc": next(figures), "held_out_triples": 60}}

    monkeypatch.setattr(type(setup.model), "findings", findings)
    result = finish(setup, [trained, trained._replace(history=[better])], run)
    assert [own["denoiser"]["held_out_auc"] for own in result["seeds"]] == [0.6, 0.8]
    assert result["denoiser"] == {"held_out_auc": pytest.approx(0.7), "held_out_triples": 60}
    assert read_model(run.path).about["denoiser"]["held_out_auc"] == 0.8
