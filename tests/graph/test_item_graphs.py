import jax
import jax.numpy as jnp
import numpy as np
from scipy import sparse

from kdiffe_jax.graph.item_graphs import across, binary, normalised_graph
from kdiffe_jax.ops.sparse import sparse_pair


def links_of(rng):
    dense = rng.normal(size=(8, 8)) * (rng.random((8, 8)) < 0.5)
    dense[2] = 0.0
    dense[3] = -np.abs(dense[3])
    return dense


def test_both_sides_are_divided_by_the_root_of_the_sums_of_rows(rng):
    """A row without a positive sum is empty, and so is its column."""
    dense = links_of(rng)
    graph = normalised_graph(sparse_pair(sparse.csr_array(dense)), 8, epsilon=0.1)
    sums = dense.sum(axis=1)
    side = np.where(sums > 0, np.abs(sums + 0.1) ** -0.5, 0.0)
    rows = rng.normal(size=(8, 3))
    expected = side[:, None] * (dense @ (side[:, None] * rows))
    np.testing.assert_allclose(across(graph, jnp.asarray(rows)), expected, rtol=1e-5, atol=1e-6)
    slope = jax.grad(lambda rows: across(graph, rows).sum())(jnp.asarray(rows))
    expected = side * (dense.T @ side)
    np.testing.assert_allclose(slope, np.tile(expected[:, None], 3), rtol=1e-4, atol=1e-5)


def test_binary_links(rng):
    dense = links_of(rng)
    forward, transpose = binary(sparse_pair(sparse.csr_array(dense)))
    found = np.zeros((2, 8, 8))
    for matrix, block in zip(found, (forward, transpose), strict=True):
        matrix[block.rows, block.columns] = block.values
    np.testing.assert_array_equal(found[0], dense != 0)
    np.testing.assert_array_equal(found[1], (dense != 0).T)
