"""LATTICE (Zhang and others, 2021): a graph between items that is learned of their content.

C_m has the cosines of the rows F_m W_m + b_m between an item and its nearest items by them, which
are looked for once an epoch; N(.) divides both sides by the root of the sums of the rows; S_m is
N of the same with the features as they are, never learned. w is a softmax.

  A = (1 - frozen_share) N(sum_m w_m C_m) + frozen_share sum_m w_m S_m
  Z = mean of the layers of L, items with A^n E added as rows of length 1

The loss: BPR, and weight_decay x 1/2 the squared final rows of each triplet. docs/models/lattice.md
says how it was checked.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.graph.item_graphs import ItemGraph, across, inverse_root, normalised_graph
from kdiffe_jax.models.arrays import Inputs, View, Weighted
from kdiffe_jax.models.base import Idle, Needs
from kdiffe_jax.models.lightgcn import LightGCN
from kdiffe_jax.models.presets import best_shared
from kdiffe_jax.models.terms import batch_rows_norm, ranking_term
from kdiffe_jax.models.trained_features import content_rows, fresh_features
from kdiffe_jax.ops.precision import exact_product
from kdiffe_jax.ops.row_blocks import map_row_blocks
from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.options import Checked, option

_ROWS_AT_ONCE = 64
_ALIKE = 2.0**-18  # of a cosine; a float32 of a cosine has steps of 2^-24 and less


class Graphs(NamedTuple):
    """Links between items by modality."""

    near: dict[str, jax.Array]  #: i32[J, k], nearest items by learned rows
    frozen: dict[str, ItemGraph]  #: S_m


@dataclasses.dataclass(frozen=True)
class LATTICEOptions(Checked):
    """Defaults of the authors' program."""

    layers: int = option(2, "layers of users and items", low=0)
    item_layers: int = option(1, "layers of the graph between items", low=0)
    item_neighbours: int = option(
        10,
        "nearest items by each modality in a graph between items, itself among them; lists of "
        "the data stay as long as they are",
        low=1,
    )
    frozen_share: float = option(0.9, "share of the graph that is not learned", low=0.0, high=1.0)
    weight_decay: float = option(
        1e-4, "weight of half the squared final rows of a triplet", low=0.0, traced=True
    )


@dataclasses.dataclass(frozen=True)
class LATTICE(LightGCN):
    """LightGCN's encoder; items also over a graph that their content makes while it is learned."""

    Options = LATTICEOptions
    presets = MappingProxyType(
        {"paper": {"batch_size": 2048, "epochs": 1000, "patience": 20}, "best": best_shared()}
    )
    idle = (Idle(("item_neighbours", "frozen_share"), "item_layers", 0),)
    grid = MappingProxyType(
        {"weight_decay": (0.0, 1e-5, 1e-4, 1e-3), "learning_rate": (5e-4, 1e-3, 5e-3)}
    )

    @property
    def needs(self) -> Needs:  # type: ignore[override]
        """Features, and item graphs of the size that the options say."""
        nearest = self.options.item_neighbours
        return Needs(features=True, sparse_features=True, item_graphs=nearest)

    def init(self, key, inputs: Inputs):
        """LightGCN's tables, a map of each modality, and weights of all modalities alike.

        Dense features are parameters too, as in the authors' program; sparse rows are not.
        """
        maps_key = jax.random.fold_in(jax.random.split(key, 3)[1], 1)
        params = super().init(key, inputs)
        params |= fresh_features(maps_key, inputs, self.sizes, self.embedding.dim)
        modalities = len(self.sizes.modalities)
        return params | {"modalities": jnp.full(modalities, 1.0 / modalities)}

    def first_carry(self, inputs: Inputs) -> dict[str, jax.Array]:
        """Nearest items by modality, none yet; and a number of each item that decides ties."""
        n_items, count = self.sizes.n_items, self._count
        near = {f"near_{name}": jnp.zeros((n_items, count), int) for name in self.sizes.modalities}
        return near | {"ties": jax.random.uniform(jax.random.key(0), (n_items,))}

    def refresh(self, params, inputs: Inputs, carry, key) -> dict[str, jax.Array]:
        """The nearest items of an epoch."""
        rows, ties = self._unit_content(params, inputs), carry["ties"]
        near = {f"near_{n}": nearest(own, ties, self._count) for n, own in rows.items()}
        return near | {"ties": ties}

    def open(self, inputs: Inputs, carry, key) -> Graphs:
        """The links of an epoch."""
        n_items, near = self.sizes.n_items, {n: carry[f"near_{n}"] for n in self.sizes.modalities}
        graphs = inputs.item_graphs
        return Graphs(
            near, {n: normalised_graph(graphs[n], n_items) for n in self.sizes.modalities}
        )

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """The ranking loss and the norm of the final rows."""
        view = self._final(params, inputs, aux)
        terms = ranking_term(view, batch, self.ranking, self.embedding.score, traced, key)
        norm = batch_rows_norm(*view, batch)
        return terms | {"rows_norm": Weighted(norm, traced["weight_decay"])}

    def view(self, params, inputs: Inputs, carry) -> View:
        """The final rows, with the nearest items of `refresh`."""
        return self._final(params, inputs, self.open(inputs, carry, None))

    def _final(self, params, inputs: Inputs, graphs: Graphs) -> View:
        layer_zero = self.layer_zero(params, inputs)
        users, items = self.over(inputs.laplacian, layer_zero)
        near = self._between_items(params, inputs, graphs, layer_zero[1])
        return View(users, items + unit_rows(near))

    @device_phase("views")
    def _between_items(self, params, inputs: Inputs, graphs: Graphs, rows: jax.Array) -> jax.Array:
        """f32[J, d], A^n E of the items' rows E; differentiable in the cosines of the links."""
        weights = dict(
            zip(self.sizes.modalities, jax.nn.softmax(params["modalities"]), strict=True)
        )
        content, values = self._unit_content(params, inputs), {}
        for name, near in graphs.near.items():
            cosines = jnp.einsum("jd,jkd->jk", content[name], content[name][near])
            values[name] = weights[name] * cosines
        sums = sum(own.sum(axis=1) for own in values.values())
        scale = inverse_root(sums)[:, None]
        share = self.options.frozen_share
        for _ in range(self.options.item_layers):
            sent = scale * rows
            learned = sum(
                jnp.einsum("jk,jkd->jd", own, sent[graphs.near[name]])
                for name, own in values.items()
            )
            frozen = sum(w * across(graphs.frozen[n], rows) for n, w in weights.items())
            rows = (1.0 - share) * scale * learned + share * frozen
        return rows

    def _unit_content(self, params, inputs: Inputs) -> dict[str, jax.Array]:
        return {n: unit_rows(content_rows(params, inputs, n)) for n in self.sizes.modalities}

    @property
    def _count(self) -> int:
        return min(self.options.item_neighbours, self.sizes.n_items)


@device_phase("rebuild")
def nearest(rows: jax.Array, ties: jax.Array, count: int) -> jax.Array:
    """The items of the largest cosines, the item itself first; a block of items at a time.

    Cosines are taken to 2^-18. Of items of equal ones those of the larger `ties` are the nearer; an
    item's number decides nothing.

    Args:
      rows: f32[J, d] of length 1.
      ties: f32[J], from 0 to 1.
      count: of each item.

    Returns:
      i32[J, count].
    """

    order = jnp.argsort(-ties)  # `top_k` takes the first of equals
    columns = rows[order].T

    def of_block(items):
        cosines = _ALIKE * jnp.round(exact_product(rows[items], columns) / _ALIKE)
        itself = items[:, None] == order[None]
        return order[jax.lax.top_k(jnp.where(itself, jnp.inf, cosines), count)[1]]

    return map_row_blocks(of_block, rows.shape[0], _ROWS_AT_ONCE)
