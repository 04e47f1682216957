"""Self-loops without a matrix of their own are those of the definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.models.arrays import Sizes
from kdiffe_jax.ops.self_loops import next_layer_with_loops
from tests.models.by_hand import laplacian_of, random_problem


@pytest.mark.parametrize("popularity", [0.0, 0.2])
def test_it_is_the_dense_product(rng, popularity):
    """Nodes without edges keep their own row: their degree is the loop's."""
    pairs, _ = random_problem(rng)
    edges = np.zeros((16, 16))
    edges[pairs[:, 0], 7 + pairs[:, 1]] = 1.0
    looped = edges + edges.T + np.eye(16)
    degrees = looped.sum(axis=1)
    dense = degrees[:, None] ** -0.5 * looped * degrees ** (popularity - 0.5)
    rows = rng.normal(size=(16, 3))
    of_nodes = jnp.split(jnp.asarray(degrees - 1.0), [7])
    laplacian = laplacian_of(pairs, Sizes(7, 9))

    def layer(rows):
        return jnp.concatenate(
            next_layer_with_loops(laplacian, of_nodes, *jnp.split(rows, [7]), popularity=popularity)
        )

    np.testing.assert_allclose(layer(jnp.asarray(rows)), dense @ rows, atol=1e-6)
    weights = rng.normal(size=(16, 3))
    gradient = jax.grad(lambda rows: (layer(rows) * weights).sum())(jnp.asarray(rows))
    np.testing.assert_allclose(gradient, dense.T @ weights, atol=1e-6)
