"""CLCRec (Wei and others, 2021): contrasts that tie an item's own row to what its content makes.

G = leaky([unit F_1, unit F_2, ...] W_1 + b_1) W_2 + b_2; e are rows of the tables. Of an
interaction (u, i) the candidates C are i and K items that u has not; x_c is e_c, or G_c at places
drawn anew in each step; a hat is a row of length 1:

  own_share       x -log softmax over C of ^e_i . ^G_c / tau, at i
  (1 - own_share) x -log softmax over C of e_u . x_c / tau, at i
  norm_weight     x 1/2 (|e_u| + mean over C of |e_c|)

Items without training interactions rank by G, the others by e. docs/models/clcrec.md says how it
was checked.
"""

from __future__ import annotations

import dataclasses
import math
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.models.arrays import Inputs, View, Weighted
from kdiffe_jax.models.base import Idle, Model, Needs, Sampling
from kdiffe_jax.models.linear_maps import FAN_IN_UNIFORM, fresh_map, mapped, projected
from kdiffe_jax.models.presets import OF_RANKING_LOSS, best_shared
from kdiffe_jax.models.scoring import scoring_items, scoring_users
from kdiffe_jax.models.terms import weighted_term, with_neighbours
from kdiffe_jax.ops.row_blocks import map_row_blocks
from kdiffe_jax.ops.row_ops import row_dots, unit_rows
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.options import Checked, option

_WITHOUT = OF_RANKING_LOSS | {"layer_pooling"}
# It may fall for some epochs before it rises; the shared patience would end it there.
_PAPER = {"batch_size": 256, "epochs": 1000, "patience": 20}
_LEAKY_SLOPE = 0.01
_CANDIDATES_AT_ONCE = 1 << 19  #: whose rows are held at once; in 64 columns 134 MB


@dataclasses.dataclass(frozen=True)
class CLCRecOptions(Checked):
    """Defaults of the authors' program for Movielens."""

    hidden: int = option(256, "width of the hidden layer over features", low=1)
    negative_items: int = option(
        128, "K: items that the user has not, drawn for each interaction", low=1
    )
    swapped: float = option(
        0.5, "draws, with replacement, of places whose row is made of content, per place", low=0.0
    )
    temperature: float = option(2.0, "tau: of both contrasts", above=0.0, traced=True)
    own_share: float = option(
        0.5,
        "share of the contrast of an item with its content; the rest is that of user and item",
        low=0.0,
        high=1.0,
        traced=True,
    )
    norm_weight: float = option(
        0.1, "weight of half the lengths of the rows of an interaction", low=0.0, traced=True
    )


@dataclasses.dataclass(frozen=True)
class CLCRec(Model):
    """A table of users, a table of items, and a network over the items' features."""

    Options = CLCRecOptions
    needs = Needs(features=True, sparse_features=True, feature_form="unit")
    without = _WITHOUT
    presets = MappingProxyType(
        {
            "paper": _PAPER,
            # cold items rank by G
            "best": best_shared(_WITHOUT | {"cold_items"}) | {"patience": _PAPER["patience"]},
        }
    )
    idle = (Idle(("swapped",), "own_share", 1.0),)
    grid = MappingProxyType(
        {"own_share": (0.5, 0.9), "temperature": (1.0, 2.0), "norm_weight": (1e-3, 0.1)}
    )

    @property
    def sampling(self) -> Sampling:  # type: ignore[override]
        """K items for each interaction; cold ones would be told that nobody wants them."""
        return Sampling(negatives=self.options.negative_items, of_trained=True)

    def init(self, key, inputs: Inputs):
        """Tables of Xavier's normal distribution, as if one; layers uniform to ± inputs^-1/2."""
        tables_key, layers_key, _ = jax.random.split(key, 3)
        users, items, dim = self.sizes.n_users, self.sizes.n_items, self.embedding.dim
        table = jax.nn.initializers.xavier_normal()(tables_key, (users + items, dim))
        hidden_key, output_key = jax.random.split(layers_key)
        widths, width = self.sizes.feature_widths, self.options.hidden
        hidden = fresh_map(hidden_key, sum(w for _, w in widths), width, FAN_IN_UNIFORM)
        params = {"users": table[:users], "items": table[users:], "hidden": hidden["bias"]}
        first = 0
        for name, rows in widths:
            params[f"map_{name}"] = hidden["kernel"][first : first + rows]
            first += rows
        return params | {"output": fresh_map(output_key, width, dim, FAN_IN_UNIFORM)}

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """Both contrasts, and the lengths of the rows."""
        negatives = batch.negatives.reshape(len(batch.positives), -1)
        candidates = jnp.concatenate([batch.positives[:, None], negatives], axis=1)
        drawn = _Drawn(batch.users, candidates, self.swapped_places(key, candidates.shape))
        own, shown, lengths = self._of_interactions(self._tables(params, inputs), drawn, traced)
        share = traced["own_share"]
        return {
            "own_feature": Weighted(weighted_term(own, batch.weights), share),
            "user_item": Weighted(weighted_term(shown, batch.weights), 1.0 - share),
            "rows_length": Weighted(weighted_term(lengths, batch.weights), traced["norm_weight"]),
        }

    def _tables(self, params, inputs: Inputs) -> _Tables:
        ids, content, score = self.items(params, inputs), self.content(params, inputs), self._scored
        users = scoring_users(params["users"], self.embedding.score)
        lengths = _lengths(params["users"]), _lengths(params["items"])
        return _Tables(
            users, unit_rows(ids), unit_rows(content), score(ids), score(content), *lengths
        )

    def _of_interactions(self, tables: _Tables, drawn: _Drawn, traced):
        """Both contrasts and the lengths, f32[B] each; of many candidates a block at a time."""
        n_rows, n_candidates = drawn.candidates.shape
        if n_rows * n_candidates <= _CANDIDATES_AT_ONCE:
            return _of_block(tables, drawn, traced)

        @jax.checkpoint
        def of_rows(rows):
            return _of_block(tables, _Drawn(*(array[rows] for array in drawn)), traced)

        return map_row_blocks(of_rows, n_rows, max(1, _CANDIDATES_AT_ONCE // n_candidates))

    def swapped_places(self, key: jax.Array, shape: tuple[int, int]) -> jax.Array:
        """Which places take content in the place of the table: bool[B, 1 + K].

        Of many draws with replacement each place is hit at least once with this probability.
        """
        hit = 1.0 - math.exp(-self.options.swapped)
        return jax.random.uniform(key, shape) < hit

    def view(self, params, inputs: Inputs, carry) -> View:
        """The tables, with content in the place of items that training never saw."""
        trained = inputs.degrees.items[:, None] > 0
        items = jnp.where(trained, self.items(params, inputs), self.content(params, inputs))
        return View(params["users"], items)

    def items(self, params, inputs: Inputs) -> jax.Array:
        """f32[J, d], e with the nearest items where these have weight."""
        return with_neighbours(params["items"], inputs, self.embedding)

    @device_phase("views")
    def content(self, params, inputs: Inputs) -> jax.Array:
        """f32[J, d], G."""
        hidden = sum(
            projected(inputs.features[name], params[f"map_{name}"])
            for name, _ in self.sizes.feature_widths
        )
        hidden = jax.nn.leaky_relu(hidden + params["hidden"][None], _LEAKY_SLOPE)
        return mapped(hidden, params["output"])

    def _scored(self, items: jax.Array) -> jax.Array:
        return scoring_items(items, self.embedding.score)


class _Tables(NamedTuple):
    """What a step reads of all users and items."""

    users: jax.Array  #: f32[I, d], as they score
    unit_ids: jax.Array  #: f32[J, d]
    unit_content: jax.Array  #: f32[J, d]
    ids: jax.Array  #: f32[J, d], as they score
    content: jax.Array  #: f32[J, d], as they score
    user_lengths: jax.Array  #: f32[I]
    item_lengths: jax.Array  #: f32[J]


class _Drawn(NamedTuple):
    """Interactions of a step."""

    users: jax.Array  #: i32[B]
    candidates: jax.Array  #: i32[B, 1 + K], the positive first
    swapped: jax.Array  #: bool[B, 1 + K], where content stands for the item


def _of_block(tables: _Tables, drawn: _Drawn, traced) -> tuple[jax.Array, jax.Array, jax.Array]:
    users, candidates, swapped = drawn
    own = _contrast(tables.unit_ids[candidates[:, 0]], tables.unit_content[candidates], traced)
    rows = jnp.where(swapped[:, :, None], tables.content[candidates], tables.ids[candidates])
    shown = _contrast(tables.users[users], rows, traced)
    lengths = tables.user_lengths[users] + tables.item_lengths[candidates].mean(axis=1)
    return own, shown, 0.5 * lengths


@device_phase("info_nce")
def _contrast(anchors: jax.Array, candidates: jax.Array, traced) -> jax.Array:
    """f32[B]: -log softmax of the first of f32[B, 1 + K, d] for anchors f32[B, d]."""
    logits = jnp.einsum("bd,bkd->bk", anchors / traced["temperature"], candidates)
    return jax.nn.logsumexp(logits, axis=1) - logits[:, 0]


def _lengths(rows: jax.Array) -> jax.Array:
    """f32[n]; a row of zeros has a gradient of zero."""
    return jnp.sqrt(jnp.maximum(row_dots(rows, rows), 1e-24))
