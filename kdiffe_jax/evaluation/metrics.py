"""Ranking metrics at k: pure functions of which ranks hit."""

from __future__ import annotations

import jax
import jax.numpy as jnp

METRICS = ("recall", "ndcg", "precision", "hit", "mrr", "map")


def metrics_at_k(hits: jax.Array, n_relevant: jax.Array, k: int) -> dict[str, jax.Array]:
    """All metrics of each user at one cut-off.

    With r relevant items, h_i = 1 where rank i (from 1) is relevant:
    recall = sum h / r; precision = sum h / k; hit = 1 if any h;
    mrr = 1 / first hit's rank; ndcg = sum h_i / log2(i + 1), divided by the same sum of
    an ideal list of min(r, k) hits; map = sum h_i precision_i / r. These are the
    definitions of trec_eval.

    Args:
      hits: bool[n, K], ranks in order, K >= k or fewer where there are fewer candidates.
      n_relevant: i32[n], at least 1.
      k: cut-off.

    Returns:
      f32[n] by "recall@k", "ndcg@k" and so on.

    >>> scores = metrics_at_k(jnp.array([[False, True]]), jnp.array([1]), 2)
    >>> {name: round(float(value[0]), 3) for name, value in scores.items()}
    {'recall@2': 1.0, 'ndcg@2': 0.631, 'precision@2': 0.5, 'hit@2': 1.0, 'mrr@2': 0.5, 'map@2': 0.5}
    """
    hits = hits[:, :k].astype(jnp.float32)
    ranks = jnp.arange(1, hits.shape[1] + 1, dtype=jnp.float32)[None]
    discounts = 1.0 / jnp.log2(ranks + 1)
    found = hits.sum(axis=1)
    relevant = n_relevant.astype(jnp.float32)
    ideal = jnp.cumsum(1.0 / jnp.log2(jnp.arange(2, k + 2, dtype=jnp.float32)))
    ideal = ideal[jnp.clip(n_relevant, 1, k) - 1]
    precisions = jnp.cumsum(hits, axis=1) / ranks
    values = (
        found / relevant,
        (hits * discounts).sum(axis=1) / ideal,
        found / k,
        (found > 0).astype(jnp.float32),
        jnp.max(hits / ranks, axis=1, initial=0.0),
        (hits * precisions).sum(axis=1) / relevant,
    )
    return {f"{name}@{k}": value for name, value in zip(METRICS, values, strict=True)}


def hits_of(ranked: jax.Array, relevant: jax.Array) -> jax.Array:
    """Which ranks are relevant.

    Args:
      ranked: i32[n, K], item ids in rank order, -1 where there was no candidate.
      relevant: i32[n, P], -1 on padding.

    Returns:
      bool[n, K].
    """
    valid = (relevant >= 0)[:, None, :]
    return ((ranked[:, :, None] == relevant[:, None, :]) & valid).any(axis=-1)
