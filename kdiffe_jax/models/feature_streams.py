"""What models of one stream for ids and one for each modality share.

A stream has items of its own, a table or a linear map of a modality's features, and the users'
table, which all streams share. Z_s is the mean of X_s, L X_s, ..., L^K X_s; a linear map reads
users from [Z_id, Z_m, ...] side by side, another one items. L is linear, so what comes of the
users' table is made once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.models.arrays import Batch, Inputs, Params, Term, View
from kdiffe_jax.models.base import Model, Needs
from kdiffe_jax.models.linear_maps import XAVIER_UNIFORM, fresh_map, mapped
from kdiffe_jax.models.terms import (
    pooling_of,
    propagation_artifacts,
    weighted_term,
    with_neighbours,
)
from kdiffe_jax.ops.log_sum_exp import log_sum_exp
from kdiffe_jax.ops.losses import or_all
from kdiffe_jax.ops.propagate import propagate_items
from kdiffe_jax.ops.row_ops import row_dots
from kdiffe_jax.ops.sparse_types import Laplacian
from kdiffe_jax.ops.trace_phases import device_phase


class Streams(NamedTuple):
    """Final rows before they are read: stream s is `shared` + `own[s]`; id first."""

    shared: View  #: what comes of the users' table
    own: tuple[View, ...]  #: what comes of each stream's items

    def at(self, users: jax.Array | slice, items: jax.Array | slice) -> Streams:
        """The rows of some nodes."""
        return jax.tree.map(
            lambda view: View(view.users[users], view.items[items]),
            self,
            is_leaf=lambda node: isinstance(node, View),
        )

    @property
    def users(self) -> jax.Array:
        """f32[n, streams * d], side by side."""
        return _side_by_side([self.shared.users + own.users for own in self.own])

    @property
    def items(self) -> jax.Array:
        """f32[n, streams * d], side by side."""
        return _side_by_side([self.shared.items + own.items for own in self.own])


@dataclasses.dataclass(frozen=True)
class FeatureStreams(Model):
    """Parameters, streams, view and artifacts; `options.layers` is K."""

    needs = Needs(features=True, sparse_features=True, feature_form="unit")

    def init(self, key, inputs: Inputs):
        """Tables and linear maps of Xavier's uniform distribution."""
        users_key, others_key, _ = jax.random.split(key, 3)
        maps = self.maps()
        items_key, *map_keys = jax.random.split(others_key, 1 + len(maps))
        dim = self.embedding.dim
        params = {
            "users": XAVIER_UNIFORM(users_key, (self.sizes.n_users, dim)),
            "items": XAVIER_UNIFORM(items_key, (self.sizes.n_items, dim)),
        }
        for (name, shape), map_key in zip(maps.items(), map_keys, strict=True):
            params[name] = fresh_map(map_key, *shape)
        return params

    def maps(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of every linear map, by name."""
        dim, widths = self.embedding.dim, self.sizes.feature_widths
        read = ((1 + len(widths)) * dim, dim)
        of_features = {f"map_{name}": (width, dim) for name, width in widths}
        return of_features | {"read_users": read, "read_items": read}

    def layer_zero(self, params: Params, inputs: Inputs) -> tuple[jax.Array, ...]:
        """f32[J, d] of every stream, those of ids with their nearest where these have weight."""
        ids = with_neighbours(params["items"], inputs, self.embedding)
        names = (name for name, _ in self.sizes.feature_widths)
        return ids, *(mapped(inputs.features[name], params[f"map_{name}"]) for name in names)

    @device_phase("views")
    def streams(self, params: Params, inputs: Inputs, laplacian: Laplacian) -> Streams:
        """All streams over any graph of the same users and items."""
        back = Laplacian(laplacian.to_items, laplacian.to_users)
        of_items, of_users = propagate_items(back, params["users"], **self._propagation)
        own = tuple(self.spread(laplacian, rows) for rows in self.layer_zero(params, inputs))
        return Streams(View(of_users, of_items), own)

    def spread(self, laplacian: Laplacian, items: jax.Array) -> View:
        """What comes of items f32[J, d] alone."""
        return View(*propagate_items(laplacian, items, **self._propagation))

    def read(self, params: Params, streams: Streams) -> View:
        """f32[n, d] of both sides."""
        return View(
            mapped(streams.users, params["read_users"]), mapped(streams.items, params["read_items"])
        )

    def view(self, params, inputs: Inputs, carry) -> View:
        """What is read of all streams."""
        return self.read(params, self.streams(params, inputs, inputs.laplacian))

    @property
    def _propagation(self) -> dict[str, Any]:
        return dict(layers=self.options.layers, pooling=pooling_of(self.embedding, "mean"))

    def artifacts(self, params, inputs, carry, edges) -> dict[str, np.ndarray]:
        """What a user receives from past items, as it is read, which is linear."""
        items = self.layer_zero(params, inputs)
        rows = (_side_by_side([params["users"]] * len(items)), _side_by_side(items))
        found = propagation_artifacts(inputs.laplacian, *rows, **self._propagation)
        kernel, bias = (np.asarray(params["read_users"][name]) for name in ("kernel", "bias"))
        found["own_users"] = found["own_users"] @ kernel + bias
        found["messages"] = found["messages"] @ kernel
        return found | {"new_user": bias}


@device_phase("info_nce")
def batch_softmax(
    anchors: jax.Array,
    candidates: jax.Array,
    batch: Batch,
    temperature: jax.Array,
    *,
    one_more: jax.Array | None = None,
) -> Term:
    """-log of the softmax of a_b . c_b / tau over the batch's candidates, repeated ones too.

    Of a batch of more than `MOST_CONTRASTED` the first so many are candidates, and beside them
    each anchor's own.

    Args:
      anchors, candidates: f32[B, w], rows that match.
      batch: candidates of weight 0 are left out.
      temperature: tau.
      one_more: f32[B, w], a further candidate of each anchor.
    """
    real = batch.contrasted().weights > 0
    present = or_all(real)
    anchors = anchors / temperature
    own = row_dots(anchors, candidates)
    total = log_sum_exp(anchors, candidates[: len(present)], present)
    if len(present) < len(candidates):
        among = jnp.arange(len(candidates)) < len(present)
        total = jnp.where(among, total, jnp.logaddexp(total, own))
    if one_more is not None:
        total = jnp.logaddexp(total, row_dots(anchors, one_more))
    return weighted_term(total - own, batch.weights)


def _side_by_side(tables: Sequence[jax.Array]) -> jax.Array:
    return jnp.concatenate(tables, axis=1)
