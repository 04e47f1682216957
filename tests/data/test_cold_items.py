"""Stand-ins of cold items against the arithmetic written out."""

import numpy as np
from scipy import sparse

from kdiffe_jax.data.cold_item_proxies import cold_item_proxies


def literal(near, degrees):
    rows = np.zeros_like(near)
    for item in np.flatnonzero(degrees == 0):
        known = [j for j in range(len(near)) if degrees[j] > 0]
        total = sum(near[item, j] for j in known)
        for j in known:
            rows[item, j] = near[item, j] / total if total else 0.0
    return rows


def test_proxies_equal_the_literal_form(rng):
    near = rng.random((30, 30)) * (rng.random((30, 30)) < 0.1)
    degrees = rng.integers(0, 3, 30)
    found = cold_item_proxies(sparse.csr_array(near), degrees)
    np.testing.assert_allclose(found.toarray(), literal(near, degrees), rtol=1e-5)
    assert found.dtype == np.float32 and (found.data > 0).all()


def test_without_cold_items_there_are_none(rng):
    assert cold_item_proxies(sparse.csr_array(rng.random((6, 6))), np.ones(6, int)).nnz == 0


def test_cold_items_near_cold_items_only_have_none():
    near = sparse.csr_array(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], float))
    assert cold_item_proxies(near, np.array([0, 0, 3])).nnz == 0
