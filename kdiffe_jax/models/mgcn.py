"""MGCN (Yu and others, 2023): content purified by behaviour, fused by behaviour.

Z = mean of the layers of L. S_m = nearest items by modality m, by cosine, normalised on both sides.
Content of items e_m = S_m^n (E * sigma(gate_m(F_m W_m + b_m))), of users L e_m. Then, row by row,

  a = softmax over m of q . tanh(query(e_m)),   c = sum_m a_m e_m
  side = (c + sum_m sigma(prefer_m(Z)) * (e_m - c)) / (1 + modalities),   out = Z + side

The loss: BPR of out, weight_decay x 1/2 the squared rows of out, and contrast_weight x the InfoNCE
of side with Z among the nodes of the batch. docs/models/mgcn.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.graph.item_graphs import ItemGraph, across, normalised_graph
from kdiffe_jax.models.arrays import Batch, Inputs, Term, View, Weighted
from kdiffe_jax.models.base import Idle, Needs
from kdiffe_jax.models.lightgcn import LightGCN
from kdiffe_jax.models.linear_maps import FAN_IN_UNIFORM, fresh_map, mapped
from kdiffe_jax.models.presets import best_shared
from kdiffe_jax.models.rows_read import ALL_ROWS, rows_read
from kdiffe_jax.models.terms import batch_rows_norm, ranking_term, weighted_term
from kdiffe_jax.models.trained_features import content_rows, fresh_features
from kdiffe_jax.ops.losses import info_nce, or_all
from kdiffe_jax.ops.spmm import spmm
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.options import Checked, option


class Fused(NamedTuple):
    """The rows of behaviour, and what content adds to them."""

    behaviour: View
    side: View

    @property
    def out(self) -> View:
        """What ranks."""
        return View(*(z + s for z, s in zip(*self, strict=True)))


@dataclasses.dataclass(frozen=True)
class MGCNOptions(Checked):
    """Defaults of the authors' program."""

    layers: int = option(2, "layers of users and items", low=0)
    item_layers: int = option(1, "layers of the graphs between items", low=0)
    item_neighbours: int = option(
        10,
        "nearest items by each modality in a graph between items, itself among them; lists of "
        "the data stay as long as they are",
        low=1,
    )
    contrast_weight: float = option(
        0.01, "weight of the contrast of content with behaviour", low=0.0, traced=True
    )
    temperature: float = option(0.2, "tau: InfoNCE temperature", above=0.0, traced=True)
    weight_decay: float = option(
        1e-4, "weight of half the squared final rows of a triplet", low=0.0, traced=True
    )


@dataclasses.dataclass(frozen=True)
class MGCN(LightGCN):
    """LightGCN's encoder, and what attention and gates make of the items' content."""

    Options = MGCNOptions
    presets = MappingProxyType(
        {"paper": {"batch_size": 2048, "epochs": 1000, "patience": 20}, "best": best_shared()}
    )
    idle = (
        Idle(("temperature",), "contrast_weight", 0.0),
        Idle(("item_neighbours",), "item_layers", 0),
    )
    grid = MappingProxyType({"contrast_weight": (0.001, 0.01, 0.1)})

    @property
    def needs(self) -> Needs:  # type: ignore[override]
        """Features, and item graphs of the size that the options say."""
        nearest = self.options.item_neighbours
        return Needs(features=True, sparse_features=True, item_graphs=nearest)

    def init(self, key, inputs: Inputs):
        """LightGCN's tables; linear maps, all uniform to ± inputs^-1/2.

        Dense features are parameters too, as in the authors' program; sparse rows are not.
        """
        maps_key = jax.random.fold_in(jax.random.split(key, 3)[1], 1)
        content_key, query_key, attention_key, *keys = jax.random.split(
            maps_key, 3 + 2 * len(self.sizes.modalities)
        )
        dim = self.embedding.dim
        params = super().init(key, inputs)
        params |= fresh_features(content_key, inputs, self.sizes, dim)
        params["query"] = fresh_map(query_key, dim, dim, FAN_IN_UNIFORM)
        params["attention"] = FAN_IN_UNIFORM(attention_key, (dim, 1))
        names = [f"{what}_{name}" for name in self.sizes.modalities for what in ("gate", "prefer")]
        for name, own in zip(names, keys, strict=True):
            params[name] = fresh_map(own, dim, dim, FAN_IN_UNIFORM)
        return params

    def open(self, inputs: Inputs, carry, key) -> dict[str, ItemGraph]:
        """S_m of each modality."""
        graphs, n_items = inputs.item_graphs, self.sizes.n_items
        return {name: normalised_graph(links, n_items) for name, links in graphs.items()}

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """All terms, of the rows of the batch."""
        *read, batch = rows_read(batch, self.ranking)
        fused = self.fused(params, inputs, aux, *read)
        out = fused.out
        terms = ranking_term(out, batch, self.ranking, self.embedding.score, traced, key)
        norm = batch_rows_norm(*out, batch)
        terms["rows_norm"] = Weighted(norm, traced["weight_decay"])
        few, weight = batch.contrasted(), traced["contrast_weight"]
        nodes = few.users, few.positives
        for side, of, own, z in zip(
            ("users", "items"), nodes, fused.side, fused.behaviour, strict=True
        ):
            contrast = _contrast(own[of], z[of], few, traced["temperature"])
            terms[f"info_nce_{side}"] = Weighted(contrast, weight)
        return terms

    def view(self, params, inputs: Inputs, carry) -> View:
        """Behaviour and content together."""
        return self.fused(params, inputs, self.open(inputs, carry, None), *ALL_ROWS).out

    @device_phase("views")
    def fused(self, params, inputs: Inputs, graphs: dict[str, ItemGraph], users, items) -> Fused:
        """The rows of some users and items."""

        def chosen(view: View) -> View:
            return View(view.users[users], view.items[items])

        layer_zero = self.layer_zero(params, inputs)
        behaviour = chosen(self.over(inputs.laplacian, layer_zero))
        content = [
            chosen(self._content(params, inputs, graphs[name], name, layer_zero[1]))
            for name in self.sizes.modalities
        ]
        sides = zip(behaviour, zip(*content, strict=True), strict=True)
        return Fused(behaviour, View(*(self._side(params, z, of) for z, of in sides)))

    def _content(
        self, params, inputs: Inputs, graph: ItemGraph, name: str, rows: jax.Array
    ) -> View:
        gate = jax.nn.sigmoid(mapped(content_rows(params, inputs, name), params[f"gate_{name}"]))
        items = rows * gate
        for _ in range(self.options.item_layers):
            items = across(graph, items)
        return View(spmm(*inputs.laplacian, items), items)

    def _side(self, params, behaviour: jax.Array, content: Sequence[jax.Array]) -> jax.Array:
        """f32[n, d] of the rows Z and e_m of one side."""
        asked = [jnp.tanh(mapped(own, params["query"])) @ params["attention"] for own in content]
        weights = jax.nn.softmax(jnp.stack(asked), axis=0)
        common = sum(w * own for w, own in zip(weights, content, strict=True))
        total = common
        for name, own in zip(self.sizes.modalities, content, strict=True):
            wanted = jax.nn.sigmoid(mapped(behaviour, params[f"prefer_{name}"]))
            total = total + wanted * (own - common)
        return total / (1 + len(content))

    def artifacts(self, params, inputs, carry, edges) -> dict[str, np.ndarray]:
        """None: gates and attention are not linear in past items."""
        return {}


@device_phase("info_nce")
def _contrast(one: jax.Array, other: jax.Array, batch: Batch, temperature: jax.Array) -> Term:
    """InfoNCE of matching rows among those of the batch, repeated ones too."""
    real = batch.weights > 0
    present = or_all(real)
    places = jnp.arange(one.shape[0])
    losses = info_nce(one, other, places, temperature=temperature, candidate_weights=present)
    return weighted_term(losses, batch.weights)
