"""The compiled calls of an epoch: steps under a loop, the rebuild, the encoding."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.diffusion import reverse_from
from kdiffe_jax.graph.laplacian import drop_edges
from kdiffe_jax.model.encoder import View
from kdiffe_jax.phases import device_phase
from kdiffe_jax.rebuild import (
    Kept,
    dense_rows,
    map_item_blocks,
    rebuilt_graph,
    top_own_relations,
    top_relations,
    triple_scores,
)
from kdiffe_jax.reverse import HiddenDenoiser, hidden_denoiser, reverse_rows
from kdiffe_jax.scoring import scoring_items, with_stand_ins
from kdiffe_jax.training.state import Parts, TrainState, view_of
from kdiffe_jax.training.step import Term, guidance_rows, train_step
from kdiffe_jax.types import Batch, Graphs, Strengths

REBUILD_BLOCK = 1024
# Folded into the run's key beside an epoch's number, to keep their noise apart from the steps'.
_REBUILD_STREAM = 0x7EB01D
_DROP_STREAM = 0xD809


class Compiled(NamedTuple):
    """Jitted functions of one set of parts; each compiles once per shape."""

    epoch: Callable[..., tuple[TrainState, dict[str, Term]]]
    rebuild: Callable[..., Kept]
    encode: Callable[..., View]  #: as ranking during training reads it
    score_triples: Callable[..., jax.Array]
    whole: Callable[[View], View] = lambda view: view  #: what `encode` gives, on one device


def compile_parts(parts: Parts) -> Compiled:
    """The functions that the loop calls once an epoch."""
    return Compiled(
        epoch=jax.jit(partial(run_epoch, parts), donate_argnums=0),
        rebuild=jax.jit(partial(rebuild_relations, parts)),
        encode=jax.jit(partial(main_view, parts)),
        score_triples=jax.jit(partial(score_own_triples, parts)),
    )


def run_epoch(
    parts: Parts,
    state: TrainState,
    batches: Batch,
    graphs: Graphs,
    kept: Kept,
    strengths: Strengths,
) -> tuple[TrainState, dict[str, Term]]:
    """Scans `train_step` over an epoch's batches.

    Where an epoch is a part of a pass, the steps that fill up the last one are not taken.

    Args:
      parts: static.
      state: donated.
      batches: every array of `Batch` with a leading axis of steps.
      graphs: constant structure.
      kept: the relations of the contrastive view.
      strengths: theta_1, theta_2 and tau.

    Returns:
      The state after the epoch and each term with arrays of [steps].
    """
    with device_phase("rebuild"):
        rebuilt = rebuilt_graph(
            kept, n_items=parts.encoder.n_items, n_entities=parts.encoder.n_entities
        )
    train = parts.config.train
    if train.contrast == "edge_drop":
        key = _stream_key(state.key, _DROP_STREAM, state.step)
        rebuilt = graphs.knowledge
        graphs = graphs._replace(dropped=drop_edges(graphs.laplacian, key, train.edge_drop))

    def step(state, batch):
        return train_step(parts, state, parts.read_batch(batch), graphs, rebuilt, strengths)

    if train.epoch_steps:
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


@device_phase("encode")
def main_view(parts: Parts, params, graphs: Graphs) -> View:
    """Final embeddings for ranking: the main view, nothing random (eq. 7).

    Where the score is not the inner product, the items are divided by their length, or by
    its root; the length of a user changes no ranking. Cold items have the rows of their
    stand-ins, where there are any.
    """
    view = view_of(parts, params, graphs, graphs.knowledge)
    items = scoring_items(view.items, parts.config.model.score)
    if graphs.stand_ins is not None:
        items = with_stand_ins(items, graphs.stand_ins)
    return view._replace(items=items)


@device_phase("rebuild")
def rebuild_relations(parts: Parts, params, graphs: Graphs, key: jax.Array, epoch) -> Kept:
    """Denoises every item's row and keeps its top-q relations.

    Args:
      parts: static.
      params: encoder and denoiser.
      graphs: constant structure.
      key: the run's key.
      epoch: number of the epoch that will use the graph; it seeds the noise.
    """
    settings = parts.config.diffusion
    guidance = guidance_rows(parts, main_view(parts, params, graphs), graphs)
    noise_key = _stream_key(key, _REBUILD_STREAM, epoch)
    denoiser = hidden_denoiser(params["denoiser"], parts.denoiser.precision)

    def keep(items):
        denoised = _denoise(parts, denoiser, graphs, guidance, noise_key, items)
        if settings.rebuild_from == "all":
            return top_relations(denoised, graphs.entity_relation, settings.top_q)
        own = jax.tree.map(lambda table: table[items], graphs.rows)
        return top_own_relations(denoised, own, settings.top_q)

    return map_item_blocks(keep, parts.encoder.n_items, REBUILD_BLOCK)


def score_own_triples(parts: Parts, params, graphs: Graphs, key: jax.Array, epoch) -> jax.Array:
    """The denoised value of every given triple: f32[J, K], -inf on padding."""
    guidance = guidance_rows(parts, main_view(parts, params, graphs), graphs)
    noise_key = _stream_key(key, _REBUILD_STREAM, epoch)
    denoiser = hidden_denoiser(params["denoiser"], parts.denoiser.precision)

    def score(items):
        denoised = _denoise(parts, denoiser, graphs, guidance, noise_key, items)
        return triple_scores(denoised, graphs.rows.columns[items])

    return map_item_blocks(score, parts.encoder.n_items, REBUILD_BLOCK)


def _stream_key(key: jax.Array, stream: int, number) -> jax.Array:
    return jax.random.fold_in(jax.random.fold_in(key, stream), number)


def _denoise(
    parts: Parts, denoiser: HiddenDenoiser, graphs: Graphs, guidance, noise_key, items
) -> jax.Array:
    """The reverse process for some items; an item's noise depends on its id alone."""
    n_columns = parts.denoiser.n_columns
    keys = jax.vmap(lambda item: jax.random.fold_in(noise_key, item))(items)
    noise = jax.vmap(lambda key: jax.random.normal(key, (n_columns,)))(keys)
    rows = dense_rows(graphs.rows, items, n_columns=n_columns)
    start = reverse_from(parts.config.diffusion.reverse_start, parts.schedule, rows, noise)
    return reverse_rows(denoiser, parts.schedule, start, guidance[items], parts.denoiser.precision)


def strengths_of(parts: Parts) -> Strengths:
    """The traced hyper-parameters of the configuration."""
    train = parts.config.train
    return Strengths(*(jnp.float32(getattr(train, name)) for name in Strengths._fields))
