"""Nearest rows by features where not all pairs are looked at."""

import numpy as np
import pytest

from kdiffe_jax.data.content import nearest_in_cells as cells
from kdiffe_jax.data.content.neighbours import feature_neighbours


@pytest.fixture
def rows(rng):
    """Rows about 40 centres, of length 1."""
    centres = rng.normal(size=(40, 16))
    rows = centres[rng.integers(0, 40, 900)] + 0.8 * rng.normal(size=(900, 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("at_once", [50_000, 400])
def test_nearly_all_of_the_nearest_are_found(rows, monkeypatch, at_once):
    monkeypatch.setattr(cells, "_ROWS_AT_ONCE", at_once)
    near = cells.nearest_in_cells(rows, 5)
    products = rows @ rows.T
    np.fill_diagonal(products, -np.inf)
    least = np.sort(products, axis=1)[:, -5]
    assert np.bincount(near.rows, minlength=900).tolist() == [5] * 900
    found = products[near.rows, near.others]
    np.testing.assert_allclose(near.products, found, atol=1e-6, rtol=0)
    assert np.mean(found >= least[near.rows] - 1e-6) > 0.97
    again = cells.nearest_in_cells(rows, 5)
    np.testing.assert_array_equal(near.others, again.others)


def test_a_search_that_may_miss_some_says_so(rows):
    rows[3] = 0
    exact, some = (feature_neighbours("image", rows, 4, most_products=most) for most in (1e9, 1e6))
    assert "may be missed" not in exact.note
    assert "4 nearest items by cosine for 899 items, of which some may be missed" in some.note
    assert 3 not in some.items and 3 not in some.entities
    same = {*zip(exact.items.tolist(), exact.entities.tolist(), strict=True)}
    also = {*zip(some.items.tolist(), some.entities.tolist(), strict=True)}
    assert len(same & also) > 0.95 * len(same)


def test_few_rows_are_all_looked_at(rng):
    rows = rng.normal(size=(3, 4)).astype(np.float32)
    rows[1:] = rows[0] + 0.1 * rows[1:]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    near = cells.nearest_in_cells(rows, 5)
    assert sorted(zip(near.rows.tolist(), near.others.tolist(), strict=True)) == [
        (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1),
    ]  # fmt: skip
