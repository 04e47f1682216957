"""Whether the guided denoiser finds triples again that were hidden from it.

A tenth of the triples is taken from the rows and from the graph that makes z~, a fresh denoiser is
trained on the rest, and its values of hidden triples are compared with those of other entities.
Two hidden triples (j, e) and (k, f) of one relation meet where j lacks f and k lacks e: is e above
f in row j, and f above e in row k? A denoiser that knows how frequent entities are, and nothing of
items, wins one of the two and loses the other, so that 0.5 is chance.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.data.rows import position_in_group
from kdiffe_jax.models.arrays import Inputs
from kdiffe_jax.models.kdiffe.entity_rows import hidden_in
from kdiffe_jax.models.kdiffe.fresh_denoiser import values_after_training
from kdiffe_jax.models.kdiffe.graphs import Denoised
from kdiffe_jax.models.kdiffe.modules import KDiffEModules
from kdiffe_jax.ops.sparse_types import KnowledgeGraph

_ONE_IN = 10
_FEWEST = 50
_SHIFTS = 8


def held_out_triples(
    model: KDiffEModules,
    params: Any,
    inputs: Inputs,
    carry: Denoised,
    main: KnowledgeGraph,
    rate: jax.Array,
    key: jax.Array,
    triples: np.ndarray,
) -> dict[str, Any]:
    """AUC of hidden triples over other entities of their relation, by a fresh denoiser.

    Args:
      model: guided, each entity with a column of its own.
      params: trained.
      inputs: constant structure.
      carry: of the last epoch.
      main: the main view's knowledge graph, by which z~ is made.
      rate: learning rate of the encoder.
      key: of all that is drawn.
      triples: int32[m, 3] of (item, relation, entity), sorted.

    Returns:
      held_out_auc, held_out_error (its standard error) and held_out_triples, how many were
      compared. Nothing where fewer than 50 can be.
    """
    hiding_key, training_key = jax.random.split(key)
    seed = np.asarray(jax.random.key_data(hiding_key))
    places = np.random.default_rng(seed).permutation(len(triples))[: len(triples) // _ONE_IN]
    partners = partners_of(places, triples)
    if np.count_nonzero((partners >= 0).any(axis=1)) < _FEWEST:
        return {}
    entities = triples[places, 2]
    rows = hidden_in(inputs.own.rows, places, n_columns=model.sizes.n_entities)
    visible = graph_without(main, triples[places])
    values = values_after_training(
        model,
        inputs._replace(own=inputs.own._replace(rows=rows)),
        _guidance(model, params, inputs, carry, visible),
        rate,
        training_key,
        jnp.asarray(triples[places, 0]),
        jnp.asarray(np.concatenate([entities[:, None], entities[partners]], axis=1)),
    )
    auc, error, compared = paired_auc(np.asarray(values), partners)
    return {"held_out_auc": auc, "held_out_error": error, "held_out_triples": compared}


_guidance = jax.jit(KDiffEModules.guidance_of, static_argnums=0)


def partners_of(places: np.ndarray, triples: np.ndarray) -> np.ndarray:
    """The hidden triples that each hidden triple is compared with.

    Partners are of one relation, and neither one's item has the other's entity. A triple whose
    entity its item still has by another relation is nobody's partner.

    Args:
      places: int[n], which triples are hidden, in random order.
      triples: int[m, 3], all.

    Returns:
      int[n, 16] of 0 .. n - 1, -1 where there is none; j stands in column c of i where i stands
      in column c + 8 (modulo 16) of j.
    """
    n_entities = int(triples[:, 2].max(initial=0)) + 1
    keys = triples[:, 0].astype(np.int64) * n_entities + triples[:, 2]
    items, relations, entities = triples[places].astype(np.int64).T
    visible = np.isin(keys[places], np.delete(keys, places))
    order = np.argsort(relations, kind="stable")
    rank, sizes = np.empty_like(order), np.bincount(relations)[relations]
    rank[order] = position_in_group(relations[order])
    shifts = np.concatenate([np.arange(1, _SHIFTS + 1), -np.arange(1, _SHIFTS + 1)])[None]
    first = np.searchsorted(relations[order], relations)
    partners = order[first[:, None] + (rank[:, None] + shifts) % sizes[:, None]]
    apart = np.abs(shifts) <= (sizes[:, None] - 1) // 2
    has = np.isin(items[:, None] * n_entities + entities[partners], keys)
    has |= np.isin(items[partners] * n_entities + entities[:, None], keys)
    return np.where(apart & ~has & ~visible[:, None] & ~visible[partners], partners, -1)


def paired_auc(values: np.ndarray, partners: np.ndarray) -> tuple[float, float, int]:
    """How often an item's own entity is above its partner's; ties count one half.

    Args:
      values: f32[n, 1 + p], in the row of a hidden triple's item: of its own entity, then of its
        partners'.
      partners: int[n, p], see `partners_of`.

    Returns:
      The AUC, its standard error as that of a U-statistic, and how many triples have partners.

    >>> values = np.array([[0.9, 0.2, 0.0], [0.3, 0.0, 0.7]])
    >>> paired_auc(values, np.array([[1, -1], [-1, 0]]))
    (0.5, 0.0, 2)
    """
    own, others = values[:, :1], values[:, 1:]
    wins = (own > others) + 0.5 * (own == others)
    there, n_partners = partners >= 0, partners.shape[1]
    back = wins[partners, (np.arange(n_partners)[None] + n_partners // 2) % n_partners]
    both = np.where(there, (wins + back) / 2, 0.0)
    counts = there.sum(axis=1)
    means = both.sum(axis=1)[counts > 0] / counts[counts > 0]
    error = 2 * means.std(ddof=1) / np.sqrt(len(means))
    return float(both.sum() / counts.sum()), float(error), len(means)


def graph_without(main: KnowledgeGraph, hidden: np.ndarray) -> KnowledgeGraph:
    """The graph with weight 0 on what joins an item and an entity of a hidden triple.

    Args:
      main: any of its entries may be hidden.
      hidden: int[n, 3] of (item, relation, entity).
    """
    structure = main.structure
    n_entities = structure.column_starts.shape[0] - 1
    keys = np.asarray(structure.rows).astype(np.int64) * n_entities + np.asarray(structure.columns)
    gone = np.isin(keys, hidden[:, 0].astype(np.int64) * n_entities + hidden[:, 2])
    values = jnp.where(jnp.asarray(gone), 0.0, structure.values)
    return main._replace(structure=structure._replace(values=values))
