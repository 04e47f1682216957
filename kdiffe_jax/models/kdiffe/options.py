"""KDiffE's own options; defaults are the settings of the paper (section VI-A3)."""

from __future__ import annotations

import dataclasses

from kdiffe_jax.config import PRECISIONS
from kdiffe_jax.models.noise_range import check_noise_range
from kdiffe_jax.options import LARGEST_SEED, Checked, option


@dataclasses.dataclass(frozen=True)
class WalkOptions(Checked):
    """The attention-aware Laplacian, eq. 4 and 5."""

    walk_length: int = option(50, "M: steps of one random walk", low=1)
    walks_per_node: int = option(12, "R: random walks from every node", low=1)
    restart_probability: float = option(
        0.5, "chance that a step returns to the start node", low=0.0, high=1.0
    )
    include_start: bool = option(True, "count the start node in its own visited set")
    walk_seed: int = option(0, "seed of the random walks", low=0, high=LARGEST_SEED)
    xi: float = option(0.7, "xi: weight of S in the Laplacian; 0 is LightGCN's", low=0.0)
    degree_from: str = option(
        "adjacency",
        "degrees of D from A, or from A + xi S",
        choices=("adjacency", "weighted"),
    )


@dataclasses.dataclass(frozen=True)
class EncoderOptions(Checked):
    """The encoder, eq. 1, 2, 3, 6 and 7."""

    layers: int = option(2, "L: propagation layers", low=0)
    share_item_embeddings: bool = option(True, "entities that are items share the item's embedding")
    last_neighbour_weight: float = option(
        0.0,
        "weight of the nearest items' rows, made of length 1, beside the layers of the items' last "
        "rows; for neighbour_weight above 0",
        low=0.0,
    )


@dataclasses.dataclass(frozen=True)
class DiffusionOptions(Checked):
    """The guided diffusion model, eq. 8-12, and the rebuilt graph."""

    timesteps: int = option(10, "T: diffusion steps", low=1)
    noise_schedule: str = option(
        "linear",
        "how noise grows: linearly between noise_scale times noise_min and noise_max, or as a "
        "cosine that ends in noise alone",
        choices=("linear", "cosine"),
    )
    noise_scale: float = option(0.1, "scale of both ends of the linear schedule", low=0.01)
    noise_min: float = option(1e-4, "variance at t = 1 before scaling", above=0.0, high=1.0)
    noise_max: float = option(0.02, "variance at t = T before scaling", above=0.0, high=1.0)
    guidance: bool = option(True, "condition the denoiser on the item's users; off is KDiffE_2")
    guidance_gradient: bool = option(False, "let the ELBO's gradient reach the user embeddings")
    guidance_rank: int = option(
        0,
        "guide by this many leading singular vectors of the interactions, known before training, "
        "in place of the users' embeddings; 0: by their embeddings (paper)",
        low=0,
    )
    guidance_scale: str = option(
        "own",
        "z~ as it comes, or centred over items and scaled to a mean squared length of 1",
        choices=("own", "unit"),
    )
    guidance_dropout: float = option(
        0.0, "dropout on z~ while the denoiser trains", low=0.0, high=0.99
    )
    elbo_weights: str = option(
        "snr",
        "weights of the timesteps in the ELBO: differences of the signal-to-noise ratio, or all "
        "the same",
        choices=("snr", "equal"),
    )
    denoiser_rate: float = option(
        1.0, "learning rate of the denoiser, times that of the rest", above=0.0
    )
    denoiser_decay: float = option(0.0, "decoupled weight decay of the denoiser", low=0.0)
    denoiser_start: str = option(
        "random",
        "what an untrained denoiser predicts: rows of random numbers, or of zeros",
        choices=("random", "zeros"),
    )
    denoiser_rows: int = option(
        1, "items whose rows a step denoises, at least; 1: each item once an epoch", low=1
    )
    denoiser_width: int = option(512, "hidden units of the denoiser", low=1)
    denoiser_head_start: int = option(
        0, "steps of the denoiser alone before the first epoch", low=0
    )
    denoiser_columns: int = option(
        0,
        "columns of the denoiser's row: half for the most frequent entities, the rest share the "
        "others; 0: one an entity",
        low=0,
    )
    step_embedding_size: int = option(16, "size of the sinusoidal step embedding", low=2)
    denoiser_dropout: float = option(0.5, "dropout on the denoiser's noisy row", low=0.0, high=0.99)
    denoiser_precision: str = option(
        "float32",
        "what the denoiser's matrix products take; they are summed in float32",
        choices=PRECISIONS,
    )
    reverse_start: str = option(
        "noise",
        "start of the reverse process: pure noise (paper), x_T drawn from the row, or the row",
        choices=("noise", "diffused", "x_start"),
    )
    main_graph: str = option(
        "given",
        "knowledge graph of the main view: the given one (paper), the rebuilt one, or the given "
        "one with every triple weighted by a power of its denoised value",
        choices=("given", "rebuilt", "weighted"),
    )
    weight_power: float = option(
        2.0,
        "the power of denoised values that weighs triples, for main_graph weighted",
        above=0.0,
        high=8.0,
    )
    top_q: int = option(1, "q: relations kept per item in the rebuilt graph", low=1)
    rebuild_from: str = option(
        "own",
        "rebuild from the item's own relations, or from all entities",
        choices=("own", "all"),
    )

    def __post_init__(self):
        super().__post_init__()
        check_noise_range(self.noise_scale, self.noise_min, self.noise_max)


@dataclasses.dataclass(frozen=True)
class ContrastOptions(Checked):
    """The objective, eq. 13 and 14."""

    theta_1: float = option(
        1e-2, "theta_1: weight of the contrastive loss; 0 is KDiffE_3", low=0.0, traced=True
    )
    theta_2: float = option(
        1e-5, "theta_2: weight of the squared parameter norm", low=0.0, traced=True
    )
    norm_scale: str = option(
        "own",
        "what theta_2 weighs: the sum of squares (paper), or that sum divided by the number of "
        "users and items, so that a value is as strong on large data as on small",
        choices=("own", "per_node"),
    )
    temperature: float = option(0.5, "tau: InfoNCE temperature", above=0.0, traced=True)
    contrast: str = option(
        "knowledge",
        "second view: the rebuilt knowledge graph, the given one where the main view reads that, "
        "or the main view's while edges of users and items are dropped as in SGL",
        choices=("knowledge", "edge_drop"),
    )
    edge_drop: float = option(0.1, "share of edges that the second view drops", low=0.0, high=0.99)
    negatives: str = option(
        "batch",
        "InfoNCE negatives: the nodes of the batch or all nodes",
        choices=("batch", "all"),
    )


@dataclasses.dataclass(frozen=True)
class KDiffEOptions(DiffusionOptions, WalkOptions, ContrastOptions, EncoderOptions):
    """All of them, as one flat group."""
