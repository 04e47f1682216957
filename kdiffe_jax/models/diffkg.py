"""DiffKG (Jiang and others, 2024): a knowledge graph, and what a diffusion model leaves of it.

Items and entities are nodes of one graph G with inverse relations. Over the edges of a graph,
one after another kg_layers times, drop and unit acting on rows:

  logit(h, r, t) = LeakyReLU(([x_h || x_t] W) . r),  softmax over a head's edges
  x <- unit(drop(x_h + sum_t attention x_t)),  out <- residual out + x

Users and the items' rows of `out` are propagated over L', which has self-loops: the sum of the
layers. One view reads G, the other what is denoised: of each row of G the top columns after the
reverse process, as far as they are edges, less a random share. One view ranks:

  BPR + contrast_weight InfoNCE(other view, ranking view) + norm_weight |parameters|^2
  + (1 - collaborative_weight) ELBO + collaborative_weight mean (x^ A^T E_u - E_node)^2

x^ the prediction of a row's items; the last tables are cut from the gradient.
docs/models/diffkg.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property, partial
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.graph.joint_knowledge import JointGraph, between_nodes, joint_graph, own_rows
from kdiffe_jax.models.arrays import Batch, Inputs, View, Weighted
from kdiffe_jax.models.base import Idle, Model, Needs, Sampling
from kdiffe_jax.models.graph_attention import attended
from kdiffe_jax.models.presets import best_shared
from kdiffe_jax.models.row_denoiser import RowDenoiser, RowDenoiserOptions, RowDraws
from kdiffe_jax.models.row_denoiser_memory import check_row_denoiser_memory
from kdiffe_jax.models.row_reverse import top_columns
from kdiffe_jax.models.terms import (
    node_contrast,
    pooling_of,
    ranking_term,
    scalar_term,
    weighted_term,
    with_neighbours,
)
from kdiffe_jax.ops.chosen_rows import chosen_rows
from kdiffe_jax.ops.losses import squared_norm
from kdiffe_jax.ops.propagate import layers_of, pooled
from kdiffe_jax.ops.random_bits import for_tables
from kdiffe_jax.ops.self_loops import next_layer_with_loops
from kdiffe_jax.ops.spmm import spmm
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.options import LARGEST_SEED, option


@dataclasses.dataclass(frozen=True)
class DiffKGOptions(RowDenoiserOptions):
    """Defaults of the authors' program; `collaborative_weight` is theirs on MIND."""

    layers: int = option(2, "propagation layers of users and items", low=0)
    kg_layers: int = option(1, "layers over the knowledge graph", low=0)
    residual: float = option(0.5, "weight of the layers before, in each layer's sum", low=0.0)
    dropout: float = option(
        0.1, "share of entries that a layer over the knowledge graph drops", low=0.0, high=0.99
    )
    tails_per_head: int = option(
        10, "edges of each node that the undenoised graph has, at most, drawn once; 0: all", low=0
    )
    kg_seed: int = option(0, "seed of that draw", low=0, high=LARGEST_SEED)
    rebuild_k: int = option(1, "columns kept of each denoised row", low=1)
    edge_drop: float = option(
        0.5, "share of the denoised graph's edges that go at random", low=0.0, high=0.99
    )
    main_graph: str = option(
        "rebuilt",
        "knowledge graph of the view that ranks: the denoised one, or the given one",
        choices=("rebuilt", "given"),
    )
    contrast_weight: float = option(
        0.1, "weight of the contrast of users and of items", low=0.0, traced=True
    )
    temperature: float = option(0.1, "tau: InfoNCE temperature", above=0.0, traced=True)
    norm_weight: float = option(
        1e-7, "weight of all squared parameters but the denoiser's", low=0.0, traced=True
    )
    collaborative_weight: float = option(
        0.1,
        "in the denoiser's loss, weight of what its rows say of users; the ELBO has the rest",
        low=0.0,
        high=1.0,
        traced=True,
    )


class Drawn(NamedTuple):
    """What a step draws."""

    kept: Sequence[Sequence[jax.Array]]  #: bool[N, d] by view, the ranking one first, and layer
    rows: RowDraws
    ranking: jax.Array  #: a key


@dataclasses.dataclass(frozen=True)
class DiffKG(Model):
    """Two views of one knowledge graph, and a denoiser of its rows."""

    Options = DiffKGOptions
    needs = Needs(knowledge="items", any_triples=True)
    presets = MappingProxyType(
        {"paper": {"batch_size": 1024, "epochs": 500, "patience": 25}, "best": best_shared()}
    )
    idle = (Idle(("temperature",), "contrast_weight", 0.0), Idle(("kg_seed",), "tails_per_head", 0))
    grid = MappingProxyType(
        {
            "contrast_weight": (0.01, 0.1),
            "collaborative_weight": (0.01, 0.1, 0.5),
            "main_graph": ("rebuilt", "given"),
        }
    )
    one_device = "the rows that it denoises are gathered from the edges of a whole graph"

    @property
    def sampling(self) -> Sampling:  # type: ignore[override]
        """Rows of items and entities beside interactions."""
        return Sampling(rows="nodes", rows_of_step=self.options.denoiser_rows)

    @cached_property
    def denoiser(self) -> RowDenoiser:
        """Of rows over all nodes."""
        columns = (("items", self.sizes.n_items), ("entities", self.sizes.n_entities))
        return RowDenoiser(self.options, columns, of_unit_rows=True)

    def init(self, key, inputs: Inputs):
        """Xavier's uniform distribution, that of W of gain 2^1/2; items and entities one table."""
        tables_key, denoiser_key, _ = jax.random.split(key, 3)
        sizes, dim, draw = self.sizes, self.embedding.dim, jax.nn.initializers.xavier_uniform()
        rows = (sizes.n_users, self.denoiser.n_columns, 2 * sizes.n_relations, 2 * dim)
        keys = jax.random.split(tables_key, len(rows))
        users, nodes, relations, weight = (
            draw(own, (n, dim)) for own, n in zip(keys, rows, strict=True)
        )
        heads, tails = jnp.split(2**0.5 * weight, 2)
        tables = {"users": users, "items": nodes[: sizes.n_items]}
        tables |= {"entities": nodes[sizes.n_items :], "relations": relations}
        tables |= {"head_weight": heads, "tail_weight": tails}
        return tables | {"denoiser": self.denoiser.init(denoiser_key)}

    def constants(self, triples: np.ndarray, entity_items=None) -> JointGraph:
        """The graph of items and entities."""
        sizes, options = self.sizes, self.options
        return joint_graph(
            between_nodes(triples, entity_items, n_items=sizes.n_items),
            n_nodes=self.denoiser.n_columns,
            n_relations=sizes.n_relations,
            tails_per_head=options.tails_per_head,
            seed=options.kg_seed,
        )

    def first_carry(self, inputs: Inputs) -> jax.Array:
        """f32[edges], 1 for those of the denoised graph: all."""
        return jnp.ones_like(inputs.own.near)

    def refresh(self, params, inputs: Inputs, carry, key) -> jax.Array:
        """Edges of which one direction is among the top columns, less those that a coin takes."""
        found = self.denoised_edges(params, inputs)
        stay = jax.random.bernoulli(key, 1.0 - self.options.edge_drop, found.shape)
        return jnp.where(stay, found, 0.0)

    def denoised_edges(self, params, inputs: Inputs) -> jax.Array:
        """f32[edges], 1 where an edge or its reverse is among the top columns of its head."""
        edges, k = inputs.own.edges, self.options.rebuild_k
        top = top_columns(self.denoiser, params["denoiser"], edges, k)
        hit = jnp.any(top[edges.rows] == edges.columns[:, None], axis=1)
        return (hit | hit[edges.to_transpose]).astype(inputs.own.near.dtype)

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """Ranking, norm, contrast, and the denoiser's two terms."""
        drawn = self.draws(key, len(batch.row_nodes))
        by_view = zip(self._by_view(inputs, aux), drawn.kept, strict=True)
        main, other = (self._view(params, inputs, weights, kept) for weights, kept in by_view)
        terms = ranking_term(main, batch, self.ranking, self.embedding.score, traced, drawn.ranking)
        tables = {name: rows for name, rows in params.items() if name != "denoiser"}
        terms["squared_norm"] = Weighted(scalar_term(squared_norm(tables)), traced["norm_weight"])
        contrast = node_contrast(other, main, batch, traced["temperature"], negatives="all")
        weight = traced["contrast_weight"]
        terms |= {name: Weighted(term, weight) for name, term in contrast.items()}
        return terms | self._denoiser_terms(params, batch, inputs, traced, drawn.rows)

    def draws(self, key: jax.Array, n_rows: int) -> Drawn:
        """Dropout of both views, and what the denoiser draws for so many rows."""
        masks_key, rows_key, ranking_key = jax.random.split(key, 3)
        shape = (2, self.options.kg_layers, self.denoiser.n_columns, self.embedding.dim)
        kept = jax.random.bernoulli(for_tables(masks_key), 1.0 - self.options.dropout, shape)
        return Drawn(kept, self.denoiser.draws(rows_key, n_rows), ranking_key)

    @device_phase("denoiser")
    def _denoiser_terms(self, params, batch: Batch, inputs: Inputs, traced, drawn: RowDraws):
        chosen = batch.row_nodes
        real = batch.row_weights * own_rows(inputs.own, self.sizes.n_items)[chosen]
        rows = chosen_rows(inputs.own.edges, chosen, real > 0)
        found = self.denoiser.denoised(params["denoiser"], rows, drawn)
        names = ("users", "items", "entities")
        users, items, entities = (jax.lax.stop_gradient(params[name]) for name in names)
        own = jnp.concatenate([items, entities])[chosen]
        of_items = found.rows[:, : len(items)] @ _of_item_users(inputs, users)
        told = jnp.mean(jnp.square(of_items - own), axis=1)
        weight = traced["collaborative_weight"]
        return {
            "elbo": Weighted(weighted_term(found.elbo, real), 1.0 - weight),
            "collaborative": Weighted(weighted_term(told, real), weight),
        }

    def view(self, params, inputs: Inputs, carry) -> View:
        """The rows of the graph that ranks, without dropout."""
        kept = self.options.kg_layers * (None,)
        return self._view(params, inputs, self._by_view(inputs, carry)[0], kept)

    def _by_view(self, inputs: Inputs, denoised: jax.Array) -> tuple[jax.Array, jax.Array]:
        """f32[edges] of 0 and 1: what the ranking view reads, and what the other one does."""
        given = inputs.own.near
        return (denoised, given) if self.options.main_graph == "rebuilt" else (given, denoised)

    @device_phase("views")
    def _view(self, params, inputs: Inputs, weights: jax.Array, kept) -> View:
        options = self.options
        rows = jnp.concatenate([params["items"], params["entities"]])
        sizes = dict(residual=options.residual, dropout=options.dropout)
        nodes = attended(params, rows, inputs.own, weights, kept, **sizes)
        items = with_neighbours(nodes[: self.sizes.n_items], inputs, self.embedding)
        over = partial(next_layer_with_loops, inputs.laplacian, inputs.degrees)
        layers = layers_of(over, (params["users"], items), options.layers)
        return View(*pooled(layers, pooling_of(self.embedding, "sum")))

    def check(self, steps: int, limits) -> None:
        """The denoiser's memory, and columns that are not there."""
        n_nodes = self.denoiser.n_columns
        if self.options.rebuild_k > n_nodes:
            raise ConfigError(f"rebuild_k = {self.options.rebuild_k}: there are {n_nodes} nodes")
        check_row_denoiser_memory(limits, self.denoiser, n_rows=n_nodes, steps=steps)


def _of_item_users(inputs: Inputs, users: jax.Array) -> jax.Array:
    """f32[J, d]: A^T E_u, the sum over an item's users; L has entries 1 / sqrt(d_u d_i)."""
    to_users, to_items = inputs.laplacian
    of_users, of_items = (jnp.sqrt(degrees)[:, None] for degrees in inputs.degrees)
    return of_items * spmm(to_items, to_users, of_users * users)
