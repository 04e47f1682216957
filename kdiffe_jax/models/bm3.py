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
from collections.abc import Sequence
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.models.arrays import Inputs, View, Weighted
from kdiffe_jax.models.base import Needs, Sampling
from kdiffe_jax.models.lightgcn import LightGCN
from kdiffe_jax.models.linear_maps import fresh_map, mapped
from kdiffe_jax.models.presets import OF_RANKING_LOSS, best_shared
from kdiffe_jax.models.terms import scalar_term, weighted_term
from kdiffe_jax.models.trained_features import content_rows
from kdiffe_jax.ops.row_ops import frobenius_norm, row_dots, unit_rows
from kdiffe_jax.options import Checked, option

# Without negatives it first ranks by popularity; the authors' patience of 20 may end it there.
_PAPER = {"batch_size": 2048, "epochs": 1000, "patience": 50}


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
    sampling = Sampling(negatives=0)
    without = OF_RANKING_LOSS
    grid = MappingProxyType({"layers": (1, 2), "dropout": (0.3, 0.5), "norm_weight": (0.01, 0.1)})
    presets = MappingProxyType(
        {"paper": _PAPER, "best": best_shared(OF_RANKING_LOSS) | {"patience": _PAPER["patience"]}}
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
        of_users, of_items, *of_content = self.mask_keys(key)
        rows_of_users, rows_of_items = users[batch.users], items[batch.positives]
        to_users = self._target(rows_of_users, of_users, batch.users)
        to_items = self._target(rows_of_items, of_items, batch.positives)
        own_users = mapped(rows_of_users, params["predictor"])
        own_items = mapped(rows_of_items, params["predictor"])
        terms = {
            "users_to_items": Weighted(_pulled(own_users, to_items, batch)),
            "items_to_users": Weighted(_pulled(own_items, to_users, batch)),
        }
        weight = traced["contrast_weight"]
        for (name, _), own_key in zip(self.sizes.feature_widths, of_content, strict=True):
            content = content_rows(params, inputs, name, batch.positives)
            target = self._target(content, own_key, batch.positives)
            own = mapped(content, params["predictor"])
            terms[f"{name}_to_item"] = Weighted(_pulled(own, to_items, batch), weight)
            terms[f"{name}_to_itself"] = Weighted(_pulled(own, target, batch), weight)
        norm = (frobenius_norm(users) + frobenius_norm(items)) / items.shape[0]
        return terms | {"norm": Weighted(scalar_term(norm), traced["norm_weight"])}

    def mask_keys(self, key: jax.Array) -> Sequence[jax.Array]:
        """What the masks of a step are drawn from: of users, items and each modality."""
        return jax.random.split(key, 2 + len(self.sizes.feature_widths))

    def mask(self, key: jax.Array, nodes: jax.Array) -> jax.Array:
        """bool[n, d]: which entries of these nodes' targets stay, the same wherever one stands."""

        def of_node(node: jax.Array) -> jax.Array:
            stays = 1.0 - self.options.dropout
            return jax.random.bernoulli(jax.random.fold_in(key, node), stays, (self.embedding.dim,))

        return jax.vmap(of_node)(nodes)

    def view(self, params, inputs: Inputs, carry) -> View:
        """What the predictor makes of the final rows."""
        return View(*(mapped(rows, params["predictor"]) for rows in self._final(params, inputs)))

    def _final(self, params, inputs: Inputs) -> tuple[jax.Array, jax.Array]:
        layer_zero = self.layer_zero(params, inputs)
        users, items = self.over(inputs.laplacian, layer_zero)
        return users, items + layer_zero[1]

    def _target(self, rows: jax.Array, key: jax.Array, nodes: jax.Array) -> jax.Array:
        kept = self.mask(key, nodes)
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
