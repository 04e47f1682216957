"""The reverse process of a `RowDenoiser` in its hidden space: the same rows, far fewer operations.

A row x enters through W and leaves as y V + c, y = tanh(...). The posterior mean is linear in the
prediction and in x_t, so what the next step sees follows from what this one saw:

  x' = a (y V + c) + b x
  x' W = a (y V W + c W) + b x W

Where the row is scaled to length 1, its length follows too, from x V^T, x c and |x|^2, which follow
likewise. V W and V V^T are made once; only the last prediction has C columns.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.models.arrays import Params
from kdiffe_jax.models.row_denoiser import RowDenoiser
from kdiffe_jax.ops.row_blocks import ROWS_AT_ONCE, map_row_blocks
from kdiffe_jax.ops.row_ops import row_dots
from kdiffe_jax.ops.sparse_types import SparseOperator
from kdiffe_jax.ops.spmm import csr_times_dense
from kdiffe_jax.ops.trace_phases import device_phase

_LEAST_SQUARE = 1e-12


class Lengths(NamedTuple):
    """What the squared length of the next rows follows from."""

    leaving: jax.Array  #: f32[n, width], x V^T
    offset: jax.Array  #: f32[n], x c
    squares: jax.Array  #: f32[n], |x|^2


class Seen(NamedTuple):
    """What the denoiser sees of some rows x."""

    entered: jax.Array  #: f32[n, width], x W
    lengths: Lengths | None  #: where rows are scaled to length 1


class _Products(NamedTuple):
    loop: jax.Array  # V W
    offset: jax.Array  # c W
    gram: jax.Array  # V V^T
    crossed: jax.Array  # V c
    square: jax.Array  # |c|^2


@device_phase("rebuild")
def top_columns(
    denoiser: RowDenoiser,
    params: Params,
    matrix: SparseOperator,
    k: int,
    *,
    block: int = ROWS_AT_ONCE,
) -> jax.Array:
    """The k columns with the largest values after the reverse process of every row.

    It starts from the rows themselves, and nothing is drawn. No more than a block of dense rows
    exists at once.

    Args:
      denoiser, params: trained.
      matrix: f32[n, C] of 0 and 1.
      k: at most C.
      block: rows at once.

    Returns:
      i32[n, k].
    """
    seen, products = start_of(denoiser, params, matrix), _products(denoiser, params)

    def of_block(rows):
        of_rows = jax.tree.map(lambda table: table[rows], seen)
        found = denoiser.leave(params, _last_hidden(denoiser, params, products, of_rows))
        return jnp.argmax(found, axis=1)[:, None] if k == 1 else jax.lax.top_k(found, k)[1]

    return map_row_blocks(of_block, len(matrix.row_starts) - 1, block)


def reverse_rows(denoiser: RowDenoiser, params: Params, matrix: SparseOperator) -> jax.Array:
    """f32[n, C]: all rows after the reverse process; for few rows."""
    seen, products = start_of(denoiser, params, matrix), _products(denoiser, params)
    return denoiser.leave(params, _last_hidden(denoiser, params, products, seen))


def start_of(denoiser: RowDenoiser, params: Params, matrix: SparseOperator) -> Seen:
    """What the denoiser sees of the rows of a sparse matrix f32[n, C]."""
    names = [name for name, _ in denoiser.columns]

    def times(dense):
        return csr_times_dense(matrix.values, matrix.row_starts, matrix.columns, matrix.rows, dense)

    entered = times(jnp.concatenate([params["from_row"][name] for name in names]))
    if not denoiser.of_unit_rows:
        return Seen(entered, None)
    layers = [params["to_row"][name] for name in names]
    leaving = times(jnp.concatenate([layer["kernel"].T for layer in layers]))
    offset = times(jnp.concatenate([layer["bias"] for layer in layers])[:, None])
    squares = jax.ops.segment_sum(
        jnp.square(matrix.values), matrix.rows, len(entered), indices_are_sorted=True
    )
    return Seen(entered, Lengths(leaving, offset[:, 0], squares))


def _products(denoiser: RowDenoiser, params: Params) -> _Products:
    def added(of_block):
        found = (
            of_block(params["from_row"][name], **params["to_row"][name])
            for name, _ in denoiser.columns
        )
        return sum(found)

    return _Products(
        loop=added(lambda enter, kernel, bias: kernel @ enter),
        offset=added(lambda enter, kernel, bias: bias @ enter),
        gram=added(lambda enter, kernel, bias: kernel @ kernel.T),
        crossed=added(lambda enter, kernel, bias: kernel @ bias),
        square=added(lambda enter, kernel, bias: bias @ bias),
    )


def _last_hidden(
    denoiser: RowDenoiser, params: Params, products: _Products, seen: Seen
) -> jax.Array:
    """f32[n, width]: the hidden layer of the last step."""
    context, weights = denoiser.context(params), denoiser.reverse_weights()

    def active(seen, t):
        entered = seen.entered
        if seen.lengths is not None:
            squares = jnp.maximum(seen.lengths.squares, _LEAST_SQUARE)
            entered = entered * jax.lax.rsqrt(squares)[:, None]
        return jnp.tanh(entered + context[t][None])

    def step(seen, t):
        hidden, of_start, of_noisy = active(seen, t), weights.of_start[t], weights.of_noisy[t]
        predicted = hidden @ products.loop + products.offset[None]
        entered = of_start * predicted + of_noisy * seen.entered
        lengths = _next(seen.lengths, hidden, products, of_start, of_noisy)
        return Seen(entered, lengths), None

    last, _ = jax.lax.scan(step, seen, jnp.arange(denoiser.options.timesteps - 1, 0, -1))
    return active(last, 0)


def _next(lengths: Lengths | None, hidden, products: _Products, of_start, of_noisy):
    if lengths is None:
        return None
    gram, crossed = hidden @ products.gram, hidden @ products.crossed
    of_prediction = row_dots(gram, hidden) + 2.0 * crossed + products.square
    of_both = row_dots(lengths.leaving, hidden) + lengths.offset
    return Lengths(
        of_start * (gram + products.crossed[None]) + of_noisy * lengths.leaving,
        of_start * (crossed + products.square) + of_noisy * lengths.offset,
        of_start**2 * of_prediction
        + 2.0 * of_start * of_noisy * of_both
        + of_noisy**2 * lengths.squares,
    )
