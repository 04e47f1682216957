"""NCL (Lin and others, 2022): LightGCN, and contrasts with neighbours in structure and in meaning.

X the tables, Z = mean of X, L X, ..., L^K X; nce(a, b; C) = log sum_{c in C} exp(cos(a, c)/tau)
- cos(a, b)/tau. LightGCN's ranking loss and, for each (user u, item p) of a batch,

  structure_weight [nce(L^2k X_u, X_u; all users) + structure_item_weight nce(L^2k X_p, X_p; ...)]
  + prototype_weight [nce(X_u, c_u; centres of users) + prototype_item_weight nce(X_p, c_p; ...)]

with c the centre of a node's cluster, by k-means over X before every epoch; and norm_weight times
the lengths of the batch's layer-0 tables over its size. docs/models/ncl.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.models.arrays import Batch, Inputs, Term, View, Weighted
from kdiffe_jax.models.base import Idle
from kdiffe_jax.models.lightgcn import LightGCN
from kdiffe_jax.models.presets import best_shared
from kdiffe_jax.models.terms import node_contrast, pooling_of, ranking_term, weighted_term
from kdiffe_jax.ops.k_means import Clusters, k_means
from kdiffe_jax.ops.losses import info_nce
from kdiffe_jax.ops.propagate import layers_of, next_layer, pooled
from kdiffe_jax.ops.row_ops import frobenius_norm
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.options import Checked, option


@dataclasses.dataclass(frozen=True)
class NCLOptions(Checked):
    """Defaults of the authors' program; weights of its sums times its batch size, 4096."""

    layers: int = option(3, "K: propagation layers", low=0)
    hyper_layers: int = option(1, "k: layer 2k is contrasted with layer 0", low=1)
    temperature: float = option(0.1, "tau: InfoNCE temperature", above=0.0, traced=True)
    structure_weight: float = option(
        4.1e-4, "weight of the contrast of two layers", low=0.0, traced=True
    )
    structure_item_weight: float = option(
        1.0, "weight of its items beside its users", low=0.0, traced=True
    )
    prototype_weight: float = option(
        3.3e-4, "weight of the contrast with centres of clusters", low=0.0, traced=True
    )
    prototype_item_weight: float = option(
        1.0, "weight of its items beside its users", low=0.0, traced=True
    )
    clusters: int = option(1000, "clusters of users, and of items; at most as many as these", low=1)
    warm_up_epochs: int = option(20, "epochs before the contrast with centres begins", low=0)
    norm_weight: float = option(
        1e-4,
        "weight of the lengths of a batch's layer-0 tables over its size",
        low=0.0,
        traced=True,
    )
    negatives: str = option(
        "all",
        "of the contrast of two layers: all nodes or those of the batch",
        choices=("all", "batch"),
    )


class Prototypes(NamedTuple):
    """What an epoch begins with."""

    epoch: jax.Array  #: i32, its number
    users: Clusters
    items: Clusters


@dataclasses.dataclass(frozen=True)
class NCL(LightGCN):
    """LightGCN's encoder; layers contrasted with each other, and nodes with their clusters."""

    Options = NCLOptions
    presets = MappingProxyType(
        {"paper": {"batch_size": 4096, "epochs": 300, "patience": 20}, "best": best_shared()}
    )
    idle = (
        Idle(("hyper_layers", "structure_item_weight", "negatives"), "structure_weight", 0.0),
        Idle(("prototype_item_weight", "clusters", "warm_up_epochs"), "prototype_weight", 0.0),
    )
    grid = MappingProxyType(
        {
            "temperature": (0.05, 0.1, 0.2),
            "structure_weight": (4e-4, 4e-3),
            "clusters": (50, 500),
        }
    )

    def first_carry(self, inputs: Inputs) -> Prototypes:
        """Before the first epoch: no clusters yet."""

        def nothing(size: int) -> Clusters:
            centres = jnp.zeros((self._clusters(size), self.embedding.dim))
            return Clusters(centres, jnp.zeros(size, jnp.int32))

        return Prototypes(jnp.int32(-1), nothing(self.sizes.n_users), nothing(self.sizes.n_items))

    @device_phase("rebuild")
    def refresh(self, params, inputs: Inputs, carry: Prototypes, key) -> Prototypes:
        """The next epoch's number; clusters anew, unless it is too early for them."""

        def anew() -> tuple[Clusters, ...]:
            drawn = zip(self.layer_zero(params, inputs), jax.random.split(key), strict=True)
            return tuple(k_means(x, k, clusters=self._clusters(len(x))) for x, k in drawn)

        epoch = carry.epoch + 1
        clusters = jax.lax.cond(self._is_warm(epoch), anew, lambda: (carry.users, carry.items))
        return Prototypes(epoch, *clusters)

    def losses(self, objective, params, batch, inputs: Inputs, aux: Prototypes, traced, key):
        """The ranking loss, both contrasts of each side, and the norm."""
        layers = self._layers(params, inputs, max(self.options.layers, self._far))
        view = self._pooled(layers)
        terms = ranking_term(view, batch, self.ranking, self.embedding.score, traced, key)
        norm = batch_lengths(params["users"], params["items"], batch)
        terms |= {"norm": Weighted(norm, traced["norm_weight"])}
        tau, negatives = traced["temperature"], self.options.negatives
        of_layers = node_contrast(layers[self._far], layers[0], batch, tau, negatives=negatives)
        of_centres = cluster_contrast(layers[0], aux, batch, tau)
        warm = self._is_warm(aux.epoch).astype(tau.dtype)
        for name, contrast, on in (("structure", of_layers, 1.0), ("prototype", of_centres, warm)):
            users, items = contrast.values()
            weight = on * traced[f"{name}_weight"]
            terms[f"{name}_users"] = Weighted(users, weight)
            terms[f"{name}_items"] = Weighted(items, weight * traced[f"{name}_item_weight"])
        return terms

    def view(self, params, inputs: Inputs, carry) -> View:
        """The pooled layers."""
        return self._pooled(self._layers(params, inputs, self.options.layers))

    def _layers(self, params, inputs: Inputs, count: int) -> list[View]:
        with device_phase("views"):
            first, over = self.layer_zero(params, inputs), partial(next_layer, inputs.laplacian)
            return [View(*layer) for layer in layers_of(over, first, count)]

    def _pooled(self, layers: list[View]) -> View:
        own = layers[: self.options.layers + 1]
        return View(*pooled(own, pooling_of(self.embedding, "mean")))

    @property
    def _far(self) -> int:
        return 2 * self.options.hyper_layers

    def _is_warm(self, epoch: jax.Array) -> jax.Array:
        return epoch >= self.options.warm_up_epochs

    def _clusters(self, size: int) -> int:
        return min(self.options.clusters, size)


@device_phase("info_nce")
def cluster_contrast(
    rows: View, clusters: Prototypes, batch: Batch, temperature: jax.Array
) -> dict[str, Term]:
    """InfoNCE of each node of the batch with the centre of its cluster, among all of its side."""

    def nce(rows: jax.Array, of_side: Clusters, nodes: jax.Array) -> Term:
        own = of_side.assignment[nodes]
        losses = info_nce(rows[nodes], of_side.centres, own, temperature=temperature)
        return weighted_term(losses, batch.weights)

    return {
        "users": nce(rows.users, clusters.users, batch.users),
        "items": nce(rows.items, clusters.items, batch.positives),
    }


@device_phase("norm_adam")
def batch_lengths(users: jax.Array, items: jax.Array, batch: Batch) -> Term:
    """(|E_u| + |E_p| + |E_n|) / B, E the layer-0 rows of all triplets as one table; not squared.

    Args:
      users: f32[I, d], layer 0.
      items: f32[J, d], layer 0.
      batch: triplets.
    """
    tables = (users[batch.users], items[batch.positives], items[batch.negatives])
    total = sum(frobenius_norm(jnp.where(batch.weights[:, None] > 0, rows, 0.0)) for rows in tables)
    return Term(total, jnp.sum(batch.weights))
