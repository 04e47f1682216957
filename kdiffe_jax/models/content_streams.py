"""What MGCL and MHGCF share: interactions and content as streams beside each other.

P = D^-1/2 (A + I) D^-(1/2 - popularity), D the degrees of A + I. The stream "id" is the pooled
layers of P on the tables of users and items; that of modality m is one layer on users of its own
and F_m W_m. Each stream has a score and a ranking loss of its own; what ranks is the weighted sum
of the scores: rows beside each other, weighted on the side of the items.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar, cast

import jax
import jax.numpy as jnp

from kdiffe_jax.data.feature_rows import FeatureForm
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.arrays import Batch, Inputs, Params, Term, View, Weighted
from kdiffe_jax.models.base import Idle, Model, Needs
from kdiffe_jax.models.linear_maps import projected
from kdiffe_jax.models.terms import (
    batch_rows_norm,
    pooling_of,
    ranking_term,
    with_neighbours,
)
from kdiffe_jax.ops.propagate import Layer, layers_of, pooled
from kdiffe_jax.ops.self_loops import next_layer_with_loops
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.options import Checked, option


def first_content_score(default: float):
    """The option of that name; models differ in its default."""
    return option(default, "weight of the score of the first modality by name", low=0.0)


@dataclasses.dataclass(frozen=True)
class StreamOptions(Checked):
    """Defaults of the authors' programs for Beauty."""

    layers: int = option(4, "K: propagation layers of the stream of interactions", low=1)
    popularity: float = option(
        0.1, "alpha: the power of its degree by which a node passes on more", low=0.0, high=1.0
    )
    features: str = option(
        "raw",
        "features as they are, as rows of length 1, or with columns of mean 0 and a mean square "
        "of 1",
        choices=("raw", "unit", "standard"),
    )
    first_content_score: float = first_content_score(0.4)
    content_score: float = option(
        1.0, "weight of the score of each other modality; interactions have 1", low=0.0
    )
    weight_decay: float = option(
        1e-3, "weight of half the squared layer-0 rows of a triplet", low=0.0, traced=True
    )
    content_decay: float = option(
        0.1, "what other streams count in it beside that of interactions", low=0.0, traced=True
    )


@dataclasses.dataclass(frozen=True)
class ContentStreams(Model):
    """Tables, views and losses of the streams; a subclass adds to them."""

    idle: ClassVar[tuple[Idle, ...]] = (Idle(("content_decay",), "weight_decay", 0.0),)
    #: what loss terms are of beside modalities
    own_terms: ClassVar[tuple[str, ...]] = ("id",)

    def check(self, steps, limits) -> None:
        """Refuses modalities that have the name of what has a loss term of its own."""
        for name in self.sizes.modalities:
            if name in self.own_terms:
                raise ConfigError(
                    f"a modality is named {name!r}, as a loss term of the model's own is"
                )

    @property
    def needs(self) -> Needs:  # type: ignore[override]
        form = cast(FeatureForm, self.options.features)
        return Needs(features=True, sparse_features=True, feature_form=form)

    def init(self, key, inputs: Inputs):
        """Tables and maps from Xavier's uniform distribution."""
        shapes, draw = self.shapes(), jax.nn.initializers.xavier_uniform()
        keys = jax.random.split(jax.random.split(key, 3)[0], len(shapes))
        return {
            name: draw(own, (size, self.embedding.dim))
            for own, (name, size) in zip(keys, shapes.items(), strict=True)
        }

    def shapes(self) -> dict[str, int]:
        """The rows of every parameter, each of width d, by name."""
        found = {"users": self.sizes.n_users, "items": self.sizes.n_items}
        for name, width in self.sizes.feature_widths:
            found |= {f"users_{name}": self.sizes.n_users, f"map_{name}": width}
        return found

    @device_phase("views")
    def views(self, params: Params, inputs: Inputs) -> dict[str, View]:
        """The final rows by stream, "id" and modalities.

        The first layer of all is one product, whose rows are beside each other.
        """
        starts = self.tables(params, inputs)
        starts["id"] = View(
            params["users"], with_neighbours(params["items"], inputs, self.embedding)
        )
        beside = (jnp.concatenate(rows, axis=1) for rows in zip(*starts.values(), strict=True))
        firsts = (jnp.split(rows, len(starts), axis=1) for rows in self.next_layer(inputs, *beside))
        layers = zip(starts, *firsts, strict=True)
        found = {name: View(users, items) for name, users, items in layers}
        next_layer = partial(self.next_layer, inputs)
        of_id = self.pooled(next_layer, starts["id"], found["id"], layers=self.options.layers)
        return found | {"id": View(*of_id)}

    def tables(self, params: Params, inputs: Inputs) -> dict[str, View]:
        """f32[I, d] and f32[J, d] by stream, what the streams begin with."""
        found = {"id": View(params["users"], params["items"])}
        for name in self.sizes.modalities:
            content = projected(inputs.features[name], params[f"map_{name}"])  # type: ignore[index]
            found[name] = View(params[f"users_{name}"], content)
        return found

    def next_layer(self, inputs: Inputs, users: jax.Array, items: jax.Array) -> Layer:
        """P of users f32[I, w] and items f32[J, w]."""
        graph, degrees = inputs.laplacian, cast(tuple, inputs.degrees)
        power = self.options.popularity
        return next_layer_with_loops(graph, degrees, users, items, popularity=power)

    def pooled(
        self, next_layer: Callable[..., Layer], start: Layer, first: Layer, *, layers: int
    ) -> Layer:
        """Layers 0, 1, ..., the last one unless configured otherwise.

        Args:
          next_layer: makes a layer of the one before.
          start, first: layers 0 and 1.
          layers: at least 1.
        """
        later = layers_of(next_layer, first, layers - 1)
        return pooled([start, *later], pooling_of(self.embedding, "last"))

    def ranking_terms(
        self,
        views: Mapping[str, View],
        batch: Batch,
        traced: Mapping[str, jax.Array],
        key: jax.Array,
    ) -> dict[str, Weighted]:
        """The ranking loss of every stream's own score; a softmax draws the same items for all."""
        found: dict[str, Weighted] = {}
        for name, view in views.items():
            terms = ranking_term(view, batch, self.ranking, self.embedding.score, traced, key)
            found |= {f"{loss}_{name}": term for loss, term in terms.items()}
        return found

    def norm_term(
        self, tables: Mapping[str, View], batch: Batch, traced: Mapping[str, jax.Array]
    ) -> dict[str, Weighted]:
        """Half the squared layer-0 rows of each triplet; those of all streams but "id" count less.

        Args:
          tables: layer 0 by stream.
          batch: triplets.
          traced: "weight_decay" and "content_decay".
        """
        norms = {name: batch_rows_norm(*table, batch) for name, table in tables.items()}
        total, count = norms.pop("id")
        total += traced["content_decay"] * sum(norm.total for norm in norms.values())
        return {"rows_norm": Weighted(Term(total, count), traced["weight_decay"])}

    def ranked_by(self, views: Mapping[str, View]) -> View:
        """Rows beside each other, those of content weighted on the side of the items."""
        weights = dict.fromkeys(self.sizes.modalities, self.options.content_score)
        weights[self.sizes.modalities[0]] = self.options.first_content_score
        items = [weights.get(name, 1.0) * view.items for name, view in views.items()]
        users = [view.users for view in views.values()]
        return View(jnp.concatenate(users, axis=1), jnp.concatenate(items, axis=1))
