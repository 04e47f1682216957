"""Lists of a user's best items: by embeddings, or by scores that come in blocks from the host."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.evaluation.ranking import rank_all
from kdiffe_jax.evaluation.ranking_task import RankingTask
from kdiffe_jax.ops.ragged import Ragged, padded

# Scores of one block of users on the host: 16 MiB of float32, few enough for a processor's cache.
_SCORES_AT_ONCE = 2**22


class TopKLists(Protocol):
    """The k best unseen items of every user of a task: i32[n, min(k, candidates)], -1 if fewer."""

    def __call__(
        self, task: RankingTask, *, k: int, candidates: np.ndarray | None = None
    ) -> jax.Array:
        """Ranks all items, or only the candidates: i32[C] of item ids, sorted."""


def lists_by_embeddings(users: jax.Array, items: jax.Array, *, block: int) -> TopKLists:
    """Lists by the inner product.

    Args:
      users: f32[I, d].
      items: f32[J, d].
      block: users at once.
    """

    def lists(task: RankingTask, *, k: int, candidates: np.ndarray | None = None) -> jax.Array:
        if candidates is None:
            return rank_all(users, items, task, k=k, block=block)
        task = among(task, candidates, n_items=len(items))
        return named(rank_all(users, items[candidates], task, k=k, block=block), candidates)

    return lists


def lists_by_scores(scores_of: Callable[[np.ndarray], np.ndarray], *, n_items: int) -> TopKLists:
    """Lists by scores that a function computes on the host, one block of users after another.

    Equal scores are ordered by item number, and seen items left out, as in `rank_all`.

    Args:
      scores_of: user ids i32[b] -> f32[b, J].
      n_items: J; a block has as many users as make 16 MiB of scores, one at least.
    """

    def lists(task: RankingTask, *, k: int, candidates: np.ndarray | None = None) -> jax.Array:
        users, size = np.asarray(task.users), len(task.users)
        if candidates is not None:
            task = among(task, candidates, n_items=n_items)
        rows = max(1, min(size, _SCORES_AT_ONCE // n_items))
        blocks = []
        for start in range(0, size, rows):
            at = np.minimum(np.arange(start, start + rows), size - 1)
            scores = scores_of(users[at])
            scores = scores if candidates is None else scores[:, candidates]
            blocks.append(_best_unseen(scores, task.seen, at, k=k))
        ranked = jnp.concatenate(blocks)[:size]
        return ranked if candidates is None else named(ranked, candidates)

    return lists


@partial(jax.jit, static_argnames="k")
def _best_unseen(scores: jax.Array, seen: Ragged, at: jax.Array, *, k: int) -> jax.Array:
    hidden, rows = padded(seen, at, scores.shape[1]), jnp.arange(len(scores))[:, None]
    scores = (scores + 0.0).at[rows, hidden].set(-jnp.inf, mode="drop")
    values, items = jax.lax.top_k(scores, min(k, scores.shape[1]))
    return jnp.where(jnp.isneginf(values), -1, items)


def among(task: RankingTask, candidates: np.ndarray, *, n_items: int) -> RankingTask:
    """The task with items renumbered by their position among the candidates.

    Items that are no candidates become padding.

    >>> from kdiffe_jax.ops.ragged import ragged
    >>> seen = ragged(np.array([0, 0]), np.array([0, 3]), n_rows=1)
    >>> task = RankingTask(jnp.array([7]), seen, jnp.array([[2, -1]]))
    >>> renumbered = among(task, np.array([2, 3]), n_items=4)
    >>> renumbered.seen.values.tolist(), renumbered.relevant.tolist()
    ([2, 1], [[0, -1]])
    """
    position = np.full(n_items + 1, -1, np.int32)
    position[candidates] = np.arange(len(candidates))
    seen, relevant = (position[np.asarray(ids)] for ids in (task.seen.values, task.relevant))
    hidden = task.seen._replace(values=jnp.asarray(np.where(seen < 0, len(candidates), seen)))
    return RankingTask(task.users, hidden, jnp.asarray(relevant))


def named(positions: jax.Array, candidates: np.ndarray) -> jax.Array:
    """Item ids of positions among the candidates; -1 stays."""
    return jnp.where(positions < 0, -1, jnp.asarray(candidates, jnp.int32)[positions])
