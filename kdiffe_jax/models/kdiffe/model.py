"""KDiffE behind the contract: BPR + theta_1 InfoNCE + theta_2 `||Theta||^2` + ELBO (eq. 10-15)."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.graph.drop_edges import drop_edges
from kdiffe_jax.models.arrays import EdgeWeights, Inputs, View, Weighted
from kdiffe_jax.models.base import Needs, Sampling
from kdiffe_jax.models.kdiffe.attention_laplacian import entry_weights
from kdiffe_jax.models.kdiffe.denoiser_memory import check_denoiser_memory
from kdiffe_jax.models.kdiffe.elbo import elbo_term
from kdiffe_jax.models.kdiffe.encoder import Encoder
from kdiffe_jax.models.kdiffe.entity_rows import entity_rows, usual_relation
from kdiffe_jax.models.kdiffe.modules import KDiffEConstants, KDiffEModules
from kdiffe_jax.models.kdiffe.new_items import rows_of_new_items
from kdiffe_jax.models.kdiffe.options import KDiffEOptions
from kdiffe_jax.models.kdiffe.planted_truth import kept_relevant_share, within_item_auc
from kdiffe_jax.models.kdiffe.presets import PRESETS
from kdiffe_jax.models.kdiffe.rebuild import KeptRelations, rebuilt_graph
from kdiffe_jax.models.kdiffe.refresh import Rebuild
from kdiffe_jax.models.kdiffe.saved_arrays import saved_arrays
from kdiffe_jax.models.kdiffe.similarity_cache import cached_similarity
from kdiffe_jax.models.kdiffe.variants import VARIANTS
from kdiffe_jax.models.terms import node_contrast, ranking_term, scalar_term
from kdiffe_jax.ops.losses import squared_norm
from kdiffe_jax.ops.sparse_types import KnowledgeGraph, Laplacian
from kdiffe_jax.ops.trace_phases import device_phase


class SecondView(NamedTuple):
    """What the contrastive view of an epoch has of its own."""

    knowledge: KnowledgeGraph
    laplacian: Laplacian | None  #: None: the main view's


@dataclasses.dataclass(frozen=True)
class KDiffE(KDiffEModules):
    """The model of the paper; its parts have files of their own in this folder."""

    Options = KDiffEOptions
    sampling = Sampling(rows="items")
    presets = PRESETS
    variants = VARIANTS

    @property
    def needs(self) -> Needs:  # type: ignore[override]
        dropping = self.options.contrast == "edge_drop"
        return Needs(knowledge="items", guidance=True, edge_dropping=dropping)

    def init(self, key, inputs: Inputs):
        """Parameters by module, "encoder" and "denoiser"."""
        encoder_key, denoiser_key, _ = jax.random.split(key, 3)
        row = jnp.zeros((1, self.denoiser.n_columns))
        guidance = jnp.zeros((1, self.embedding.dim))
        step = jnp.zeros(1, jnp.int32)
        return {
            "encoder": self.encoder.init(encoder_key, *self._graphs(inputs))["params"],
            "denoiser": self.denoiser.init(denoiser_key, row, step, guidance)["params"],
        }

    def constants(self, triples: np.ndarray) -> KDiffEConstants:
        """The rows of eq. 9."""
        sizes = self.sizes
        return KDiffEConstants(
            entity_rows(
                triples,
                n_items=sizes.n_items,
                n_entities=sizes.n_entities,
                n_columns=self.denoiser.n_columns,
            ),
            usual_relation(triples, n_entities=sizes.n_entities, n_relations=sizes.n_relations),
        )

    def edge_weights(self, pairs, *, cache_dir, **workers) -> EdgeWeights:
        """A + xi S (eq. 4), S made or read (eq. 5)."""
        options = self.options
        similarity, cached = cached_similarity(
            pairs,
            n_users=self.sizes.n_users,
            n_items=self.sizes.n_items,
            options=options,
            directory=cache_dir,
            **workers,
        )
        entries = entry_weights(similarity, xi=options.xi, degree_from=options.degree_from)
        weights, counted = map(np.asarray, entries)
        return EdgeWeights(weights, counted, similarity, cached)

    def refresh(self, params, inputs: Inputs, key) -> KeptRelations:
        """The top-q relations of every denoised row: the next contrastive view."""
        return Rebuild(self, params, inputs, key).kept_relations()

    def open(self, inputs: Inputs, carry: KeptRelations, key) -> SecondView:
        """The rebuilt knowledge graph, or the given one beside a graph that lost edges."""
        with device_phase("rebuild"):
            sizes = self.sizes
            rebuilt = rebuilt_graph(carry, n_items=sizes.n_items, n_entities=sizes.n_entities)
        if self.options.contrast == "edge_drop":
            dropped = drop_edges(inputs.laplacian, key, self.options.edge_drop)
            return SecondView(inputs.knowledge, dropped)
        return SecondView(rebuilt, None)

    def losses(self, objective, params, batch, inputs: Inputs, aux: SecondView, traced, key):
        """Ranking + theta_2 norm + ELBO + theta_1 contrast (eq. 14)."""
        contrasted = self.options.theta_1 > 0
        main, other = self._views(params, inputs, aux if contrasted else None)
        drawing_key = key
        if self.ranking.ranking_loss == "softmax":
            key, drawing_key = jax.random.split(key)
        terms = ranking_term(main, batch, self.ranking, self.embedding.score, traced, drawing_key)
        terms["squared_norm"] = Weighted(_norm(params["encoder"]), traced["theta_2"])
        guidance = self.guidance_rows(main.users, inputs)
        parts = (self.denoiser, self.schedule, params["denoiser"])
        terms["elbo"] = Weighted(elbo_term(*parts, batch, inputs, guidance, key))
        if contrasted:
            contrast = node_contrast(
                main, other, batch, traced["temperature"], negatives=self.options.negatives
            )
            terms |= {name: Weighted(term, traced["theta_1"]) for name, term in contrast.items()}
        return terms

    @device_phase("views")
    def _views(self, params, inputs: Inputs, second: SecondView | None):
        """The main view, and the second one where it is wanted."""
        if second is None:
            return self.encode(params, inputs), None
        if second.laplacian is not None:
            changed = inputs._replace(laplacian=second.laplacian)
            return self.encode(params, inputs), self.encode(params, changed)
        return self.encoder.apply(
            {"params": params["encoder"]},
            inputs.laplacian,
            inputs.knowledge,
            second.knowledge,
            self.shared_items(inputs),
            inputs.neighbours,
            method=Encoder.two_views,
        )

    def view(self, params, inputs: Inputs, carry) -> View:
        """What ranks: the main view (eq. 7)."""
        return self.encode(params, inputs)

    def check(self, steps: int, limits) -> None:
        """The denoiser's memory, and options that the sizes forbid."""
        options, n_entities = self.options, self.sizes.n_entities
        if options.contrast == "edge_drop" and options.degree_from == "weighted":
            raise ConfigError(
                "contrast = 'edge_drop' takes D from A; use degree_from = 'adjacency'"
            )
        if options.rebuild_from == "all" and options.denoiser_columns:
            raise ConfigError(
                f"denoiser_columns = {options.denoiser_columns}: rebuild_from = 'all' cannot tell "
                "entities apart that share a column; use 'own', or denoiser_columns = 0"
            )
        if options.rebuild_from == "all" and options.top_q > n_entities:
            raise ConfigError(f"top_q = {options.top_q}: there are only {n_entities} entities")
        check_denoiser_memory(
            limits,
            width=options.denoiser_width,
            n_items=self.sizes.n_items,
            n_columns=self.denoiser.n_columns,
            steps=steps,
        )

    def artifacts(self, params, inputs, carry, edges) -> dict[str, np.ndarray]:
        """What explanations, new users and new items read."""
        return saved_arrays(self, params, inputs, carry, edges)

    def found_truth(self, params, inputs, key, triples, truth) -> dict[str, float]:
        """How well the denoiser ranks an item's relevant triples over its irrelevant ones."""
        scores = np.asarray(jax.jit(self._triple_scores)(params, inputs, key))
        return {
            "relation_auc": within_item_auc(scores, triples, truth),
            "kept_relevant_share": kept_relevant_share(scores, triples, truth, self.options.top_q),
            "relevant_share": float(np.mean(truth)),
        }

    def _triple_scores(self, params, inputs: Inputs, key) -> jax.Array:
        return Rebuild(self, params, inputs, key).own_triple_scores()

    @classmethod
    def rows_of_new_items(cls, saved: Any, triples: np.ndarray, n_new: int):
        """Eq. 1 and 2 with the trained weights, for items without users."""
        return rows_of_new_items(saved, triples, n_new)


@device_phase("norm_adam")
def _norm(params):
    return scalar_term(squared_norm(params))
