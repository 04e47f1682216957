"""The losses, eq. 13-15: pure, per example; the caller reduces."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.log_sum_exp import log_sum_exp
from kdiffe_jax.ops.row_ops import row_dots, unit_rows


def bpr(positive_scores: jax.Array, negative_scores: jax.Array) -> jax.Array:
    """-log sigmoid(y_ui - y_uj) (eq. 15).

    Eq. 15 prints -log(y_ui - y_uj), which is undefined for a negative difference; the
    sigmoid is the usual reading. Computed as softplus, so it stays finite at any size.

    Args:
      positive_scores, negative_scores: f32[n].

    Returns:
      f32[n], at least 0.

    >>> [f"{loss:.4f}" for loss in bpr(jnp.array([0.0, 1000.0]), jnp.array([0.0, 0.0]))]
    ['0.6931', '0.0000']
    """
    return jax.nn.softplus(negative_scores - positive_scores)


def sampled_softmax(
    users: jax.Array,
    positives: jax.Array,
    negatives: jax.Array,
    *,
    temperature: float | jax.Array,
) -> jax.Array:
    """-log exp(s(u, i)/tau) / (exp(s(u, i)/tau) + sum_j exp(s(u, j)/tau)), s the inner product.

    In place of eq. 15 where `ranking_loss` is softmax; of rows of length 1, s is the cosine.
    All triplets share the negatives; a positive among them counts twice.

    Args:
      users, positives: f32[n, d], rows that match.
      negatives: f32[m, d].
      temperature: tau, greater than 0.

    Returns:
      f32[n], greater than 0.

    >>> rows = jnp.eye(2)
    >>> [f"{x:.4f}" for x in sampled_softmax(rows, rows, -rows[:1], temperature=1.0)]
    ['0.1269', '0.3133']
    """
    own = row_dots(users, positives) / temperature
    return jnp.logaddexp(own, log_sum_exp(users / temperature, negatives)) - own


def info_nce(
    anchors: jax.Array,
    candidates: jax.Array,
    positive_index: jax.Array,
    *,
    temperature: float | jax.Array,
    candidate_weights: jax.Array | None = None,
) -> jax.Array:
    """-log exp(s(z, z^)/tau) / sum_v exp(s(z, z^_v)/tau), s the cosine (eq. 13).

    Args:
      anchors: f32[n, d], rows of one view.
      candidates: f32[m, d], rows of the other view: all nodes, or those of the batch.
      positive_index: i32[n], which candidate is the anchor's own node.
      temperature: tau, greater than 0.
      candidate_weights: f32[m], 0 removes a candidate from the sum; all 1 if omitted.

    Returns:
      f32[n]. A zero row has cosine 0 with everything. Many candidates are summed in blocks,
      with the same result and gradient.

    >>> views = jnp.eye(2)
    >>> [f"{loss:.4f}" for loss in info_nce(views, views, jnp.arange(2), temperature=1.0)]
    ['0.3133', '0.3133']
    """
    anchors, candidates = unit_rows(anchors), unit_rows(candidates)
    own = row_dots(anchors, candidates[positive_index]) / temperature
    return log_sum_exp(anchors / temperature, candidates, candidate_weights) - own


def or_all(weights: jax.Array) -> jax.Array:
    """f32[m]: weights of candidates, all 1 where none has any: a softmax needs a candidate.

    >>> or_all(jnp.array([0.0, 1.0])).tolist(), or_all(jnp.zeros(2)).tolist()
    ([0.0, 1.0], [1.0, 1.0])
    """
    return jnp.where(weights.any(), weights, 1.0)


def first_occurrence(ids: jax.Array, *, size: int) -> jax.Array:
    """1 where an id occurs for the first time, 0 where it is repeated.

    As `candidate_weights`, it makes every node of a batch count once in eq. 13.

    Args:
      ids: i32[n] in [0, size).
      size: number of ids.

    >>> first_occurrence(jnp.array([2, 0, 2]), size=3).tolist()
    [1.0, 1.0, 0.0]
    """
    positions = jnp.arange(ids.shape[0])
    first = jnp.full(size, ids.shape[0]).at[ids].min(positions)
    return (first[ids] == positions).astype(jnp.float32)


def each_once(nodes: jax.Array, weights: jax.Array, *, size: int) -> jax.Array:
    """f32[B]: 1 at the first place of each node of a batch whose weight is not 0.

    Args:
      nodes: i32[B] below `size`.
      weights: f32[B], 0 on padding.
      size: bound of the ids.

    >>> each_once(jnp.array([2, 0, 2, 1]), jnp.array([1.0, 1.0, 1.0, 0.0]), size=3).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    real = weights > 0
    return real * first_occurrence(jnp.where(real, nodes, size), size=size + 1)


def elbo(x_start: jax.Array, prediction: jax.Array, weights: jax.Array) -> jax.Array:
    """weight_t times the mean squared error of the predicted row (eq. 10-12).

    Args:
      x_start, prediction: f32[n, C].
      weights: f32[n], `diffusion.elbo_weights` at each row's t.

    Returns:
      f32[n].

    >>> elbo(jnp.array([[1.0, 0.0]]), jnp.array([[0.5, 0.5]]), jnp.array([2.0])).tolist()
    [0.5]
    """
    return weights * jnp.mean(jnp.square(x_start - prediction), axis=-1)


def squared_norm(parameters) -> jax.Array:
    """||Theta||^2 over all leaves of a pytree (eq. 14); f32 scalar.

    >>> float(squared_norm({"a": jnp.array([3.0]), "b": jnp.array([4.0])}))
    25.0
    """
    return sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(parameters))
