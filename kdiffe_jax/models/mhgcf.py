"""MHGCF (Liu and others, 2024): interactions, content and entities as streams beside each other.

P = D^-1/2 (A + I) D^-(1/2 - popularity) over users and items; P_A the same of the joint graph of
users, items and entities, an item linked to its entities. The stream of interactions is the last of
K layers of P, that of modality m one layer of P on users of its own and F_m W_m, that of entities
the last of entity_layers layers of P_A on tables of its own.

  sum over streams of BPR + BPR of items and entities, rows of P_A
  + weight_decay 1/2 (|rows of id|^2 + content_decay |rows of other streams|^2)

docs/models/mhgcf.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import sparse

from kdiffe_jax.models.arrays import Batch, Inputs, Params, View, Weighted
from kdiffe_jax.models.base import Needs, Sampling
from kdiffe_jax.models.content_streams import (
    ContentStreams,
    Layer,
    StreamOptions,
    first_content_score,
)
from kdiffe_jax.models.presets import best_shared
from kdiffe_jax.models.terms import weighted_term
from kdiffe_jax.ops.losses import bpr
from kdiffe_jax.ops.propagate import next_layer
from kdiffe_jax.ops.row_ops import row_dots
from kdiffe_jax.ops.sparse import sparse_pair
from kdiffe_jax.ops.sparse_types import SparsePair
from kdiffe_jax.ops.spmm import spmm
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.options import option


class Links(NamedTuple):
    """Which entities an item has, each counted once whatever the relation."""

    entities: SparsePair  #: [J, E], values are 1
    of_item: jax.Array  #: f32[J], entities of each item
    of_entity: jax.Array  #: f32[E], items of each entity
    starts: jax.Array  #: i32[J + 1], where the list of each item begins
    lists: jax.Array  #: i32[at least 1], entities by item, sorted


class Drawn(NamedTuple):
    """Entities to tell apart for items."""

    own: jax.Array  #: i32[n]
    others: jax.Array  #: i32[n], not the item's
    found: jax.Array  #: bool[n], whether the item has one and lacks one


@dataclasses.dataclass(frozen=True)
class MHGCFOptions(StreamOptions):
    """Defaults of the authors' program for Beauty."""

    first_content_score: float = first_content_score(0.2)
    entity_layers: int = option(2, "propagation layers of the stream of entities", low=1)
    entity_rows: int = option(
        2048, "items whose entities a step ranks, at least; 1: each item once an epoch", low=1
    )


@dataclasses.dataclass(frozen=True)
class MHGCF(ContentStreams):
    """Streams ranked each for itself; the stream of entities ranks an item's entities too."""

    Options = MHGCFOptions
    own_terms = ("id", "entities", "links")
    presets = MappingProxyType(
        {"paper": {"batch_size": 2048, "epochs": 1000, "patience": 20}, "best": best_shared()}
    )
    grid = MappingProxyType(
        {
            "features": ("raw", "unit"),
            "first_content_score": (0.2, 0.4, 0.8),
            "weight_decay": (1e-3, 1e-2),
        }
    )

    @property
    def needs(self) -> Needs:  # type: ignore[override]
        return super().needs._replace(knowledge="items")

    @property
    def sampling(self) -> Sampling:  # type: ignore[override]
        return Sampling(by="users", rows="items", rows_of_step=self.options.entity_rows)

    def constants(self, triples: np.ndarray, entity_items: np.ndarray | None = None) -> Links:
        """The links of items and entities."""
        links = np.unique(triples[:, ::2], axis=0)
        items, entities = links.T
        shape = self.sizes.n_items, self.sizes.n_entities
        of_item, of_entity = map(np.bincount, (items, entities), (None, None), shape)
        ones = np.ones(len(links), np.float32)
        return Links(
            sparse_pair(sparse.csr_array((ones, (items, entities)), shape=shape)),
            jnp.asarray(of_item, float),
            jnp.asarray(of_entity, float),
            starts=jnp.asarray(np.concatenate([[0], np.cumsum(of_item)]), jnp.int32),
            lists=jnp.asarray(entities if len(links) else np.zeros(1), jnp.int32),
        )

    def shapes(self) -> dict[str, int]:
        """With the tables of the stream of entities."""
        users, items, entities = self.sizes[:3]
        own = {"users_entities": users, "items_entities": items, "entities": entities}
        return super().shapes() | own

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """The ranking losses of all streams and of the links, and the norm."""
        ranking_key = key
        if self.ranking.ranking_loss == "softmax":
            key, ranking_key = jax.random.split(key)
        views = self.views(params, inputs)
        *joint, entities = self._joint_rows(params, inputs)
        views["entities"] = View(*joint)
        terms = self.ranking_terms(views, batch, traced, ranking_key)
        drawn = self.draw_entities(inputs.own, batch.row_nodes, key)
        terms["bpr_links"] = _links_term(joint[1], entities, drawn, batch)
        tables = self.tables(params, inputs)
        tables["entities"] = View(params["users_entities"], params["items_entities"])
        return terms | self.norm_term(tables, batch, traced)

    def view(self, params, inputs: Inputs, carry) -> View:
        """All streams beside each other."""
        views = self.views(params, inputs)
        of_id, content = views.pop("id"), views
        of_entities = View(*self._joint_rows(params, inputs)[:2])
        return self.ranked_by({"id": of_id, "entities": of_entities} | content)

    @device_phase("views")
    def _joint_rows(self, params: Params, inputs: Inputs) -> Layer:
        """f32[I, d], f32[J, d] and f32[E, d] of the stream of entities."""
        step = partial(self._next_joint_layer, inputs)
        start = tuple(params[name] for name in ("users_entities", "items_entities", "entities"))
        return self.pooled(step, start, step(*start), layers=self.options.entity_layers)

    def _next_joint_layer(
        self, inputs: Inputs, users: jax.Array, items: jax.Array, entities: jax.Array
    ) -> Layer:
        """P_A of the rows of users, items and entities, by the blocks of its graph."""
        links: Links = inputs.own
        of_users, of_items = inputs.degrees  # type: ignore[misc]
        degrees = of_users + 1.0, of_items + links.of_item + 1.0, links.of_entity + 1.0
        power = self.options.popularity - 0.5
        rows = (users, items, entities)
        users, items, entities = (_times(d**power, x) for d, x in zip(degrees, rows, strict=True))
        edges = jnp.sqrt(of_users), jnp.sqrt(of_items)
        reached = next_layer(inputs.laplacian, _times(edges[0], users), _times(edges[1], items))
        from_items, from_users = map(_times, edges, reached)
        linked = spmm(*links.entities, entities), spmm(*links.entities[::-1], items)
        sums = users + from_items, items + from_users + linked[0], entities + linked[1]
        return tuple(_times(d**-0.5, x) for d, x in zip(degrees, sums, strict=True))

    def draw_entities(self, links: Links, items: jax.Array, key: jax.Array) -> Drawn:
        """For each item one of its entities and one that it has not, uniform.

        The r-th entity that a sorted list p lacks is r + k, where k counts the entries with
        p[k] - k <= r; a binary search finds k.

        Args:
          links: of the data.
          items: i32[n].
          key: of the draw.
        """
        own_key, other_key = jax.random.split(key)
        start, end = links.starts[items], links.starts[items + 1]
        has = end - start
        lacks = self.sizes.n_entities - has
        own = jax.random.randint(own_key, items.shape, 0, jnp.maximum(has, 1))
        rank = jax.random.randint(other_key, items.shape, 0, jnp.maximum(lacks, 1))

        def halve(_, ends):
            low, high = ends
            middle = (low + high) // 2
            before = (low < high) & (links.lists[middle] - (middle - start) <= rank)
            return jnp.where(before, middle + 1, low), jnp.where(before, high, middle)

        halvings = len(links.lists).bit_length()
        before, _ = jax.lax.fori_loop(0, halvings, halve, (start, end))
        others = jnp.where(lacks > 0, rank + before - start, 0)
        return Drawn(links.lists[start + own], others, (has > 0) & (lacks > 0))


def _links_term(items: jax.Array, entities: jax.Array, drawn: Drawn, batch: Batch) -> Weighted:
    rows = items[batch.row_nodes]
    scores = (row_dots(rows, entities[chosen]) for chosen in (drawn.own, drawn.others))
    return Weighted(weighted_term(bpr(*scores), batch.row_weights * drawn.found))


def _times(scale: jax.Array, rows: jax.Array) -> jax.Array:
    return scale[:, None] * rows
