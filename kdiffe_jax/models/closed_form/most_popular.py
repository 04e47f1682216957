"""Everyone is given the items with the most training interactions that are new to them."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np

from kdiffe_jax.evaluation.top_k_lists import lists_by_embeddings
from kdiffe_jax.models.closed_form.base import ClosedForm, Fitted
from kdiffe_jax.options import Checked


@dataclasses.dataclass(frozen=True)
class MostPopularOptions(Checked):
    """None."""


class MostPopular(ClosedForm):
    """An item's score is its number of training interactions."""

    Options = MostPopularOptions

    def fit(self) -> Fitted:
        """Rows of size 1: ones for users, the counts for items, a one for a new user."""
        n_users = self.matrix.shape[0]
        users = np.ones((n_users, 1), np.float32)
        items = self.matrix.sum(axis=0).astype(np.float32)[:, None]
        lists = lists_by_embeddings(jnp.asarray(users), jnp.asarray(items), block=self.eval_block)
        return Fitted(lists, {"users": users, "items": items, "new_user": np.ones(1, np.float32)})
