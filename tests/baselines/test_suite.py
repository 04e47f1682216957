import json

import numpy as np
import pytest

from kdiffe_jax.baselines import suite
from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.closed_form.ease import EASE
from kdiffe_jax.models.closed_form.rp3beta import RP3beta


def scored(eval_data, cache_dir, said, **settings):
    return score_baselines(
        eval_data, BaselineSettings(**settings), cache_dir=cache_dir, log=said.append
    )


@pytest.fixture(autouse=True)
def small_grids(monkeypatch):
    small = {"alpha": (0.4,), "beta": (0.0, 0.2), "prune": ("source",)}
    monkeypatch.setattr(RP3beta, "grid", small)
    monkeypatch.setattr(EASE, "grid", {"regularisation": (10.0, 100.0)})


@pytest.fixture
def never_computed(monkeypatch):
    def arm():
        monkeypatch.setattr(suite, "_score", lambda *_: pytest.fail("computed again"))

    return arm


def test_default_baselines_have_all_their_scores(eval_data, tmp_path):
    said = []
    found = scored(eval_data, tmp_path, said)
    assert list(found) == ["most_popular", "rp3beta", "ease"]
    for scores in found.values():
        assert {"recall@20", "ndcg@5", "map@50"} <= scores["test"].keys()
        assert list(scores["per_user"]) == ["recall@20", "ndcg@20"]
        for metric, values in scores["per_user"].items():
            assert scores["test"][metric] == pytest.approx(np.mean(values))
        assert scores["cold"]["test"]["candidates"] == 2
        assert 0 < scores["beyond_accuracy"]["coverage@20"] <= 1
        assert scores["seconds"] > 0
    assert found["most_popular"]["hyper_parameters"] == {}
    assert found["ease"]["hyper_parameters"]["regularisation"] > 0
    assert [line.split(":")[0].removeprefix("baseline ") for line in said] == [
        "most_popular",
        *("rp3beta", "rp3beta"),
        *("ease", "ease"),
    ]
    assert said[1] == said[3].replace("ease", "rp3beta")
    assert said[1] == "baseline rp3beta: climbing among 2 settings on validation"
    assert found["rp3beta"]["test"]["recall@5"] > found["most_popular"]["test"]["recall@5"]


def test_scores_are_computed_once_a_data_set(eval_data, tmp_path, never_computed):
    first = scored(eval_data, tmp_path, [])
    never_computed()
    said = []
    assert scored(eval_data, tmp_path, said) == json.loads(json.dumps(first))
    assert not said
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("change", ["mask", "selection", "train"])
def test_other_data_or_another_choice_is_computed_anew(eval_data, tmp_path, change):
    scored(eval_data, tmp_path, [], baselines="most_popular")
    if change == "selection":
        eval_data = eval_data._replace(eval=type(eval_data.eval)(selection_metric="ndcg@10"))
    elif change == "train":
        eval_data = eval_data._replace(train=eval_data.train[1:])
    else:
        seen = eval_data.test.seen
        hidden = seen._replace(values=seen.values.at[0].set(3))
        eval_data = eval_data._replace(test=eval_data.test._replace(seen=hidden))
    said = []
    scored(eval_data, tmp_path, said, baselines="most_popular")
    assert len(said) == 1 and len(list(tmp_path.glob("*.json"))) == 2


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"scores": {}}', "digit"])
def test_a_damaged_file_is_said_computed_again_and_replaced(eval_data, tmp_path, damage):
    first = scored(eval_data, tmp_path, [], baselines="most_popular")
    (file,) = tmp_path.glob("*.json")
    whole = file.read_text()
    file.write_text(whole.replace("0.", "0.1", 1) if damage == "digit" else damage)
    said = []
    again = scored(eval_data, tmp_path, said, baselines="most_popular")
    assert "computed again" in said[0] and file.name in said[0]
    assert again["most_popular"]["test"] == first["most_popular"]["test"]
    assert json.loads(file.read_text())["scores"]["test"] == first["most_popular"]["test"]


def test_ease_above_its_limit_is_left_out_with_what_it_needs(eval_data, tmp_path):
    said = []
    found = scored(eval_data, tmp_path, said, baselines="ease", ease_memory_gb=1e-6)
    assert found["ease"].keys() == {"left_out"}
    assert "24 items need 0.0 GB" in found["ease"]["left_out"]
    assert len(said) == 1 and "--ease_memory_gb" in said[0]
    assert not list(tmp_path.iterdir())


def test_a_matrix_that_cannot_be_inverted_leaves_ease_out(eval_data, tmp_path, monkeypatch):
    def fail(*_, **point):
        raise ConfigError("regularisation = 10: too small")

    monkeypatch.setattr(EASE, "fit", fail)
    found = scored(eval_data, tmp_path, [], baselines="ease")
    assert found["ease"] == {"left_out": "regularisation = 10: too small"}


def test_no_baselines_and_no_cache(eval_data):
    assert scored(eval_data, None, [], baselines="none") == {}
    assert "test" in scored(eval_data, None, [], baselines="most_popular")["most_popular"]


def test_another_grid_is_computed_anew(eval_data, tmp_path, monkeypatch):
    scored(eval_data, tmp_path, [], baselines="ease")
    monkeypatch.setattr(EASE, "grid", {"regularisation": (100.0, 300.0, 1000.0)})
    said = []
    scored(eval_data, tmp_path, said, baselines="ease")
    assert said[0] == "baseline ease: climbing among 3 settings on validation"
    assert len(list(tmp_path.glob("*.json"))) == 2
