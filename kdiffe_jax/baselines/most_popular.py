"""The baseline without a model: every user is given the most popular unseen items."""

from __future__ import annotations

import jax.numpy as jnp

from kdiffe_jax.baselines.bench import Bench
from kdiffe_jax.rankers import Ranker, embedding_ranker


def fit_most_popular(bench: Bench) -> Ranker:
    """Embeddings of size 1 whose score is an item's number of training interactions."""
    counts = jnp.asarray(bench.popularity(), jnp.float32)[:, None]
    return embedding_ranker(jnp.ones((bench.n_users, 1)), counts, block=bench.eval.eval_block)
