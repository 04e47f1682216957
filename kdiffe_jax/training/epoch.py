"""The compiled calls of an epoch: steps under a loop, what is refreshed, what ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.arrays import Batch, Carry, Inputs, Params, Term, View
from kdiffe_jax.models.base import Model
from kdiffe_jax.models.scoring import scoring_items, with_cold_item_proxies
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.training.step import TrainState, strongly_typed, train_step

# Folded into the run's key, to keep what is drawn between steps apart from what they draw.
_REFRESH_STREAM = 0x7EB01D
_OPEN_STREAM = 0xD809


class Layout(NamedTuple):
    """What a step reads, from how it is stored; traced."""

    params: Callable[[Any], Any] = lambda params: params
    batch: Callable[[Batch], Batch] = lambda batch: batch


def run_epoch(
    model: Model,
    layout: Layout,
    partial_passes: bool,
    state: TrainState,
    batches: Batch,
    inputs: Inputs,
    carry: Carry,
    traced: Mapping[str, jax.Array],
) -> tuple[TrainState, dict[str, Term]]:
    """Scans `train_step` over an epoch's batches.

    Where an epoch is a part of a pass, the steps that fill up the last one are not taken.

    Args:
      model, layout: static.
      partial_passes: static, whether an epoch may be a part of a pass.
      state: donated.
      batches: every array of `Batch` with a leading axis of steps.
      inputs: constant structure.
      carry: of `Model.refresh`.
      traced: the traced options.

    Returns:
      The state after the epoch and each term with arrays of [steps].
    """
    aux = model.open(inputs, carry, stream_key(state.key, _OPEN_STREAM, state.step))

    def step(state, batch):
        batch = layout.batch(batch)
        return train_step(model, state, batch, inputs, aux, traced, unpad=layout.params)

    if partial_passes:
        return _scan_filled(step, state, batches)
    return jax.lax.scan(step, state, batches)


def _scan_filled(step, state: TrainState, batches: Batch) -> tuple[TrainState, dict[str, Term]]:
    """`lax.scan` as far as the last step that has any weight; the terms of the rest are 0."""
    n_steps = batches.weights.shape[0]
    weight = batches.weights.sum(axis=1) + batches.row_weights.sum(axis=1)
    filled = jnp.max(jnp.where(weight > 0, jnp.arange(1, n_steps + 1), 0))

    def batch_at(i):
        return jax.tree.map(lambda a: a[i], batches)

    def take(i, carried):
        state, reported = carried
        state, terms = step(state, batch_at(i))
        return state, jax.tree.map(lambda all_, one: all_.at[i].set(one), reported, terms)

    _, terms = jax.eval_shape(step, state, batch_at(0))
    nothing = jax.tree.map(lambda t: jnp.zeros((n_steps, *t.shape), t.dtype), terms)
    return jax.lax.fori_loop(0, filled, take, (state, nothing))


def refresh(
    model: Model, params: Params, inputs: Inputs, carry: Carry, key: jax.Array, epoch
) -> Carry:
    """What an epoch begins with.

    Args:
      model: static.
      params: trained so far.
      inputs: constant structure.
      carry: what the epoch before had; `Model.first_carry` before the first.
      key: the run's.
      epoch: number of the epoch that will use it.
    """
    own_key = stream_key(key, _REFRESH_STREAM, epoch)
    return strongly_typed(model.refresh(params, inputs, carry, own_key))


@device_phase("encode")
def ranking_view(model: Model, params: Params, inputs: Inputs, carry: Carry) -> View:
    """Final embeddings for ranking, nothing random (eq. 7).

    Where the score is not the inner product, the items are divided by their length, or by its
    root; the length of a user changes no ranking. Cold items have the rows of their nearest
    trained items, where these stand in for them.
    """
    view = model.view(params, inputs, carry)
    _check_view(model, view)
    items = scoring_items(view.items, model.embedding.score)
    if inputs.cold_item_proxies is not None:
        items = with_cold_item_proxies(items, inputs.cold_item_proxies)
    return view._replace(items=items)


def _check_view(model: Model, view: View) -> None:
    """Refuses rows that are not one a user and one an item: a look-up beyond them says nothing."""
    shapes = view.users.shape, view.items.shape
    n_rows = model.sizes.n_users, model.sizes.n_items
    widths = {shape[1:] for shape in shapes}
    if tuple(shape[:1] for shape in shapes) != tuple((n,) for n in n_rows) or len(widths) != 1:
        raise ConfigError(
            f"{type(model).__name__}: view gives users of shape {shapes[0]} and items of "
            f"{shapes[1]}; there are {n_rows[0]} users and {n_rows[1]} items, a row of one width "
            "each"
        )


def stream_key(key: jax.Array, stream: int, number) -> jax.Array:
    """The run's key for one purpose and one epoch or step."""
    return jax.random.fold_in(jax.random.fold_in(key, stream), number)


def truth_key(state_key: jax.Array) -> jax.Array:
    """The key by which what a model found of a planted truth is drawn."""
    return stream_key(state_key, _REFRESH_STREAM, 0)
