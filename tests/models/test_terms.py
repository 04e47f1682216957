"""Terms that models share against their formulas, and what a model leaves of its layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.config import EmbeddingConfig, RankingConfig
from kdiffe_jax.graph.laplacian import normalised_laplacian
from kdiffe_jax.models.arrays import MOST_CONTRASTED, Batch, View
from kdiffe_jax.models.feature_streams import batch_softmax
from kdiffe_jax.models.terms import (
    batch_rows_norm,
    node_contrast,
    pooled_rows,
    pooling_of,
    propagation_artifacts,
    ranking_term,
    weighted_term,
)
from kdiffe_jax.ops.propagate import propagate
from kdiffe_jax.ops.sparse import laplacian_blocks
from tests.reference import oracles

POOLINGS = ("sum", "mean", "last")
SIZES = dict(n_users=5, n_items=4)
SCORES = ("inner_product", "root_length", "cosine")


@pytest.fixture
def rows(rng):
    """Two views of 5 users and 4 items."""
    return [
        View(*(jnp.asarray(rng.normal(size=(n, 3)), jnp.float32) for n in (5, 4))) for _ in range(2)
    ]


@pytest.fixture
def batch():
    """Six interactions of which the last is padding; user 2 and item 3 occur twice."""
    numbers = ([2, 0, 2, 4, 1, 0], [3, 1, 0, 3, 2, 0], [0, 2, 1, 1, 3, 1])
    weights = jnp.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    return Batch(*map(jnp.array, numbers), weights, jnp.zeros(1, jnp.int32), jnp.zeros(1))


def test_what_has_no_weight_may_be_anything():
    term = weighted_term(jnp.array([1.0, jnp.nan, 3.0]), jnp.array([1.0, 0.0, 0.5]))
    assert (float(term.total), float(term.count)) == (2.5, 1.5)
    nothing = weighted_term(jnp.array([jnp.inf]), jnp.zeros(1))
    assert float(nothing.mean) == 0.0


@pytest.fixture
def wide(rng):
    """4,200 interactions, of which the last is padding."""
    numbers = (jnp.asarray(rng.integers(0, n, 4200), jnp.int32) for n in (5, 4, 4))
    weights = jnp.ones(4200).at[-1].set(0.0)
    return Batch(*numbers, weights, jnp.zeros(1, jnp.int32), jnp.zeros(1))


@pytest.mark.parametrize("negatives", ["all", "batch"])
def test_of_very_many_interactions_the_first_are_contrasted(rows, wide, negatives):
    few = Batch(*(field[:MOST_CONTRASTED] for field in wide[:4]), *wide[4:])
    found, expected = (
        node_contrast(*rows, of, jnp.float32(0.3), negatives=negatives) for of in (wide, few)
    )
    for name, term in expected.items():
        assert (found[name].total, found[name].count) == (term.total, MOST_CONTRASTED)


def test_the_softmax_over_a_very_large_batch_is_over_its_first_rows_and_its_own(rng, wide):
    anchors, candidates = rng.normal(size=(2, 4200, 3))
    logits = (anchors / 0.5) @ candidates.T
    own = np.diag(logits)
    total = np.exp(logits[:, :MOST_CONTRASTED]).sum(axis=1)
    total[MOST_CONTRASTED:] += np.exp(own[MOST_CONTRASTED:])
    tables = (jnp.asarray(table, jnp.float32) for table in (anchors, candidates))
    term = batch_softmax(*tables, wide, jnp.float32(0.5))
    np.testing.assert_allclose(term.mean, (np.log(total) - own)[:-1].mean(), rtol=1e-5)


def test_norm_of_the_rows_of_each_triplet(rows, batch):
    users, items = map(np.asarray, rows[0])
    triplets = zip(*(array[:5] for array in batch[:3]), strict=True)
    of_triplets = ((users[u], items[p], items[n]) for u, p, n in triplets)
    expected = [0.5 * sum((row**2).sum() for row in three) for three in of_triplets]
    term = batch_rows_norm(*rows[0], batch)
    np.testing.assert_allclose(term.mean, np.mean(expected), rtol=1e-5)


@pytest.mark.parametrize("negatives", ("all", "batch"))
def test_contrast_is_eq_13_over_all_nodes_or_those_of_the_batch_once(rows, batch, negatives):
    temperature = jnp.float32(0.4)
    found = node_contrast(*rows, batch, temperature, negatives=negatives)
    for side, ids in (("users", batch.users[:5]), ("items", batch.positives[:5])):
        one, other = (np.asarray(getattr(view, side), float) for view in rows)
        present = None if negatives == "all" else np.isin(np.arange(len(other)), ids)
        expected = oracles.info_nce(one[ids], other, np.asarray(ids), 0.4, present)
        np.testing.assert_allclose(found[f"info_nce_{side}"].mean, expected.mean(), rtol=1e-4)


def test_contrast_of_a_batch_without_weight_is_finite(rows, batch):
    found = node_contrast(
        *rows, batch._replace(weights=jnp.zeros(6)), jnp.float32(0.4), negatives="batch"
    )
    assert all(float(term.mean) == 0.0 for term in found.values())


def ranked(view, batch, loss, score="inner_product"):
    ranking = RankingConfig(ranking_loss=loss, softmax_negatives=7)
    traced = {"softmax_temperature": jnp.float32(0.2)}
    ((name, weighted),) = ranking_term(
        view, batch, ranking, score, traced, jax.random.key(0)
    ).items()
    assert name == loss
    return float(weighted.term.mean)


def test_bpr_is_of_positive_over_negative(rows, batch):
    users, items = map(np.asarray, rows[0])
    u, p, n = (np.asarray(array[:5]) for array in batch[:3])
    difference = (users[u] * (items[p] - items[n])).sum(axis=1)
    assert ranked(rows[0], batch, "bpr") == pytest.approx(np.logaddexp(0, -difference).mean())


def test_softmax_is_of_the_score_that_ranks(rows, batch):
    """Only for the cosine does the length of users not matter."""
    view = rows[0]
    found = {
        (score, scale): ranked(view._replace(users=scale * view.users), batch, "softmax", score)
        for score in SCORES
        for scale in (1.0, 10.0)
    }
    assert found["cosine", 1.0] == pytest.approx(found["cosine", 10.0], rel=1e-5)
    for score in SCORES[:2]:
        assert found[score, 1.0] != pytest.approx(found[score, 10.0], rel=1e-2)
    assert found["inner_product", 1.0] != pytest.approx(found["cosine", 1.0], rel=1e-3)


def test_pooling_is_the_models_own_unless_configured():
    assert pooling_of(EmbeddingConfig(), "mean") == "mean"
    assert pooling_of(EmbeddingConfig(layer_pooling="last"), "mean") == "last"


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("layers", (0, 1, 3))
def test_a_user_is_its_own_and_what_its_items_pass_on(rows, layers, pooling):
    """And an item without users is what `pooled_rows` makes of its layer 0."""
    pairs = np.array([[0, 0], [0, 1], [1, 1], [2, 2], [4, 2]])
    ones = jnp.ones(len(pairs))
    matrix = normalised_laplacian(*pairs.T, ones, ones, **SIZES)
    laplacian, how = laplacian_blocks(matrix, n_users=5), dict(layers=layers, pooling=pooling)
    users, items = jax.jit(lambda *rows: propagate(laplacian, *rows, **how))(*rows[0])
    saved = propagation_artifacts(laplacian, *rows[0], **how)
    block = np.asarray(matrix.todense())[:5, 5:]
    np.testing.assert_array_equal(saved["laplacian"], block[tuple(pairs.T)])
    expected = saved["own_users"] + block @ saved["messages"]
    np.testing.assert_allclose(expected, users, rtol=1e-5, atol=1e-6)
    final, messages = pooled_rows(np.asarray(rows[0].items[3:]), **how)
    np.testing.assert_allclose(final[0], items[3], rtol=1e-6)
    np.testing.assert_allclose(messages[0], saved["messages"][3], rtol=1e-6)
