import json

import numpy as np
import pytest

from kdiffe_jax.baselines import suite
from kdiffe_jax.baselines.bench import tune
from kdiffe_jax.baselines.most_popular import fit_most_popular
from kdiffe_jax.baselines.settings import GRIDS, BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines


def scored(bench, cache_dir, said, **settings):
    return score_baselines(
        bench, BaselineSettings(**settings), cache_dir=cache_dir, say=said.append
    )


@pytest.fixture(autouse=True)
def small_grids(monkeypatch):
    small = {"alpha": (0.6,), "beta": (0.0, 0.2), "prune": ("source",)}
    monkeypatch.setitem(GRIDS, "rp3beta", small)
    monkeypatch.setitem(GRIDS, "ease", {"regularisation": (10.0, 100.0)})


@pytest.fixture
def never_computed(monkeypatch):
    def arm():
        monkeypatch.setattr(suite, "_score", lambda *_: pytest.fail("computed again"))

    return arm


def test_default_baselines_have_all_their_scores(bench, tmp_path):
    said = []
    found = scored(bench, tmp_path, said)
    assert list(found) == ["most_popular", "rp3beta", "ease"]
    for scores in found.values():
        assert {"recall@20", "ndcg@5", "map@50"} <= scores["test"].keys()
        assert scores["test"]["recall@20"] == pytest.approx(np.mean(scores["per_user"]))
        assert scores["cold"]["test"]["candidates"] == 2
        assert 0 < scores["beyond_accuracy"]["coverage@20"] <= 1
        assert scores["seconds"] > 0
    assert found["most_popular"]["hyper_parameters"] == {}
    assert found["ease"]["hyper_parameters"]["regularisation"] > 0
    assert [line.split(":")[0] for line in said] == [f"baseline {name}" for name in found]
    assert found["rp3beta"]["test"]["recall@5"] > found["most_popular"]["test"]["recall@5"]


def test_scores_are_computed_once_a_data_set(bench, tmp_path, never_computed):
    first = scored(bench, tmp_path, [])
    never_computed()
    said = []
    assert scored(bench, tmp_path, said) == json.loads(json.dumps(first))
    assert not said
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("change", ["mask", "selection", "train"])
def test_other_data_or_another_choice_is_computed_anew(bench, tmp_path, change):
    scored(bench, tmp_path, [], baselines="most_popular")
    if change == "selection":
        bench = bench._replace(eval=type(bench.eval)(selection_metric="ndcg@10"))
    elif change == "train":
        bench = bench._replace(train=bench.train[1:])
    else:
        hidden = bench.test.seen.at[0, 0].set(3)
        bench = bench._replace(test=bench.test._replace(seen=hidden))
    said = []
    scored(bench, tmp_path, said, baselines="most_popular")
    assert len(said) == 1 and len(list(tmp_path.glob("*.json"))) == 2


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"scores": {}}', "digit"])
def test_a_damaged_file_is_said_computed_again_and_replaced(bench, tmp_path, damage):
    first = scored(bench, tmp_path, [], baselines="most_popular")
    (file,) = tmp_path.glob("*.json")
    whole = file.read_text()
    file.write_text(whole.replace("0.", "0.1", 1) if damage == "digit" else damage)
    said = []
    again = scored(bench, tmp_path, said, baselines="most_popular")
    assert "computed again" in said[0] and file.name in said[0]
    assert again["most_popular"]["test"] == first["most_popular"]["test"]
    assert json.loads(file.read_text())["scores"]["test"] == first["most_popular"]["test"]


def test_ease_above_its_limit_is_left_out_with_what_it_needs(bench, tmp_path):
    said = []
    found = scored(bench, tmp_path, said, baselines="ease", ease_memory_gb=1e-6)
    assert found["ease"].keys() == {"left_out"}
    assert "24 items need 0.0 GB" in found["ease"]["left_out"]
    assert len(said) == 1 and "--ease_memory_gb" in said[0]
    assert not list(tmp_path.iterdir())


def test_a_matrix_that_cannot_be_inverted_leaves_ease_out(bench, tmp_path, monkeypatch):
    def fail(*_, **point):
        raise np.linalg.LinAlgError("lambda = 10 is too small")

    monkeypatch.setattr(suite.Ease, "fit", fail)
    found = scored(bench, tmp_path, [], baselines="ease")
    assert found["ease"] == {"left_out": "lambda = 10 is too small"}


def test_no_baselines_and_no_cache(bench):
    assert scored(bench, None, [], baselines="none") == {}
    assert "test" in scored(bench, None, [], baselines="most_popular")["most_popular"]


def test_the_best_point_on_validation_is_fitted_and_the_first_of_equals(bench, monkeypatch):
    values = {1: 0.2, 2: 0.5, 3: 0.5}
    fitted = []

    def fit(layers):
        fitted.append(layers)
        return layers

    monkeypatch.setattr(type(bench), "selection_score", lambda self, rank: values[rank])
    chosen, ranker = tune(fit, [{"layers": layers} for layers in values], bench)
    assert chosen == {"layers": 2} and ranker == 2 and fitted == [1, 2, 3, 2]


def test_tuning_does_not_look_at_the_test_split(bench):
    blind = bench._replace(test=None)
    chosen, _ = tune(suite.PREPARE["ease"](blind), suite.grid("ease"), blind)
    assert chosen in suite.grid("ease")


def test_selection_on_test_is_the_same_choice_for_baselines(bench):
    on_test = bench._replace(eval=type(bench.eval)(selection="test"))
    ranker = fit_most_popular(bench)
    swapped = bench._replace(valid=bench.test)
    assert on_test.selection_score(ranker) == swapped.selection_score(ranker)
