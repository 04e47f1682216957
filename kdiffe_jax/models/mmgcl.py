"""MMGCL (Yi and others, 2022): id and feature streams, and contrasts in two disturbed views.

Z_s = mean of the layers of L over the users' table and stream s's items; U and V are read from
[Z_id, Z_m, ...]. View 1 has a graph that lost edges, view 2 one modality's items replaced by random
rows. W_i is V_i with the block of one modality taken from the negative. Hats are rows of length 1,
q are the positives of the batch:

  softplus(U_u . V_j - U_u . V_i)
  + contrast_weight sum over both views of
    log(sum_q exp(^U_u . ^V_q / tau) + exp(^U_u . ^W_i / tau)) - ^U_u . ^V_i / tau
  + weight_decay 1/2 |all parameters|^2.

docs/models/mmgcl.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.graph.drop_edges import drop_edges
from kdiffe_jax.models.arrays import Batch, Inputs, Params, Term, Weighted
from kdiffe_jax.models.base import Idle
from kdiffe_jax.models.feature_streams import FeatureStreams, Streams, batch_softmax
from kdiffe_jax.models.linear_maps import mapped
from kdiffe_jax.models.presets import best_shared
from kdiffe_jax.models.rows_read import rows_read
from kdiffe_jax.models.terms import ranking_term, scalar_term
from kdiffe_jax.ops.losses import squared_norm
from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.ops.sparse_types import Laplacian
from kdiffe_jax.options import Checked, option


class Draws(NamedTuple):
    """What is random in a step; streams are numbered from the ids', 0."""

    graph: Laplacian  #: of view 1
    masked: jax.Array  #: i32, the stream of view 2 that loses its items
    rows: jax.Array  #: f32[J, d], in their place
    wrong: jax.Array  #: i32, the stream whose block is the negative's


@dataclasses.dataclass(frozen=True)
class MMGCLOptions(Checked):
    """Defaults of the authors' program."""

    layers: int = option(3, "K: propagation layers", low=0)
    edge_drop: float = option(0.05, "share of edges that view 1 drops", low=0.0, high=0.99)
    temperature: float = option(0.2, "tau: temperature of the contrast", above=0.0, traced=True)
    contrast_weight: float = option(
        0.4, "weight of the contrast of users and items in each view", low=0.0, traced=True
    )
    weight_decay: float = option(
        1e-4, "weight of half the squared parameters", low=0.0, traced=True
    )
    views: str = option(
        "paper",
        "what is contrasted: both views with challenging negatives, or, as released, view 1 twice "
        "without them",
        choices=("paper", "released"),
    )


@dataclasses.dataclass(frozen=True)
class MMGCL(FeatureStreams):
    """Ranking on all streams; users told their items in views without edges or a modality."""

    Options = MMGCLOptions
    needs = FeatureStreams.needs._replace(edge_dropping=True)
    presets = MappingProxyType(
        {"paper": {"batch_size": 2048, "epochs": 1000, "patience": 20}, "best": best_shared()}
    )
    idle = (Idle(("edge_drop", "temperature", "views"), "contrast_weight", 0.0),)
    grid = MappingProxyType(
        {"contrast_weight": (0.1, 0.4), "temperature": (0.2, 0.5), "edge_drop": (0.05, 0.2)}
    )

    def losses(self, objective, params, batch: Batch, inputs: Inputs, aux, traced, key):
        """The ranking loss, the contrasts, and the norm of all parameters."""
        streams = self.streams(params, inputs, inputs.laplacian)
        terms = self._ranking(params, streams, batch, traced, key)
        terms |= self._contrasts(params, streams, batch, inputs, traced, key)
        norm = scalar_term(0.5 * squared_norm(params))
        return terms | {"parameters_norm": Weighted(norm, traced["weight_decay"])}

    def draws(self, params: Params, inputs: Inputs, key: jax.Array) -> Draws:
        """A graph, one modality of each kind, and rows as large as those that they replace."""
        keys = jax.random.split(jax.random.fold_in(key, 1), 4)
        graph_key, rows_key, *stream_keys = keys
        layer_zero = jax.lax.stop_gradient(self.layer_zero(params, inputs))
        masked, wrong = (jax.random.randint(own, (), 1, len(layer_zero)) for own in stream_keys)
        sizes = jnp.sqrt(jnp.stack([jnp.mean(jnp.square(rows)) for rows in layer_zero]))
        rows = sizes[masked] * jax.random.normal(rows_key, layer_zero[0].shape)
        graph = drop_edges(inputs.laplacian, graph_key, self.options.edge_drop)
        return Draws(graph, masked, rows, wrong)

    def _ranking(
        self,
        params: Params,
        streams: Streams,
        batch: Batch,
        traced: Mapping[str, jax.Array],
        key: jax.Array,
    ) -> dict[str, Weighted]:
        users, items, batch = rows_read(batch, self.ranking)
        view = self.read(params, streams.at(users, items))
        return ranking_term(view, batch, self.ranking, self.embedding.score, traced, key)

    def _contrasts(
        self,
        params: Params,
        streams: Streams,
        batch: Batch,
        inputs: Inputs,
        traced: Mapping[str, jax.Array],
        key: jax.Array,
    ) -> dict[str, Weighted]:
        draws, weight = self.draws(params, inputs, key), traced["contrast_weight"]
        first = _at(self.streams(params, inputs, draws.graph), batch)
        tau = traced["temperature"]
        if self.options.views == "released":
            return {"contrast_edges": Weighted(self._told(params, first, batch, tau), 2 * weight)}
        second = self._masked(_at(streams, batch), draws, batch, inputs)
        views = {"contrast_edges": first, "contrast_mask": second}
        return {
            name: Weighted(self._told(params, view, batch, tau, draws.wrong), weight)
            for name, view in views.items()
        }

    def _masked(self, streams: Streams, draws: Draws, batch: Batch, inputs: Inputs) -> Streams:
        """The rows of the batch where one stream's items are random ones."""
        spread = self.spread(inputs.laplacian, draws.rows)
        spread = _at(Streams(spread, ()), batch).shared
        own = tuple(
            jax.tree.map(partial(jnp.where, draws.masked == number), spread, view)
            for number, view in enumerate(streams.own)
        )
        return streams._replace(own=own)

    def _told(
        self,
        params: Params,
        rows: Streams,
        batch: Batch,
        temperature: jax.Array,
        wrong: jax.Array | None = None,
    ) -> Term:
        """The contrast in one view, with challenging negatives where a stream is `wrong`."""
        positives, negatives = jnp.split(rows.items, 2)
        users = unit_rows(mapped(rows.users, params["read_users"]))
        items = unit_rows(mapped(positives, params["read_items"]))
        if wrong is None:
            return batch_softmax(users, items, batch, temperature)
        block = jnp.arange(positives.shape[1]) // self.embedding.dim == wrong
        mixed = jnp.where(block[None], negatives, positives)
        challenging = unit_rows(mapped(mixed, params["read_items"]))
        return batch_softmax(users, items, batch, temperature, one_more=challenging)


def _at(streams: Streams, batch: Batch) -> Streams:
    """The rows of the batch: its users; its positives, then its negatives."""
    return streams.at(batch.users, jnp.concatenate([batch.positives, batch.negatives]))
