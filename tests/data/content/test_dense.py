"""Dense rows: blocks cover all of them, zero rows are found, bad values are named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdiffe_jax.data.content import dense
from kdiffe_jax.data.content.dense import row_blocks, rows_with_content
from kdiffe_jax.errors import DataError


@given(st.integers(0, 60), st.integers(0, 40))
def test_blocks_cover_every_row_once_and_stay_small(n_rows, width):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "BLOCK_NUMBERS", 24)
        blocks = list(row_blocks(n_rows, width))
    assert [row for b in blocks for row in range(b.start, b.stop)] == list(range(n_rows))
    assert all((b.stop - b.start) * width <= max(24, width) for b in blocks)


@pytest.mark.parametrize("dtype", (np.float16, np.float64, np.int8, np.uint64, bool))
def test_zero_rows_are_left_out(monkeypatch, dtype):
    monkeypatch.setattr(dense, "BLOCK_NUMBERS", 4)
    rows = np.array([[0, 0], [0, 1], [1, 1], [0, 0], [1, 0]]).astype(dtype)
    assert rows_with_content("image", rows).tolist() == [1, 2, 4]


def test_negative_zero_is_zero_and_tiny_is_not():
    rows = np.array([[-0.0, 0.0], [1e-300, 0.0], [-1.0, 1.0]])
    assert rows_with_content("image", rows).tolist() == [1, 2]


@pytest.mark.parametrize("shape", ((0, 3), (3, 0)))
def test_no_content(shape):
    assert rows_with_content("image", np.zeros(shape)).shape == (0,)


@pytest.mark.parametrize("value", (np.nan, np.inf, -np.inf))
def test_the_first_bad_row_is_named(monkeypatch, value):
    monkeypatch.setattr(dense, "BLOCK_NUMBERS", 4)
    rows = np.ones((7, 2), np.float32)
    rows[[5, 6], 1] = value
    with pytest.raises(DataError, match="^image, row 5: a NaN or infinite value; mend the row$"):
        rows_with_content("image", rows)


@pytest.mark.parametrize(
    "rows",
    (np.zeros(3), np.zeros((2, 2, 2)), np.array([["a"]]), np.array([[{}]]), np.ones((1, 1)) * 1j),
)
def test_what_is_no_numeric_matrix(rows):
    with pytest.raises(DataError, match="^image: shape .*expected a numeric matrix") as caught:
        rows_with_content("image", rows)
    assert "\n" not in str(caught.value)
