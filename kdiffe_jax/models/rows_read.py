"""Which rows a step reads, for models whose final rows are dear to make."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.config import RankingConfig
from kdiffe_jax.models.arrays import Batch


class RowsRead(NamedTuple):
    """`view.users[users]` and `view.items[items]` rank `batch` as all rows rank the whole one."""

    users: jax.Array
    items: jax.Array | slice
    batch: Batch  #: its nodes are places among these rows


ALL_ROWS = (slice(None), slice(None))


def rows_read(batch: Batch, ranking: RankingConfig) -> RowsRead:
    """The rows that `ranking_term` and `batch_rows_norm` read of a batch.

    Args:
      batch: triplets.
      ranking: BPR reads the batch's items alone; the softmax draws from all, which stay.

    >>> one = Batch(*(jnp.array(rows) for rows in ([7, 7], [3, 9], [4, 3], [1.0, 1.0], [], [])))
    >>> users, items, batch = rows_read(one, RankingConfig(ranking_loss="bpr"))
    >>> users.tolist(), items.tolist(), batch.negatives.tolist()
    ([7, 7], [3, 9, 4, 3], [2, 3])
    """
    places = jnp.arange(len(batch.users))
    of_users = batch._replace(users=places)
    if ranking.ranking_loss == "softmax":
        return RowsRead(batch.users, slice(None), of_users)
    items = jnp.concatenate([batch.positives, batch.negatives.ravel()])
    negatives = jnp.arange(len(places), len(items)).reshape(batch.negatives.shape)
    return RowsRead(batch.users, items, of_users._replace(positives=places, negatives=negatives))
