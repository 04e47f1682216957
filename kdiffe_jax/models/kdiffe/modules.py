"""KDiffE's modules, made of its options and the sizes of the data, and what they encode."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.models.arrays import Inputs, View
from kdiffe_jax.models.base import Model
from kdiffe_jax.models.kdiffe.denoiser import Denoiser
from kdiffe_jax.models.kdiffe.denoiser_columns import number_of_columns
from kdiffe_jax.models.kdiffe.encoder import Encoder
from kdiffe_jax.models.kdiffe.graphs import Denoised
from kdiffe_jax.models.kdiffe.guidance import mean_of_item_users, of_unit_scale
from kdiffe_jax.models.kdiffe.spectral_users import spectral_users
from kdiffe_jax.models.terms import pooling_of
from kdiffe_jax.ops.diffusion import (
    Schedule,
    cosine_schedule,
    elbo_weights,
    linear_variance_schedule,
)
from kdiffe_jax.ops.sparse_types import EntityRows, KnowledgeGraph
from kdiffe_jax.ops.trace_phases import device_phase


class KDiffEConstants(NamedTuple):
    """What KDiffE makes of the triples once."""

    rows: EntityRows  #: eq. 9
    entity_relation: jax.Array  #: i32[E], the relation an entity has most often


@dataclasses.dataclass(frozen=True)
class KDiffEModules(Model):
    """Encoder, denoiser and noise schedule; `model.py` trains them."""

    @cached_property
    def encoder(self) -> Encoder:
        """Eq. 1-3, 6 and 7."""
        return Encoder(
            n_users=self.sizes.n_users,
            n_items=self.sizes.n_items,
            n_entities=self.sizes.n_entities,
            n_relations=self.sizes.n_relations,
            dim=self.embedding.dim,
            layers=self.options.layers,
            pooling=pooling_of(self.embedding, "sum"),
            neighbour_weight=self.embedding.neighbour_weight,
            last_neighbour_weight=self.options.last_neighbour_weight,
        )

    @cached_property
    def denoiser(self) -> Denoiser:
        """Eq. 10-12."""
        return Denoiser(
            n_columns=number_of_columns(self.options.denoiser_columns, self.sizes.n_entities),
            width=self.options.denoiser_width,
            step_size=self.options.step_embedding_size,
            dropout=self.options.denoiser_dropout,
            guided=self.options.guidance,
            guidance_dropout=self.options.guidance_dropout,
            from_zero=self.options.denoiser_start == "zeros",
            precision=self.options.denoiser_precision,
        )

    @property
    def is_tested(self) -> bool:
        """Whether a run ends with a test of a fresh denoiser: guided, of a column an entity."""
        return self.options.guidance and self.denoiser.n_columns >= self.sizes.n_entities

    @property
    def schedule(self) -> Schedule:
        """Eq. 8."""
        if self.options.noise_schedule == "cosine":
            return cosine_schedule(self.options.timesteps)
        return linear_variance_schedule(
            self.options.timesteps,
            noise_scale=self.options.noise_scale,
            noise_min=self.options.noise_min,
            noise_max=self.options.noise_max,
        )

    @property
    def timestep_weights(self) -> jax.Array:
        """f32[T], of the ELBO."""
        schedule = self.schedule
        equal = self.options.elbo_weights == "equal"
        return jnp.ones_like(schedule.betas) if equal else elbo_weights(schedule)

    def guidance_rows(self, users: jax.Array, inputs: Inputs) -> jax.Array:
        """z~ (eq. 11), f32[J, d]."""
        rows = mean_of_item_users(users, inputs, gradient=self.options.guidance_gradient)
        return of_unit_scale(rows) if self.options.guidance_scale == "unit" else rows

    def guidance_of(
        self, params, inputs: Inputs, carry: Denoised, main: KnowledgeGraph
    ) -> jax.Array:
        """z~ of all items, f32[J, d]: as known before training, or by the main view's users."""
        if carry.guidance is not None:
            return carry.guidance
        return self.guidance_rows(self.encode(params, inputs, main).users, inputs)

    def with_guidance(self, inputs: Inputs, carry: Denoised) -> Denoised:
        """With z~ that is known before training, made where it is not yet there."""
        if carry.guidance is None:
            return carry

        def of_interactions():
            rank = self.options.guidance_rank
            users = spectral_users(inputs.item_users, inputs.degrees, rank=rank)
            return self.guidance_rows(users, inputs)

        there = carry.guidance.any()
        made = jax.lax.cond(there, lambda: carry.guidance, of_interactions)
        return carry._replace(guidance=made)

    @property
    def guidance_size(self) -> int:
        """Columns of z~."""
        return self.options.guidance_rank or self.embedding.dim

    @device_phase("views")
    def encode(self, params, inputs: Inputs, knowledge: KnowledgeGraph) -> View:
        """The view of a knowledge graph (eq. 1-6)."""
        graphs = self._graphs(inputs._replace(knowledge=knowledge))
        return self.encoder.apply({"params": params["encoder"]}, *graphs)

    def _graphs(self, inputs: Inputs):
        return inputs.laplacian, inputs.knowledge, self.shared_items(inputs), inputs.neighbours

    def shared_items(self, inputs: Inputs) -> jax.Array | None:
        """i32[E], the item whose embedding an entity shares, else -1; None where none does."""
        return inputs.entity_items if self.options.share_item_embeddings else None
