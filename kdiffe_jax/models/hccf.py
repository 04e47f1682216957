"""HCCF (Xia and others, 2022): local propagation beside a hypergraph, contrasted layer by layer.

E the tables, H_u = E_u W_u and H_i = E_i W_i nodes by hyperedges (or H = hyper_scale E). In every
layer, of users and items alike,

  z = drop(L) X,   h = drop(H) (drop(H)^T X),   X <- z + h,

and the finals are the sum of layers. The ranking loss + contrast_weight sum over layers of
nce(z, h), of z no gradient, over the different users and the different positives of a batch
+ norm_weight |all parameters|^2. What is dropped is drawn for each layer and step; nothing is
dropped to rank. docs/models/hccf.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.graph.drop_entries import Directed, drop_entries
from kdiffe_jax.models.arrays import Inputs, Term, View, Weighted
from kdiffe_jax.models.base import Idle, Needs
from kdiffe_jax.models.lightgcn import LightGCN
from kdiffe_jax.models.presets import best_shared
from kdiffe_jax.models.terms import pooling_of, ranking_term, scalar_term, weighted_term
from kdiffe_jax.ops.losses import each_once, info_nce, or_all, squared_norm
from kdiffe_jax.ops.propagate import pooled
from kdiffe_jax.ops.random_bits import for_tables
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.options import Checked, option

# H H^T grows with the fourth power of the parameters; float32 would overflow where these are large.
_LARGEST = 1e6


@dataclasses.dataclass(frozen=True)
class HCCFOptions(Checked):
    """Defaults of the authors' program in torch."""

    layers: int = option(2, "propagation layers", low=0)
    hypergraph: str = option(
        "learned",
        "H: a linear map of layer 0, or layer 0 itself times hyper_scale",
        choices=("learned", "own"),
    )
    hyperedges: int = option(128, "columns of H where it is learned", low=1)
    hyper_scale: float = option(1.0, "H over layer 0, where it is its own", low=0.01)
    dropout: float = option(
        0.5, "share of the entries of L and of H that a layer drops", low=0.0, high=0.99
    )
    contrast_weight: float = option(
        1e-3, "weight of the contrast of all layers", low=0.0, traced=True
    )
    temperature: float = option(1.0, "tau: InfoNCE temperature", above=0.0, traced=True)
    norm_weight: float = option(
        1e-7, "weight of the squares of all parameters", low=0.0, traced=True
    )


class Dropped(NamedTuple):
    """What a layer has left."""

    graph: Directed  #: L
    users: jax.Array | float = 1.0  #: f32[I, h], what the entries of H_u are multiplied by
    items: jax.Array | float = 1.0  #: f32[J, h], of H_i


class Sent(NamedTuple):
    """What the nodes of one side receive in a layer."""

    local: jax.Array  #: z
    hyper: jax.Array  #: h


@dataclasses.dataclass(frozen=True)
class HCCF(LightGCN):
    """Two tables, a graph, and a hypergraph of each side."""

    Options = HCCFOptions
    needs = Needs(edge_dropping=True)
    presets = MappingProxyType(
        {
            "paper": {"dim": 32, "batch_size": 4096, "epochs": 100, "patience": 20},
            "best": best_shared(),
        }
    )
    idle = (
        Idle(("hyperedges",), "hypergraph", "own"),
        Idle(("hyper_scale",), "hypergraph", "learned"),
        Idle(("temperature",), "contrast_weight", 0.0),
    )
    grid = MappingProxyType(
        {
            "hypergraph": ("own",),
            "hyper_scale": (0.01, 0.1, 1.0),
            "contrast_weight": (1e-3, 0.2),
            "temperature": (1.0, 0.1),
        }
    )

    def init(self, key, inputs: Inputs):
        """All from Xavier's uniform distribution."""
        users_key, others_key, _ = jax.random.split(key, 3)
        items_key, *hyper_keys = jax.random.split(others_key, 3)
        draw, dim = jax.nn.initializers.xavier_uniform(), self.embedding.dim
        params = {
            "users": draw(users_key, (self.sizes.n_users, dim)),
            "items": draw(items_key, (self.sizes.n_items, dim)),
        }
        if self.options.hypergraph == "learned":
            for side, hyper_key in zip(("users", "items"), hyper_keys, strict=True):
                params[f"{side}_hyper"] = draw(hyper_key, (dim, self.options.hyperedges))
        return params

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """The ranking loss of what is left, the contrast and the squared norm."""
        view, sent = self._encoded(params, inputs, self.dropped(inputs, key))
        terms = ranking_term(view, batch, self.ranking, self.embedding.score, traced, key)
        if sent:
            users, items = zip(*sent, strict=True)
            few = batch.contrasted()
            for side, layers, nodes in (
                ("users", users, few.users),
                ("items", items, few.positives),
            ):
                term = layer_contrast(layers, nodes, few.weights, traced["temperature"])
                terms[f"info_nce_{side}"] = Weighted(term, traced["contrast_weight"])
        norm = scalar_term(squared_norm(params))
        return terms | {"squared_norm": Weighted(norm, traced["norm_weight"])}

    def dropped(self, inputs: Inputs, key: jax.Array) -> list[Dropped]:
        """What every layer of a step has left."""
        share = self.options.dropout
        if share == 0:
            return self._whole(inputs)

        def of_layer(number: int) -> Dropped:
            graph_key, *keys = jax.random.split(jax.random.fold_in(key, number), 3)
            graph = drop_entries(inputs.laplacian, graph_key, share)
            if self.options.hypergraph == "own":
                return Dropped(graph)
            kept = (
                jax.random.bernoulli(for_tables(k), 1.0 - share, shape) / (1.0 - share)
                for k, shape in zip(keys, self._hyper_shapes, strict=True)
            )
            return Dropped(graph, *kept)

        return [of_layer(number) for number in range(self.options.layers)]

    def view(self, params, inputs: Inputs, carry) -> View:
        """The pooled layers, with nothing dropped."""
        return self._encoded(params, inputs, self._whole(inputs))[0]

    @device_phase("views")
    def _encoded(
        self, params, inputs: Inputs, dropped: list[Dropped]
    ) -> tuple[View, list[tuple[Sent, Sent]]]:
        """The pooled layers, and what users and items received in each."""
        layers, received = [self.layer_zero(params, inputs)], []
        hypergraphs = self._hypergraphs(params, *layers[0])
        for graph, *kept in dropped:
            rows = layers[-1]
            local = graph.next_layer(*rows)
            hyper = (
                through_hyperedges(of_side * factors, x)
                for of_side, factors, x in zip(hypergraphs, kept, rows, strict=True)
            )
            users, items = map(Sent, local, hyper)
            received.append((users, items))
            layers.append((_held(sum(users)), _held(sum(items))))
        return View(*pooled(layers, pooling_of(self.embedding, "sum"))), received

    def _hypergraphs(self, params, users: jax.Array, items: jax.Array):
        """f32[I, h] and f32[J, h], H of each side."""
        if self.options.hypergraph == "own":
            return self.options.hyper_scale * users, self.options.hyper_scale * items
        return _held(users @ params["users_hyper"]), _held(items @ params["items_hyper"])

    @property
    def _hyper_shapes(self) -> tuple[tuple[int, int], ...]:
        learned = self.options.hypergraph == "learned"
        width = self.options.hyperedges if learned else self.embedding.dim
        return (self.sizes.n_users, width), (self.sizes.n_items, width)

    def _whole(self, inputs: Inputs) -> list[Dropped]:
        whole = Dropped(Directed.both(inputs.laplacian, inputs.laplacian))
        return [whole] * self.options.layers

    def artifacts(self, params, inputs, carry, edges) -> dict[str, Any]:
        """None: through the hypergraph a user depends on all others."""
        return {}


def through_hyperedges(hypergraph: jax.Array, rows: jax.Array) -> jax.Array:
    """H (H^T X), never H H^T.

    Args:
      hypergraph: f32[n, h], H.
      rows: f32[n, d], X.
    """
    return hypergraph @ _held(hypergraph.T @ rows)


@device_phase("info_nce")
def layer_contrast(
    layers: tuple[Sent, ...], nodes: jax.Array, weights: jax.Array, temperature: jax.Array
) -> Term:
    """InfoNCE of z with h, summed over layers, among the different nodes of a batch.

    Args:
      layers: what all nodes of the side received.
      nodes: i32[B], those of the batch.
      weights: f32[B], 0 on padding.
      temperature: tau.
    """
    once = each_once(nodes, weights, size=layers[0].local.shape[0])
    losses = jnp.zeros(())
    for local, hyper in layers:
        losses += info_nce(
            jax.lax.stop_gradient(local[nodes]),
            hyper[nodes],
            jnp.arange(nodes.shape[0]),
            temperature=temperature,
            candidate_weights=or_all(once),
        )
    return weighted_term(losses, once)


def _held(rows: jax.Array) -> jax.Array:
    return jnp.clip(rows, -_LARGEST, _LARGEST)
