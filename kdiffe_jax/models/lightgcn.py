"""LightGCN (He and others, 2020): embeddings propagated over the user-item graph.

Z = mean of X, L X, ..., L^K X; the ranking loss plus weight_decay x 1/2 the squared layer-0 rows of
each triplet. docs/models/lightgcn.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import ClassVar

import jax

from kdiffe_jax.models.arrays import Inputs, View, Weighted
from kdiffe_jax.models.base import Model
from kdiffe_jax.models.presets import best_shared
from kdiffe_jax.models.terms import (
    batch_rows_norm,
    pooling_of,
    propagation_artifacts,
    ranking_term,
    with_neighbours,
)
from kdiffe_jax.ops.propagate import propagate
from kdiffe_jax.ops.sparse_types import Laplacian
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.options import Checked, option


@dataclasses.dataclass(frozen=True)
class LightGCNOptions(Checked):
    """Defaults of the authors' program."""

    layers: int = option(3, "K: propagation layers", low=0)
    weight_decay: float = option(
        1e-4, "weight of half the squared layer-0 rows of a triplet", low=0.0, traced=True
    )


@dataclasses.dataclass(frozen=True)
class LightGCN(Model):
    """Two embedding tables and one graph."""

    Options: ClassVar[type[Checked]] = LightGCNOptions
    presets = MappingProxyType(
        {"paper": {"batch_size": 2048, "epochs": 1000, "patience": 20}, "best": best_shared()}
    )

    grid = MappingProxyType({"layers": (2, 3), "weight_decay": (1e-5, 1e-4, 1e-3)})

    def init(self, key, inputs: Inputs):
        """Both tables from Xavier's uniform distribution."""
        users_key, items_key, _ = jax.random.split(key, 3)
        draw, dim = jax.nn.initializers.xavier_uniform(), self.embedding.dim
        return {
            "users": draw(users_key, (self.sizes.n_users, dim)),
            "items": draw(items_key, (self.sizes.n_items, dim)),
        }

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """The ranking loss and the norm of the batch's rows."""
        return self._ranked(self.view(params, inputs, ()), params, batch, traced, key)

    def _ranked(self, view: View, params, batch, traced, key) -> dict[str, Weighted]:
        terms = ranking_term(view, batch, self.ranking, self.embedding.score, traced, key)
        norm = batch_rows_norm(params["users"], params["items"], batch)
        return terms | {"rows_norm": Weighted(norm, traced["weight_decay"])}

    def view(self, params, inputs: Inputs, carry) -> View:
        """The pooled layers."""
        return self.over(inputs.laplacian, self.layer_zero(params, inputs))

    @device_phase("views")
    def over(self, laplacian: Laplacian, layer_zero: tuple[jax.Array, jax.Array]) -> View:
        """The pooled layers over any graph of the same users and items."""
        return View(*propagate(laplacian, *layer_zero, **self._propagation))

    def layer_zero(self, params, inputs: Inputs) -> tuple[jax.Array, jax.Array]:
        """f32[I, d] and f32[J, d], the items with their nearest where these have weight."""
        return params["users"], with_neighbours(params["items"], inputs, self.embedding)

    @property
    def _propagation(self):
        return dict(layers=self.options.layers, pooling=pooling_of(self.embedding, "mean"))

    def artifacts(self, params, inputs, carry, edges):
        """What a user receives from past items."""
        layer_zero = self.layer_zero(params, inputs)
        return propagation_artifacts(inputs.laplacian, *layer_zero, **self._propagation)
