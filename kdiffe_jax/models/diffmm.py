"""DiffMM (Jiang and others, 2024): a graph for each modality, made by a diffusion model.

L' = D^-1/2 (A + I) D^-1/2; F_m a map of modality m's features; weights p_m of sum 1, learned; G_m
the graph in which a user has the one item that modality m's denoiser ranks first, some of its
entries dropped; the rows of an operator over [users; items].

  R = L'[U; sum_m p_m unit F_m],  M = R + L'[users of R; E] + generated_weight sum_m p_m G_m[U; E]
  Z = M + L'M + ... + residual unit M
  V_m = the same layers of L' on G_m[U; unit F_m]

  BPR(Z) + contrast_weight sum over pairs of InfoNCE(Z, V_m), or of (V_m, V_n)
  + norm_weight (|U|^2 + |E|^2) + sum_m ELBO_m + guidance_weight mean (x^ F_m - x E)^2

x a user's row of items, x^ its prediction; the last tables are cut from the gradient.
docs/models/diffmm.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property, partial
from itertools import combinations
from types import MappingProxyType

import jax
import jax.numpy as jnp

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.graph.one_item_graph import (
    OneItemGraph,
    dropped_entries,
    loops_alone,
    one_item_graph,
    over_one_item,
)
from kdiffe_jax.models.arrays import Batch, Inputs, Term, View, Weighted
from kdiffe_jax.models.base import Idle, Model, Needs, Sampling
from kdiffe_jax.models.content_maps import fresh_content_map, mapped_content
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
from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.ops.self_loops import next_layer_with_loops
from kdiffe_jax.ops.sparse_types import SparseOperator
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.options import option


@dataclasses.dataclass(frozen=True)
class DiffMMOptions(RowDenoiserOptions):
    """Defaults of the authors' program for TikTok."""

    layers: int = option(1, "layers of the final propagation", low=0)
    content_map: str = option(
        "linear",
        "what becomes of features: a linear map with a bias, or LeakyReLU of one without",
        choices=("linear", "leaky"),
    )
    generated_weight: float = option(0.2, "weight of the generated graphs in what ranks", low=0.0)
    residual: float = option(0.5, "weight of the unit rows of layer 0 in what ranks", low=0.0)
    edge_drop: float = option(
        0.5, "share of a generated graph's entries, loops too, that go", low=0.0, high=0.99
    )
    contrast_with: str = option(
        "ranking",
        "what a modality's view is contrasted with: the one that ranks, or those of the others",
        choices=("ranking", "modalities"),
    )
    contrast_weight: float = option(
        0.01, "weight of the contrast of users and of items", low=0.0, traced=True
    )
    temperature: float = option(0.5, "tau: InfoNCE temperature", above=0.0, traced=True)
    norm_weight: float = option(
        1e-4, "weight of the squared tables of users and items", low=0.0, traced=True
    )
    guidance_weight: float = option(
        0.1, "in a denoiser's loss, weight of what its rows say of content", low=0.0, traced=True
    )


@dataclasses.dataclass(frozen=True)
class DiffMM(Model):
    """Content and interactions over one graph, beside a generated graph a modality."""

    Options = DiffMMOptions
    needs = Needs(features=True, sparse_features=True)
    presets = MappingProxyType(
        {"paper": {"batch_size": 1024, "epochs": 500, "patience": 25}, "best": best_shared()}
    )
    idle = (Idle(("contrast_with", "temperature"), "contrast_weight", 0.0),)
    grid = MappingProxyType(
        {"contrast_weight": (0.01, 0.1), "guidance_weight": (0.01, 0.1), "edge_drop": (0.0, 0.5)}
    )
    one_device = "the rows that it denoises are gathered from the edges of a whole graph"

    @property
    def sampling(self) -> Sampling:  # type: ignore[override]
        """Rows of users beside interactions."""
        return Sampling(rows="users", rows_of_step=self.options.denoiser_rows)

    @cached_property
    def denoiser(self) -> RowDenoiser:
        """Of rows over all items; each modality has parameters of its own."""
        return RowDenoiser(self.options, (("items", self.sizes.n_items),), of_unit_rows=False)

    def init(self, key, inputs: Inputs):
        """Tables, and leaky maps, from Xavier's uniform distribution; modalities weigh the same."""
        users_key, others_key, _ = jax.random.split(key, 3)
        count, dim = len(self.sizes.modalities), self.embedding.dim
        items_key, *keys = jax.random.split(others_key, 1 + 2 * count)
        draw = jax.nn.initializers.xavier_uniform()
        params = {
            "users": draw(users_key, (self.sizes.n_users, dim)),
            "items": draw(items_key, (self.sizes.n_items, dim)),
            "modality_weights": jnp.full(count, 1.0 / count),
        }
        for number, (name, width) in enumerate(self.sizes.feature_widths):
            own, form = keys[number], self.options.content_map
            params[f"map_{name}"] = fresh_content_map(own, width, dim, form)
            params[f"denoiser_{name}"] = self.denoiser.init(keys[count + number])
        return params

    def first_carry(self, inputs: Inputs) -> dict[str, OneItemGraph]:
        """Graphs without an edge."""
        empty = loops_alone(n_users=self.sizes.n_users, n_items=self.sizes.n_items)
        return dict.fromkeys(self.sizes.modalities, empty)

    def refresh(self, params, inputs: Inputs, carry, key) -> dict[str, OneItemGraph]:
        """The graph of each modality, less the entries that are dropped."""
        keys = jax.random.split(key, len(self.sizes.modalities))
        return {
            name: dropped_entries(self.generated(params, inputs, name), own, self.options.edge_drop)
            for name, own in zip(self.sizes.modalities, keys, strict=True)
        }

    def generated(self, params, inputs: Inputs, name: str) -> OneItemGraph:
        """Each user with the first of all items after the reverse process of a modality."""
        top = top_columns(self.denoiser, params[f"denoiser_{name}"], _interactions(inputs), 1)
        return one_item_graph(top[:, 0], n_items=self.sizes.n_items)

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """Ranking, norm, contrast, and two terms of each denoiser."""
        drawn, ranking_key = self.draws(key, len(batch.row_nodes))
        content = self.content(params, inputs)
        main, others = self._views(params, inputs, aux, content)
        terms = ranking_term(main, batch, self.ranking, self.embedding.score, traced, ranking_key)
        norm = scalar_term(squared_norm([params["users"], params["items"]]))
        terms["squared_norm"] = Weighted(norm, traced["norm_weight"])
        contrast, weight = self._contrast(main, others, batch, traced), traced["contrast_weight"]
        terms |= {name: Weighted(term, weight) for name, term in contrast.items()}
        return terms | self._denoiser_terms(params, batch, inputs, traced, content, drawn)

    def draws(self, key: jax.Array, n_rows: int) -> tuple[dict[str, RowDraws], jax.Array]:
        """What each denoiser draws for so many rows, and a key of the ranking loss."""
        *keys, last = jax.random.split(key, 1 + len(self.sizes.modalities))
        pairs = zip(self.sizes.modalities, keys, strict=True)
        return {name: self.denoiser.draws(own, n_rows) for name, own in pairs}, last

    def _contrast(self, main: View, others: list[View], batch: Batch, traced):
        """Terms summed over pairs of views."""
        apart = self.options.contrast_with == "modalities"
        pairs = combinations(others, 2) if apart else [(main, other) for other in others]
        nothing = Term(jnp.zeros(()), jnp.zeros(()))
        total = dict.fromkeys(("info_nce_users", "info_nce_items"), nothing)
        for one, other in pairs:
            found = node_contrast(one, other, batch, traced["temperature"], negatives="all")
            total = {n: Term(total[n].total + t.total, t.count) for n, t in found.items()}
        return total

    @device_phase("denoiser")
    def _denoiser_terms(self, params, batch: Batch, inputs: Inputs, traced, content, drawn):
        real = batch.row_weights
        rows = chosen_rows(_interactions(inputs), batch.row_nodes, real > 0)
        taste = rows @ jax.lax.stop_gradient(params["items"])
        terms = {}
        for name in self.sizes.modalities:
            found = self.denoiser.denoised(params[f"denoiser_{name}"], rows, drawn[name])
            told = found.rows @ jax.lax.stop_gradient(content[name]) - taste
            guidance = weighted_term(jnp.mean(jnp.square(told), axis=1), real)
            terms[f"elbo_{name}"] = Weighted(weighted_term(found.elbo, real))
            terms[f"guidance_{name}"] = Weighted(guidance, traced["guidance_weight"])
        return terms

    def view(self, params, inputs: Inputs, carry) -> View:
        """Z, over the generated graphs as the last epoch left them."""
        return self._ranking(params, inputs, carry, self.content(params, inputs))

    def content(self, params, inputs: Inputs) -> dict[str, jax.Array]:
        """F_m, f32[J, d] by modality."""
        features = inputs.features
        return {n: mapped_content(features[n], params[f"map_{n}"]) for n in self.sizes.modalities}

    @device_phase("views")
    def _views(self, params, inputs: Inputs, graphs, content) -> tuple[View, list[View]]:
        """What ranks, and those of the modalities, which are one product a layer."""
        ranking, users = self._ranking(params, inputs, graphs, content), params["users"]
        starts = [
            over_one_item(graphs[n], users, unit_rows(content[n])) for n in self.sizes.modalities
        ]
        beside = (jnp.concatenate(tables, axis=1) for tables in zip(*starts, strict=True))
        finals = self._layers(inputs, *beside)
        parts = (jnp.split(rows, len(starts), axis=1) for rows in finals)
        return ranking, [View(*pair) for pair in zip(*parts, strict=True)]

    def _ranking(self, params, inputs: Inputs, graphs, content) -> View:
        users, items = params["users"], with_neighbours(params["items"], inputs, self.embedding)
        shares = jax.nn.softmax(params["modality_weights"])
        weighed = list(zip(shares, self.sizes.modalities, strict=True))
        mixed = sum(share * unit_rows(content[name]) for share, name in weighed)
        graph = (inputs.laplacian, inputs.degrees)
        first = next_layer_with_loops(*graph, users, mixed)
        second = next_layer_with_loops(*graph, first[0], items)
        rows = [a + b for a, b in zip(first, second, strict=True)]
        if self.options.generated_weight:
            for share, name in weighed:
                told = over_one_item(graphs[name], users, items)
                scale = self.options.generated_weight * share
                rows = [a + scale * b for a, b in zip(rows, told, strict=True)]
        final = zip(self._layers(inputs, *rows), rows, strict=True)
        return View(*(z + self.options.residual * unit_rows(m) for z, m in final))

    def _layers(self, inputs: Inputs, users: jax.Array, items: jax.Array):
        over = partial(next_layer_with_loops, inputs.laplacian, inputs.degrees)
        layers = layers_of(over, (users, items), self.options.layers)
        return pooled(layers, pooling_of(self.embedding, "sum"))

    def check(self, steps: int, limits) -> None:
        """The denoisers' memory, and that there are views to contrast."""
        rows = dict(n_rows=self.sizes.n_users, steps=steps, count=len(self.sizes.modalities))
        if rows["count"] < 2 and self.options.contrast_with == "modalities":
            raise ConfigError("contrast_with = 'modalities': the data have one; take 'ranking'")
        check_row_denoiser_memory(limits, self.denoiser, **rows)


def _interactions(inputs: Inputs) -> SparseOperator:
    """f32[I, J] of 0 and 1."""
    to_users = inputs.laplacian.to_users
    return to_users._replace(values=jnp.ones_like(to_users.values))
