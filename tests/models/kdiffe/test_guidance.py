"""z~ at unit scale."""

import jax.numpy as jnp
import numpy as np

from kdiffe_jax.models.kdiffe.guidance import of_unit_scale


def test_neither_offset_nor_scale_of_the_embeddings_is_seen():
    rows = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    rows[7] = 0.0
    offset = np.where(rows.any(axis=1, keepdims=True), np.float32(3.0), np.float32(0.0))
    found = of_unit_scale(jnp.asarray(rows))
    np.testing.assert_allclose(of_unit_scale(jnp.asarray(5 * rows + offset)), found, atol=1e-5)
    assert not np.asarray(found[7]).any()
    np.testing.assert_allclose(np.square(found).sum() / 49, 1.0, rtol=1e-5)
    np.testing.assert_allclose(np.sum(found, axis=0), 0.0, atol=1e-4)


def test_items_without_any_user_are_finite():
    assert not np.asarray(of_unit_scale(jnp.zeros((4, 3)))).any()
