"""The nearest rows of sparse matrices, all pairs looked at or some, against dense products."""

import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.data.content.alike_rows import nearest_alike, products_of
from kdiffe_jax.data.content.shared_entities import neighbours_by_entities
from kdiffe_jax.data.content.sparse_nearest import nearest_rows


def unit_rows(rng, n_rows, n_columns, share):
    rows = rng.random((n_rows, n_columns)) * (rng.random((n_rows, n_columns)) < share)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)


def by_hand(rows, others, n_nearest, itself):
    products = np.round((rows @ others.T).astype(np.float32), 6)
    if not itself:
        np.fill_diagonal(products, 0)
    found = []
    for row, line in enumerate(products):
        order = np.lexsort((np.arange(len(line)), -line))[:n_nearest]
        found += [(row, other) for other in order.tolist() if line[other] > 0]
    return found


@pytest.mark.parametrize("at_once", [1, 40, 10_000])
@pytest.mark.parametrize("itself", [True, False])
def test_nearest_rows_are_those_of_all_products(rng, at_once, itself):
    rows = unit_rows(rng, 30, 25, 0.15)
    rows[7] = 0
    others = rows if not itself else unit_rows(rng, 40, 25, 0.1)
    matrices = [sparse.csr_array(matrix.astype(np.float32)) for matrix in (rows, others)]
    near = nearest_rows(*matrices, 4, itself=itself, at_once=at_once)
    pairs = list(zip(near.rows.tolist(), near.others.tolist(), strict=True))
    assert pairs == by_hand(rows, others, 4, itself) and 7 not in near.rows
    assert any(count < 4 for count in np.bincount(near.rows, minlength=30).tolist())


def test_products_of_pairs(rng):
    rows = unit_rows(rng, 9, 7, 0.5)
    left, right = rng.integers(0, 9, (2, 20))
    found = products_of(sparse.csr_array(rows.astype(np.float32)), left, right)
    np.testing.assert_allclose(found, (rows[left] * rows[right]).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("most_pairs", [0.0, 20_000.0])
def test_where_not_all_pairs_are_looked_at_most_of_the_nearest_are_found(rng, most_pairs):
    """Rows of forty kinds, which share columns of their kind and common ones."""
    kinds, columns = np.arange(600) % 40, 200
    own = (np.arange(columns) % 50 == kinds[:, None]) * (rng.random((600, columns)) < 0.8)
    common = rng.random((600, columns)) < 0.05
    rows = own + 0.2 * common
    rows = sparse.csr_array((rows / np.linalg.norm(rows, axis=1)[:, None]).astype(np.float32))
    exact = nearest_rows(rows, rows, 5, itself=False)
    near = nearest_alike(rows, 5, most_pairs=most_pairs)
    counts = np.bincount(near.rows, minlength=600)
    assert counts.max() == 5 and not (near.rows == near.others).any()
    np.testing.assert_allclose(
        near.products, products_of(rows, near.rows, near.others), atol=1e-6, rtol=0
    )
    assert near.products.sum() > 0.95 * exact.products.sum()
    again = nearest_alike(rows, 5, most_pairs=most_pairs)
    np.testing.assert_array_equal(near.others, again.others)


def test_a_search_that_may_miss_some_says_so(rng):
    triples = np.stack([np.repeat(np.arange(50), 3), np.zeros(150), rng.integers(0, 6, 150)], 1)
    sizes = dict(n_items=50, n_entities=6)
    exact, some = (
        neighbours_by_entities(triples.astype(int), 4, **sizes, most_pairs=most)
        for most in (1e6, 10)
    )
    assert not exact.note and "some of the nearest may be missed" in some.note
    assert some.weights.sum() > 0.95 * exact.weights.sum()
