"""What may have been meant by an id that is not there."""

import pytest

from kdiffe_jax.data.closest_id import closest_id


@pytest.mark.parametrize(
    ("name", "ids", "near"),
    [
        ("Cup Red", ["cupred", "Cup red"], "cupred"),
        ("5863.0", ["5862", "5863"], "5863"),
        ("cup-ret", ["hat", "cup-red"], "cup-red"),
        ("kup-red", ["hat", "cup-red"], "cup-red"),
    ],
)
def test_an_id_that_is_near(name, ids, near):
    assert closest_id(name, ids) == f"; did you mean {near!r}?"


@pytest.mark.parametrize("name", ("7", "zebra", "", "77.5"))
def test_no_id_is_near(name):
    assert closest_id(name, ["1", "2", "cup-red"]) == ""
