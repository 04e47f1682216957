"""Options of KDiffE that do not go together, or not with the data; those without effect."""

from __future__ import annotations

from dataclasses import fields

from kdiffe_jax.config import EmbeddingConfig
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.arrays import Sizes
from kdiffe_jax.models.declarations import Idle
from kdiffe_jax.models.kdiffe.options import KDiffEOptions, WalkOptions

_OF_GUIDANCE = ("guidance_gradient", "guidance_rank", "guidance_scale", "guidance_dropout")
IDLE = (
    Idle(("noise_scale", "noise_min", "noise_max"), "noise_schedule", "cosine"),
    Idle(tuple(field.name for field in fields(WalkOptions) if field.name != "xi"), "xi", 0.0),
    Idle(("temperature", "negatives", "contrast", "edge_drop"), "theta_1", 0.0),
    Idle(("edge_drop",), "contrast", "knowledge"),
    Idle(_OF_GUIDANCE, "guidance", False),
    Idle(("weight_power",), "main_graph", "given"),
    Idle(("weight_power",), "main_graph", "rebuilt"),
)


def refuse_unfit(options: KDiffEOptions, embedding: EmbeddingConfig, sizes: Sizes) -> None:
    """Refuses them.

    Args:
      options: KDiffE's own.
      embedding: the shared ones that go with them.
      sizes: of the data.

    Raises:
      ConfigError: names the options and what to take.
    """
    if options.contrast == "edge_drop" and options.degree_from == "weighted":
        raise ConfigError("contrast = 'edge_drop' takes D from A; use degree_from = 'adjacency'")
    if options.rebuild_from == "all" and options.denoiser_columns:
        raise ConfigError(
            f"denoiser_columns = {options.denoiser_columns}: rebuild_from = 'all' cannot tell "
            "entities apart that share a column; use 'own', or denoiser_columns = 0"
        )
    if options.rebuild_from == "all" and options.top_q > sizes.n_entities:
        raise ConfigError(f"top_q = {options.top_q}: there are only {sizes.n_entities} entities")
    if options.guidance_gradient and options.guidance_rank:
        raise ConfigError(
            f"guidance_gradient has no effect beside guidance_rank = {options.guidance_rank}, made "
            "before training; leave it out, or take guidance_rank = 0"
        )
    if options.last_neighbour_weight and not embedding.neighbour_weight:
        raise ConfigError(
            f"last_neighbour_weight = {options.last_neighbour_weight:g} has no effect without "
            "nearest items in layer 0; leave it out, or take neighbour_weight = 1"
        )
