"""Features in the form that a model takes: of any size that float32 has."""

import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.data.feature_rows import in_form


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("size", [1e-20, 1.0, 1e25])
def test_large_and_small_rows_have_length_one(kind, size):
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]], np.float32) * np.float32(size)
    found = in_form(kind(rows), "unit")
    dense = found if isinstance(found, np.ndarray) else found.toarray()
    np.testing.assert_allclose(dense, [[0.6, 0.8], [0.0, 0.0], [0.0, -1.0]], rtol=1e-6)


def test_large_rows_are_standardised():
    rows = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    large = in_form(rows * np.float32(1e25), "standard")
    np.testing.assert_allclose(large, in_form(rows, "standard"), rtol=1e-4, atol=1e-5)
