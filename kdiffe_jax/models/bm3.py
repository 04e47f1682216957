"""BM3 (Zhou and others, 2023): bootstrapped views of interactions and content, without negatives.

Z = mean of the layers of L, items with their own layer 0 added; P one linear predictor; F_m a
linear map of modality m's features; a hat drops entries and cuts the gradient.

  [1 - cos(P Z_u, ^Z_i)] + [1 - cos(P Z_i, ^Z_u)]
  + contrast_weight sum_m [1 - cos(P F_m, ^Z_i)] + [1 - cos(P F_m, ^F_m)]
  + norm_weight (|Z_u| + |Z_i|) / J, lengths over all rows.

docs/models/bm3.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.models.arrays import Inputs, View, Weighted
from kdiffe_jax.models.base import Needs
from kdiffe_jax.models.lightgcn import LightGCN
from kdiffe_jax.models.linear_maps import fresh_map, mapped
from kdiffe_jax.models.presets import best_shared
from kdiffe_jax.models.terms import scalar_term, weighted_term
from kdiffe_jax.models.trained_features import content_rows
from kdiffe_jax.ops.row_ops import frobenius_norm, row_dots, unit_rows
from kdiffe_jax.options import Checked, option

# Without negatives it first ranks by popularity; the authors' patience of 20 may end it there.
_PAPER = {"batch_size": 2048, "epochs": 1000, "patience": 50}
_NO_RANKING_LOSS = frozenset({"ranking_loss", "softmax_negatives", "softmax_temperature"})


@dataclasses.dataclass(frozen=True)
class BM3Options(Checked):
    """Defaults of the authors' program, and their best point on Baby."""

    layers: int = option(1, "L: propagation layers", low=0)
    dropout: float = option(0.5, "share of a target's entries that are dropped", low=0.0, high=0.99)
    contrast_weight: float = option(2.0, "weight of the terms of content", low=0.0, traced=True)
    norm_weight: float = option(
        0.1, "weight of the length of all final rows over the items", low=0.0, traced=True
    )


@dataclasses.dataclass(frozen=True)
class BM3(LightGCN):
    """LightGCN's encoder; users and items pulled to each other's targets, content to its item."""

    Options = BM3Options
    needs = Needs(features=True, sparse_features=True)
    without = _NO_RANKING_LOSS
    grid = MappingProxyType({"layers": (1, 2), "dropout": (0.3, 0.5), "norm_weight": (0.01, 0.1)})
    presets = MappingProxyType(
        {"paper": _PAPER, "best": best_shared(_NO_RANKING_LOSS) | {"patience": _PAPER["patience"]}}
    )

    def init(self, key, inputs: Inputs):
        """Tables of Xavier's uniform, linear maps of Xavier's normal distribution.

        Dense features are parameters too, as in the authors' program; sparse rows are not.
        """
        users_key, others_key, _ = jax.random.split(key, 3)
        items_key, *map_keys = jax.random.split(others_key, 2 + len(self.sizes.feature_widths))
        xavier, dim = jax.nn.initializers.xavier_uniform(), self.embedding.dim
        params = {
            "users": xavier(users_key, (self.sizes.n_users, dim)),
            "items": xavier(items_key, (self.sizes.n_items, dim)),
        }
        widths = {"predictor": dim} | {f"map_{n}": width for n, width in self.sizes.feature_widths}
        for (name, width), map_key in zip(widths.items(), map_keys, strict=True):
            params[name] = fresh_map(map_key, width, dim, jax.nn.initializers.xavier_normal())
        for name, rows in inputs.features.items():
            if isinstance(rows, jax.Array):
                params[f"features_{name}"] = jnp.array(rows, copy=True)
        return params

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """All terms; batch rows of weight 0 count nothing."""
        users, items = self._final(params, inputs)
        kept_users, kept_items, *kept_content = self.masks(key)
        to_users = self._target(users, kept_users)[batch.users]
        to_items = self._target(items, kept_items)[batch.positives]
        own_users = mapped(users[batch.users], params["predictor"])
        own_items = mapped(items[batch.positives], params["predictor"])
        terms = {
            "users_to_items": Weighted(_pulled(own_users, to_items, batch)),
            "items_to_users": Weighted(_pulled(own_items, to_users, batch)),
        }
        weight = traced["contrast_weight"]
        for (name, _), kept in zip(self.sizes.feature_widths, kept_content, strict=True):
            content = content_rows(params, inputs, name)
            target = self._target(content, kept)[batch.positives]
            own = mapped(content[batch.positives], params["predictor"])
            terms[f"{name}_to_item"] = Weighted(_pulled(own, to_items, batch), weight)
            terms[f"{name}_to_itself"] = Weighted(_pulled(own, target, batch), weight)
        norm = (frobenius_norm(users) + frobenius_norm(items)) / items.shape[0]
        return terms | {"norm": Weighted(scalar_term(norm), traced["norm_weight"])}

    def masks(self, key: jax.Array) -> tuple[jax.Array, ...]:
        """Which entries of the targets stay: bool[rows, d] of users, items and each modality."""
        users, items, dim = self.sizes.n_users, self.sizes.n_items, self.embedding.dim
        sizes = (users, items, *(items for _ in self.sizes.feature_widths))
        drawn = zip(jax.random.split(key, len(sizes)), sizes, strict=True)
        stay = partial(jax.random.bernoulli, p=1.0 - self.options.dropout)
        return tuple(stay(own_key, shape=(size, dim)) for own_key, size in drawn)

    def view(self, params, inputs: Inputs, carry) -> View:
        """What the predictor makes of the final rows."""
        return View(*(mapped(rows, params["predictor"]) for rows in self._final(params, inputs)))

    def _final(self, params, inputs: Inputs) -> tuple[jax.Array, jax.Array]:
        users, items = self.over(params, inputs, inputs.laplacian)
        return users, items + self.layer_zero(params, inputs)[1]

    def _target(self, rows: jax.Array, kept: jax.Array) -> jax.Array:
        return jax.lax.stop_gradient(jnp.where(kept, rows / (1.0 - self.options.dropout), 0.0))

    def artifacts(self, params, inputs, carry, edges) -> dict[str, np.ndarray]:
        """What a user receives from past items, through the predictor, which is linear."""
        found = super().artifacts(params, inputs, carry, edges)
        kernel, bias = (np.asarray(params["predictor"][name]) for name in ("kernel", "bias"))
        found["own_users"] = found["own_users"] @ kernel + bias
        found["messages"] = found["messages"] @ kernel
        return found | {"new_user": bias}


def _pulled(own: jax.Array, target: jax.Array, batch):
    return weighted_term(1.0 - row_dots(unit_rows(own), unit_rows(target)), batch.weights)
