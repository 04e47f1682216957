"""Models whose embeddings and weights between items both score."""

import json

import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.recommend.export import export
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.storage.saved_model import read_model, write_model
from tests.recommend.weighted import weighted_model


@pytest.fixture(scope="module")
def model(model):
    """A KDiffE with weights between items beside its embeddings."""
    weighted = weighted_model(model, "sparse", nobody=-1)
    return model._replace(artifacts={**model.artifacts, **weighted.artifacts})


@pytest.fixture(scope="module")
def recommender(model):
    return Recommender(model)


def expected_scores(model):
    histories = np.zeros((len(model.user_ids), len(model.item_ids)), np.float32)
    histories[tuple(model.train.T)] = 1
    weights = np.zeros((len(model.item_ids),) * 2, np.float32)
    starts, columns = (model.artifacts[f"item_weights.{p}"] for p in ("indptr", "indices"))
    weights[np.repeat(np.arange(len(weights)), np.diff(starts)), columns] = model.artifacts[
        "item_weights.data"
    ]
    return model.users @ model.items.T + histories @ weights


def test_lists_and_scores_are_of_the_sum(model, recommender):
    scores = expected_scores(model)
    lists = recommender.recommend(k=6, exclude_seen=False)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :6]
    np.testing.assert_array_equal(lists.rows, order)
    np.testing.assert_allclose(lists.scores, np.take_along_axis(scores, order, 1), rtol=1e-5)
    pairs = [(model.user_ids[3], model.item_ids[7]), (model.user_ids[0], model.item_ids[2])]
    np.testing.assert_allclose(recommender.score(pairs), scores[[3, 0], [7, 2]], rtol=1e-5)


def test_candidates_are_the_only_items_and_seen_ones_are_left_out(model, recommender):
    allowed = list(model.item_ids[5:12])
    lists = recommender.recommend(k=7, candidates=allowed, exclude_seen="train")
    seen = {tuple(pair) for pair in model.train.tolist()}
    for user, row in enumerate(lists.rows.tolist()):
        listed = [item for item in row if item >= 0]
        assert set(listed) == {i for i in range(5, 12) if (user, i) not in seen}


def test_shares_add_up_to_the_score(model, recommender):
    scores = expected_scores(model)
    for user, item in ((0, 3), (11, 20)):
        why = recommender.explain(model.user_ids[user], model.item_ids[item])
        total = why.own + sum(past.contribution for past in why.past)
        assert total == pytest.approx(why.score, rel=1e-5)
        assert why.score == pytest.approx(float(scores[user, item]), rel=1e-5)


def test_a_new_user_has_what_walks_from_its_items_add(model, recommender):
    items = model.train[model.train[:, 0] == 4, 1]
    more = recommender.with_users({"new": [model.item_ids[i] for i in items]})
    plain = Recommender(
        model._replace(
            artifacts={n: a for n, a in model.artifacts.items() if "item_weights" not in n}
        )
    ).with_users({"new": [model.item_ids[i] for i in items]})
    pairs = [(model.user_ids[4], i) for i in model.item_ids]
    walked = recommender.score(pairs) - model.items @ model.users[4]
    pairs = [("new", i) for i in model.item_ids]
    np.testing.assert_allclose(more.score(pairs), plain.score(pairs) + walked, atol=1e-5)


def test_a_new_item_scores_by_its_embedding_alone(model, recommender):
    _, relation, entity = model.triples[0].tolist()
    known = (model.relation_names[relation], model.entity_names[entity])
    more = recommender.with_items({"fresh": [known]})
    (score,) = more.score([(model.user_ids[2], "fresh")])
    assert score == pytest.approx(float(model.users[2] @ more.model.items[-1]), rel=1e-5)
    pairs = [(model.user_ids[2], item) for item in model.item_ids]
    np.testing.assert_allclose(more.score(pairs), recommender.score(pairs), rtol=1e-5)


def test_what_is_exported_scores_the_same(model, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    export(model, tmp_path / "out")
    about = json.loads((tmp_path / "out" / "export.json").read_text())
    found = safetensors.load_file(tmp_path / "out" / "embeddings_and_item_weights.safetensors")
    n_items = len(found["items"])
    weights = sparse.csr_array(
        (found["data"], found["indices"], found["indptr"]), shape=(n_items, n_items)
    )
    histories = np.zeros((len(found["users"]), n_items), np.float32)
    histories[tuple(model.train.T)] = 1
    scores = found["users"] @ found["items"].T + histories @ weights
    np.testing.assert_allclose(scores, expected_scores(model), rtol=1e-5, atol=1e-6)
    assert "users @ items.T + histories @ weights" in about["how_to_score"]
    assert about["scorer"] is None and about["dim"] == model.items.shape[1]


def test_it_is_the_same_after_it_was_written(model, recommender, tmp_path):
    write_model(model, tmp_path / "model.npz")
    again = Recommender(read_model(tmp_path))
    np.testing.assert_array_equal(again.recommend(k=4).rows, recommender.recommend(k=4).rows)
