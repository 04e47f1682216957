"""Several seeds as one model: the sum of their scores, what is told of it, what it can do."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models import added_score
from kdiffe_jax.models.arrays import View
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.report.page import write_report
from kdiffe_jax.storage.saved_model import read_model
from kdiffe_jax.training.ensemble import ensemble_of
from kdiffe_jax.training.many_seeds import train_seeds
from kdiffe_jax.training.result import eval_data_of, finish, rescore
from launch.table import result_table
from tests.small_setups import claimed, silent, small_setup


@pytest.fixture(scope="module")
def data():
    return eval_data_of(small_setup("lightgcn", epochs=1))


def drawn_view(data, seed, scale=1.0):
    rng = np.random.default_rng(seed)
    sizes = (data.n_users, data.n_items)
    return View(*(jnp.asarray(scale * rng.normal(size=(n, 4)), jnp.float32) for n in sizes))


def test_scores_are_the_sum_of_those_of_all_seeds_each_by_its_spread(data):
    views = [drawn_view(data, 0), drawn_view(data, 1, scale=100.0)]
    found = ensemble_of(views, data)
    scores = [np.asarray(view.users) @ np.asarray(view.items).T for view in views]
    trained = np.unique(data.train[:, 0])
    by_hand = [own[trained].std(axis=1).mean() for own in scores]
    np.testing.assert_allclose(found.spreads, by_hand, rtol=0.05)  # of some users
    expected = sum(own / spread for own, spread in zip(scores, found.spreads, strict=True))
    np.testing.assert_allclose(found.view.users @ found.view.items.T, expected, atol=1e-4)
    assert found.view.users.shape[1] == 8


@pytest.mark.parametrize("rows", [0.0, 1.0], ids=["zeros", "all alike"])
def test_scores_that_do_not_differ_stay_finite(data, rows):
    alike = View(jnp.ones((data.n_users, 4)), jnp.full((data.n_items, 4), rows))
    found = ensemble_of([alike, drawn_view(data, 1)], data)
    assert found.spreads[0] == 1.0
    assert np.isfinite(found.view.users).all()


def test_a_spread_that_rounds_below_zero_counts_as_none(data):
    rng = np.random.default_rng(0)
    along, across = rng.normal(size=(2, 4))
    across -= along * (along @ across) / (along @ along)
    items = 100.0 + np.outer(rng.normal(size=data.n_items), across)
    users = np.outer(rng.normal(size=data.n_users), along)
    view = View(*(jnp.asarray(rows, jnp.float32) for rows in (users, items)))
    assert 0.0 <= ensemble_of([view, view], data).spreads[0] < 1e-2


def test_one_seed_is_no_ensemble():
    with pytest.raises(ConfigError, match="num_seeds of 2 or more"):
        make_config({"model": "lightgcn", "ensemble": True})
    config = make_config({"model": "lightgcn", "ensemble": True, "num_seeds": 3})
    assert not config.of_seed(1).train.ensemble


@pytest.fixture(scope="module", params=["lightgcn", "kdiffe"])
def finished(request, tmp_path_factory):
    """A run of two seeds with an ensemble: setup, run, trained seeds, result."""
    options = dict(num_seeds=2, ensemble=True, epochs=3)
    setup = small_setup(request.param, **options)
    with claimed(tmp_path_factory.mktemp("run")) as run:
        trained = train_seeds(setup, run, on_epoch=silent, log=silent)
        return setup, run, trained, finish(setup, trained, run)


def test_a_run_tells_seeds_and_ensemble(finished):
    setup, run, trained, result = finished
    together = result["ensemble"]
    assert together["models"] == 2 and len(result["seeds"]) == 2
    assert 0 < together["test"]["recall@20"] <= 1
    above = together["above_its_seeds"]["recall@20"]
    mean = result["over_seeds"]["test"]["recall@20"]["mean"]
    assert above["difference"] == pytest.approx(together["test"]["recall@20"] - mean, abs=1e-9)
    table = result_table(result)
    assert "ensemble of 2, test" in table and "ensemble above the mean of its seeds" in table
    again = rescore(setup, run, log=silent)
    assert again["ensemble"] == together


def test_the_model_file_is_the_ensemble(finished):
    setup, run, trained, result = finished
    model = read_model(run.path)
    assert (model.about["ensemble"], model.about["best_epoch"]) == (2, None)
    assert model.config["ensemble"] is True
    assert model.users.shape[1] == 2 * trained[0].view.users.shape[1]
    data = eval_data_of(setup)
    views = [one.view for one in trained]
    expected = ensemble_of(views, data).view
    np.testing.assert_array_equal(model.users, expected.users)
    user = int(data.test.users[0])
    scores = expected.users[user] @ expected.items.T
    scores[data.train[data.train[:, 0] == user, 1]] = -np.inf
    who = model.user_ids[user]
    ((item, _),) = Recommender(model).recommend([who], k=1)[who]
    assert item == model.item_ids[int(scores.argmax())]


def test_walks_are_fitted_once_for_seeds_and_ensemble(tmp_path, monkeypatch):
    fitted, fit = [], added_score.fit_walks
    monkeypatch.setattr(
        added_score, "fit_walks", lambda data: fitted.append(fit(data)) or fitted[0]
    )
    of = dict(num_seeds=2, ensemble=True, epochs=1, added_score="rp3beta")
    setup = small_setup("lightgcn", **of)
    with claimed(tmp_path) as run:
        trained = train_seeds(setup, run, on_epoch=silent, log=silent)
        together = finish(setup, trained, run)["ensemble"]
    assert len(fitted) == 1 and "weight" in together["added_score"]
    weighed = "item_weights.data" in read_model(run.path).artifacts
    assert weighed == (together["added_score"]["weight"] > 0)


def test_past_items_explain_it_and_new_users_fold_in(finished):
    model = read_model(finished[1].path)
    number = int(model.train[0, 0])
    own, messages, values = (model.artifacts[n] for n in ("own_users", "messages", "laplacian"))
    mine = model.train[:, 0] == number
    rebuilt = own[number] + values[mine] @ messages[model.train[mine, 1]]
    np.testing.assert_allclose(rebuilt, model.users[number], rtol=1e-4, atol=1e-5)
    pair = model.user_ids[number], model.item_ids[0]
    reasons, (score,) = Recommender(model).explain(*pair), Recommender(model).score([pair])
    together = reasons.own + sum(past.contribution for past in reasons.past)
    assert together == pytest.approx(score, abs=1e-4) == reasons.score
    past = [model.item_ids[item] for item in model.train[mine, 1]]
    longer = Recommender(model).with_users({"somebody new": past})
    assert len(longer.recommend(["somebody new"], k=5)["somebody new"]) == 5


def test_new_items_are_refused_in_one_line(finished):
    model = read_model(finished[1].path)
    with pytest.raises(ConfigError, match="an ensemble has no rows for new items"):
        Recommender(model).with_items({"new": ["anything"]})


def test_the_report_has_the_ensemble_beside_its_seeds(finished):
    setup, run, _, result = finished
    run.write("config.json", json.dumps(setup.config.to_flat()).encode())
    page = write_report(run.path).read_text(encoding="utf-8")
    score = f"{result['ensemble']['test']['recall@20']:.4f}"
    assert f"as one {score}" in page and "ensemble of 2, test" in page
    assert "ensemble of them" in page and "by the ensemble" in page
