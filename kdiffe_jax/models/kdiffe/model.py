"""KDiffE behind the contract: BPR + theta_1 InfoNCE + theta_2 `||Theta||^2` + ELBO (eq. 10-15)."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.graph.drop_edges import drop_edges
from kdiffe_jax.models.arrays import EdgeWeights, Inputs, Term, View, Weighted
from kdiffe_jax.models.base import Needs, Objective, Part, Sampling
from kdiffe_jax.models.kdiffe.attention_laplacian import entry_weights
from kdiffe_jax.models.kdiffe.denoiser_memory import check_denoiser_memory
from kdiffe_jax.models.kdiffe.elbo import elbo_term
from kdiffe_jax.models.kdiffe.encoder import Encoder
from kdiffe_jax.models.kdiffe.entity_rows import entity_rows, usual_relation
from kdiffe_jax.models.kdiffe.fresh_denoiser import head_start, rows_of_step
from kdiffe_jax.models.kdiffe.graphs import Denoised, main_and_other, nothing_denoised
from kdiffe_jax.models.kdiffe.held_out_triples import held_out_triples
from kdiffe_jax.models.kdiffe.modules import KDiffEConstants, KDiffEModules
from kdiffe_jax.models.kdiffe.new_items import rows_of_new_items
from kdiffe_jax.models.kdiffe.options import KDiffEOptions
from kdiffe_jax.models.kdiffe.planted_truth import (
    kept_relevant_share,
    tells_apart,
    within_item_auc,
)
from kdiffe_jax.models.kdiffe.presets import PRESETS
from kdiffe_jax.models.kdiffe.rebuild import rebuilt_graph
from kdiffe_jax.models.kdiffe.refresh import Rebuild
from kdiffe_jax.models.kdiffe.refused_options import IDLE, refuse_unfit
from kdiffe_jax.models.kdiffe.saved_arrays import saved_arrays
from kdiffe_jax.models.kdiffe.similarity_cache import cached_similarity
from kdiffe_jax.models.kdiffe.variants import VARIANTS
from kdiffe_jax.models.terms import node_contrast, ranking_term, scalar_term
from kdiffe_jax.ops.losses import squared_norm
from kdiffe_jax.ops.sparse_types import KnowledgeGraph, Laplacian
from kdiffe_jax.ops.trace_phases import device_phase


class Views(NamedTuple):
    """What the two views of an epoch read."""

    main: KnowledgeGraph
    other: KnowledgeGraph
    laplacian: Laplacian | None  #: the second view's; None: that of both
    guidance: jax.Array | None  #: f32[J, rank], z~ where it is known before training


@dataclasses.dataclass(frozen=True)
class KDiffE(KDiffEModules):
    """The model of the paper; its parts have files of their own in this folder."""

    Options = KDiffEOptions
    presets = PRESETS
    variants = VARIANTS
    idle = IDLE
    grid = MappingProxyType(
        {"theta_1": (0.01, 0.1), "temperature": (0.2, 0.5), "main_graph": ("given", "weighted")}
    )

    @property
    def needs(self) -> Needs:  # type: ignore[override]
        dropping = self.options.contrast == "edge_drop"
        return Needs(knowledge="items", guidance=True, edge_dropping=dropping)

    @property
    def sampling(self) -> Sampling:  # type: ignore[override]
        return Sampling(rows="items", rows_of_step=self.options.denoiser_rows)

    @property
    def objectives(self) -> tuple[Objective, ...]:  # type: ignore[override]
        options = self.options
        denoiser = Part("denoiser", options.denoiser_rate, options.denoiser_decay)
        return (Objective(parts=(denoiser,)),)

    def init(self, key, inputs: Inputs):
        """Parameters by module, "encoder" and "denoiser"."""
        encoder_key, denoiser_key, _ = jax.random.split(key, 3)
        row = jnp.zeros((1, self.denoiser.n_columns))
        guidance = jnp.zeros((1, self.guidance_size))
        step = jnp.zeros(1, jnp.int32)
        encoder = {"encoder": self.encoder.init(encoder_key, *self._graphs(inputs))["params"]}
        if self.options.denoiser_head_start:
            carry = self.with_guidance(inputs, self.first_carry(inputs))
            guidance = self.guidance_of(encoder, inputs, carry, inputs.knowledge)
            return encoder | {"denoiser": head_start(self, inputs, guidance, denoiser_key)}
        fresh = self.denoiser.init(denoiser_key, row, step, guidance)["params"]
        return encoder | {"denoiser": fresh}

    def constants(self, triples: np.ndarray, entity_items=None) -> KDiffEConstants:
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
        """A + xi S (eq. 4), S made or read (eq. 5); without xi there is no S."""
        options = self.options
        if not options.xi:
            return super().edge_weights(pairs, cache_dir=cache_dir, **workers)
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

    def first_carry(self, inputs: Inputs) -> Denoised:
        """All triples of an item equal; z~ that is known before training comes with `refresh`."""
        first = nothing_denoised(inputs.own.rows, q=self.options.top_q)
        if not self.options.guidance_rank:
            return first
        shape = (self.sizes.n_items, self.options.guidance_rank)
        return first._replace(guidance=jnp.zeros(shape))

    def refresh(self, params, inputs: Inputs, carry: Denoised, key) -> Denoised:
        """Every item's row denoised: the graphs of the next epoch."""
        carry = self.with_guidance(inputs, carry)
        main = self._knowledge_graphs(inputs, carry)[0]
        guidance = self.guidance_of(params, inputs, carry, main)
        found = Rebuild(self, params["denoiser"], inputs, guidance, key).denoised()
        return found._replace(guidance=carry.guidance)

    def open(self, inputs: Inputs, carry: Denoised, key) -> Views:
        """The graphs of both views; the second one may be the main one's with fewer edges."""
        main, other = self._knowledge_graphs(inputs, carry)
        if self.options.contrast == "edge_drop":
            dropped = drop_edges(inputs.laplacian, key, self.options.edge_drop)
            return Views(main, main, dropped, carry.guidance)
        return Views(main, other, None, carry.guidance)

    def losses(self, objective, params, batch, inputs: Inputs, aux: Views, traced, key):
        """Ranking + theta_2 norm + ELBO + theta_1 contrast (eq. 14)."""
        contrasted = self.options.theta_1 > 0
        main, other = self._views(params, inputs, aux, contrasted=contrasted)
        drawing_key = key
        if self.ranking.ranking_loss == "softmax":
            key, drawing_key = jax.random.split(key)
        terms = ranking_term(main, batch, self.ranking, self.embedding.score, traced, drawing_key)
        terms["squared_norm"] = Weighted(self._norm(params["encoder"]), traced["theta_2"])
        terms["elbo"] = Weighted(self._elbo(params, batch, inputs, main, aux.guidance, key))
        if contrasted:
            contrast = node_contrast(
                main, other, batch, traced["temperature"], negatives=self.options.negatives
            )
            terms |= {name: Weighted(term, traced["theta_1"]) for name, term in contrast.items()}
        return terms

    @device_phase("norm_adam")
    def _norm(self, table) -> Term:
        """`||Theta||^2` of the encoder, or its share of each user and item."""
        nodes, own = self.sizes.n_users + self.sizes.n_items, self.options.norm_scale == "own"
        return scalar_term(squared_norm(table) / (1 if own else nodes))

    def _elbo(self, params, batch, inputs: Inputs, main: View, known, key) -> Term:
        guidance = self.guidance_rows(main.users, inputs) if known is None else known
        parts = (self.denoiser, self.schedule, self.timestep_weights, params["denoiser"])
        return elbo_term(*parts, batch, inputs, guidance, key)

    @device_phase("views")
    def _views(self, params, inputs: Inputs, views: Views, *, contrasted: bool):
        """The main view, and the second one where it is wanted."""
        if not contrasted:
            return self.encode(params, inputs, views.main), None
        if views.laplacian is not None:
            changed = inputs._replace(laplacian=views.laplacian)
            pair = (self.encode(params, given, views.main) for given in (inputs, changed))
            return tuple(pair)
        return self.encoder.apply(
            {"params": params["encoder"]},
            inputs.laplacian,
            views.main,
            views.other,
            self.shared_items(inputs),
            inputs.neighbours,
            method=Encoder.two_views,
        )

    def view(self, params, inputs: Inputs, carry: Denoised) -> View:
        """What ranks: the main view (eq. 7)."""
        return self.encode(params, inputs, self._knowledge_graphs(inputs, carry)[0])

    @device_phase("rebuild")
    def _knowledge_graphs(self, inputs: Inputs, carry: Denoised):
        """The main view's, and the one that it is contrasted with."""
        sizes = dict(n_items=self.sizes.n_items, n_entities=self.sizes.n_entities)
        rebuilt = rebuilt_graph(carry.kept, **sizes)
        which, power = self.options.main_graph, self.options.weight_power
        return main_and_other(which, inputs.knowledge, rebuilt, carry.own, power)

    def check(self, steps: int, limits) -> None:
        """The denoiser's memory, and options that the sizes forbid."""
        options = self.options
        refuse_unfit(options, self.embedding, self.sizes)
        check_denoiser_memory(
            limits,
            width=options.denoiser_width,
            n_items=self.sizes.n_items,
            n_columns=self.denoiser.n_columns,
            rows=max(-(-self.sizes.n_items // steps), options.denoiser_rows),
            rows_alone=rows_of_step(self),
            beside=3 if options.denoiser_head_start else 2 * self.is_tested,
        )

    def artifacts(self, params, inputs, carry, edges) -> dict[str, np.ndarray]:
        """What explanations, new users and new items read."""
        main = self._knowledge_graphs(inputs, carry)[0]
        return saved_arrays(self, params, inputs, main, carry, edges)

    def findings(self, params, inputs, carry, traced, key, triples) -> dict[str, Any]:
        """Whether a denoiser finds hidden triples again, where columns are entities."""
        if not self.is_tested:
            return {}
        main = self._knowledge_graphs(inputs, carry)[0]
        parts = (main, traced["learning_rate"], key)
        found = held_out_triples(self, params, inputs, carry, *parts, triples)
        return {"denoiser": found} if found else {}

    def found_truth(self, params, inputs, carry, key, triples, truth) -> dict[str, float]:
        """How well the denoiser ranks an item's relevant triples over its irrelevant ones."""
        if not tells_apart(triples, truth):
            return {}
        scores = np.asarray(jax.jit(self.refresh)(params, inputs, carry, key).own)
        return {
            "relation_auc": within_item_auc(scores, triples, truth),
            "kept_relevant_share": kept_relevant_share(scores, triples, truth, self.options.top_q),
            "relevant_share": float(np.mean(truth)),
        }

    @classmethod
    def rows_of_new_items(cls, saved: Any, triples: np.ndarray, n_new: int):
        """Eq. 1 and 2 with the trained weights, for items without users."""
        return rows_of_new_items(saved, triples, n_new)
