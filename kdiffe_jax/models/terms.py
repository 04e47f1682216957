"""Loss terms and pieces of a view that models share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.config import EmbeddingConfig, RankingConfig
from kdiffe_jax.models.arrays import Batch, Inputs, Term, View, Weighted
from kdiffe_jax.models.scoring import scoring_items, scoring_users
from kdiffe_jax.ops.losses import bpr, each_once, info_nce, or_all, sampled_softmax
from kdiffe_jax.ops.propagate import layers_of, next_layer
from kdiffe_jax.ops.row_ops import row_dots
from kdiffe_jax.ops.sparse_types import Laplacian
from kdiffe_jax.ops.spmm import spmm
from kdiffe_jax.ops.trace_phases import device_phase


def weighted_term(per_example: jax.Array, weights: jax.Array) -> Term:
    """Sums the examples whose weight is not 0."""
    return Term(jnp.sum(jnp.where(weights > 0, per_example * weights, 0.0)), jnp.sum(weights))


def scalar_term(value: jax.Array) -> Term:
    """A term that is no mean over examples."""
    return Term(value, jnp.ones(()))


@device_phase("ranking_loss")
def ranking_term(
    view: View,
    batch: Batch,
    ranking: RankingConfig,
    score: str,
    traced: Mapping[str, jax.Array],
    key: jax.Array,
) -> dict[str, Weighted]:
    """The ranking objective: BPR (eq. 15) or the softmax over drawn items, by its name.

    Args:
      view: final embeddings.
      batch: interactions with one negative each; the softmax draws its own.
      ranking: which objective.
      score: the score form, of which the softmax is.
      traced: "softmax_temperature".
      key: of the draw.
    """
    if ranking.ranking_loss == "softmax":
        drawn = jax.random.randint(key, (ranking.softmax_negatives,), 0, view.items.shape[0])
        negatives = view.items[drawn]
        losses = sampled_softmax(
            scoring_users(view.users[batch.users], score),
            scoring_items(view.items[batch.positives], score),
            scoring_items(negatives, score),
            temperature=traced["softmax_temperature"],
        )
    else:
        users = view.users[batch.users]
        positive = row_dots(users, view.items[batch.positives])
        losses = bpr(positive, row_dots(users, view.items[batch.negatives]))
    return {ranking.ranking_loss: Weighted(weighted_term(losses, batch.weights))}


@device_phase("norm_adam")
def batch_rows_norm(users: jax.Array, items: jax.Array, batch: Batch) -> Term:
    """1/2 (|e_u|^2 + |e_p|^2 + |e_n|^2) of the rows of each triplet.

    Args:
      users: f32[I, d], layer 0 as LightGCN takes it, or the final rows.
      items: f32[J, d], likewise.
      batch: triplets.
    """
    rows = (users[batch.users], items[batch.positives], items[batch.negatives])
    return weighted_term(0.5 * sum(row_dots(row, row) for row in rows), batch.weights)


@device_phase("info_nce")
def node_contrast(
    one: View,
    other: View,
    batch: Batch,
    temperature: jax.Array,
    *,
    negatives: str,
) -> dict[str, Term]:
    """InfoNCE of each node of the batch with itself in another view (eq. 13).

    Args:
      one: of the anchors.
      other: of the candidates.
      batch: its users and positives are the anchors; see `Batch.contrasted`.
      temperature: tau.
      negatives: "all", every node of the side, or "batch", those of the batch, each once.

    Returns:
      "info_nce_users" and "info_nce_items".
    """
    nce = _all_node_nce if negatives == "all" else _batch_nce
    batch = batch.contrasted()
    return {
        "info_nce_users": nce(one.users, other.users, batch.users, batch.weights, temperature),
        "info_nce_items": nce(one.items, other.items, batch.positives, batch.weights, temperature),
    }


def _all_node_nce(one, other, nodes, weights, temperature) -> Term:
    losses = info_nce(one[nodes], other, nodes, temperature=temperature)
    return weighted_term(losses, weights)


def _batch_nce(one, other, nodes, weights, temperature) -> Term:
    present = each_once(nodes, weights, size=one.shape[0])
    losses = info_nce(
        one[nodes],
        other[nodes],
        jnp.arange(nodes.shape[0]),
        temperature=temperature,
        candidate_weights=or_all(present),
    )
    return weighted_term(losses, weights)


def with_neighbours(items: jax.Array, inputs: Inputs, embedding: EmbeddingConfig) -> jax.Array:
    """Layer 0 of the items with their nearest items by content, where these have weight."""
    if not embedding.neighbour_weight:
        return items
    return items + embedding.neighbour_weight * spmm(*inputs.neighbours, items)


def pooling_of(embedding: EmbeddingConfig, own: str) -> str:
    """How layers are pooled: as configured, or the model's own way."""
    return own if embedding.layer_pooling == "own" else embedding.layer_pooling


def propagation_artifacts(
    laplacian: Laplacian, users: jax.Array, items: jax.Array, *, layers: int, pooling: str
) -> dict[str, np.ndarray]:
    """What folding in and explaining need of a model whose users are pooled layers of L.

    A user is own_u + sum_j L_uj h_j over past items j, where h_j are the item's layers but the
    last, pooled likewise.

    Args:
      laplacian: L by its blocks.
      users, items: layer 0.
      layers: L.
      pooling: "sum", "mean" or "last".

    Returns:
      "own_users" f32[I, d], "messages" f32[J, d], h, and "laplacian" f32[n], L on the
      training interactions.
    """
    over = partial(next_layer, laplacian)
    own, passed = users, [z for _, z in layers_of(over, (users, items), max(0, layers - 1))]
    scale = 1.0 / (layers + 1) if pooling == "mean" else 1.0
    messages = passed[-1] if pooling == "last" else scale * sum(passed)
    if layers == 0:
        messages = jnp.zeros_like(items)
    elif pooling == "last":
        own = jnp.zeros_like(own)
    arrays = {"own_users": scale * own, "messages": messages}
    arrays["laplacian"] = laplacian.to_users.values
    return {name: np.asarray(array) for name, array in arrays.items()}


def pooled_rows(rows: np.ndarray, *, layers: int, pooling: str) -> tuple[np.ndarray, np.ndarray]:
    """The final row of a node without edges, and what it passes on to a user that takes it.

    Args:
      rows: f32[n, d], layer 0; all later layers are zero.
      layers, pooling: as in `propagation_artifacts`.

    Returns:
      f32[n, d] and f32[n, d], "messages".
    """
    if pooling == "mean":
        rows = rows / np.float32(layers + 1)
    final = rows if pooling != "last" or layers == 0 else np.zeros_like(rows)
    messages = rows if layers and (pooling != "last" or layers == 1) else np.zeros_like(rows)
    return final, messages
