"""Lists of different lengths, against Python's own."""

import jax
import numpy as np
import pytest

from kdiffe_jax.ops.ragged import padded, ragged, taken


@pytest.fixture
def lists(rng):
    """12 lists, some of them empty."""
    return [rng.integers(0, 50, n).tolist() for n in (3, 0, 7, 1, 0, 2, 5, 0, 0, 4, 1, 0)]


def of(lists):
    rows = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
    return ragged(rows, np.array(sum(lists, []), np.int32), n_rows=len(lists))


def test_some_lists_as_a_table(lists):
    rows = np.array([2, 2, 11, 0, 9])
    found = np.asarray(jax.jit(lambda given, rows: padded(given, rows, -1))(of(lists), rows))
    assert found.shape == (5, 7)
    for row, number in zip(found.tolist(), rows.tolist(), strict=True):
        assert row == lists[number] + [-1] * (7 - len(lists[number]))


def test_taken_lists_are_those_lists(lists):
    rows = np.array([9, 1, 2, 2])
    found, expected = taken(of(lists), rows), of([lists[row] for row in rows])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_lists_of_nothing():
    empty = ragged(np.zeros(0, int), np.zeros(0, int), n_rows=3)
    assert np.asarray(padded(empty, np.arange(3), 9)).tolist() == [[9]] * 3
    assert len(taken(empty, np.array([1])).values) == 0


def test_a_long_list_makes_nothing_wider_for_the_others():
    rows = np.concatenate([np.zeros(1000, int), np.arange(1, 500)])
    held = ragged(rows, np.arange(len(rows)), n_rows=500)
    assert sum(array.size for array in held) <= 501 + len(rows) + 1000
