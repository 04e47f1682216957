import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.graph.drop_entries import drop_entries
from tests.graph.test_drop_edges import blocks_of


def dense(operator):
    matrix = np.zeros((len(operator.row_starts) - 1, len(operator.column_starts) - 1))
    matrix[operator.rows, operator.columns] = operator.values
    return matrix


@pytest.fixture
def whole(rng):
    users, items = np.unique(rng.integers(0, [60, 50], (2000, 2)), axis=0).T
    return blocks_of(users, items, jnp.ones(len(users)), n_users=60, n_items=50)


def test_entries_go_or_are_divided_by_what_is_kept(whole):
    """Independently in both directions, and each direction has its transpose."""
    directed = drop_entries(whole, jax.random.key(0), 0.25)
    kept = []
    for pair, block in zip(directed, whole, strict=True):
        found, entries = dense(pair.forward), dense(block)
        np.testing.assert_array_equal(dense(pair.transpose), found.T)
        stays = (found != 0)[entries != 0]
        expected = np.where(found != 0, entries / 0.75, 0.0)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert abs(stays.mean() - 0.75) < 0.04
        kept.append((found != 0) if block is whole.to_users else (found != 0).T)
    of_both = (kept[0] & kept[1]).sum() / (dense(whole.to_users) != 0).sum()
    assert abs(of_both - 0.75**2) < 0.04


def test_without_dropping_it_is_the_graph(whole):
    directed = drop_entries(whole, jax.random.key(0), 0.0)
    for pair, block in zip(directed, whole, strict=True):
        np.testing.assert_array_equal(dense(pair.forward), dense(block))


def test_a_layer_and_its_gradient_are_the_products(whole, rng):
    directed = drop_entries(whole, jax.random.key(3), 0.5)
    rows = [jnp.asarray(rng.normal(size=(n, 3)), jnp.float32) for n in (60, 50)]
    upstream = [rng.normal(size=(n, 3)).astype(np.float32) for n in (60, 50)]
    found, pull = jax.vjp(lambda *rows: tuple(directed.next_layer(*rows)), *rows)
    matrices = [dense(pair.forward) for pair in directed]
    expected = matrices[0] @ rows[1], matrices[1] @ rows[0]
    gradients = matrices[1].T @ upstream[1], matrices[0].T @ upstream[0]
    for one, other in zip((*found, *pull(tuple(upstream))), (*expected, *gradients), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
