"""Every hyper-parameter once: its default, its range and the paper's symbol.

The library receives a frozen `Config`; `launch/flags.py` turns the fields of the
groups below into flags of the same names. Defaults are the settings of the paper
(section VI-A3) where it states one.
"""

from __future__ import annotations

import dataclasses

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.options import LARGEST_SEED, Checked, Groups, option

_PRECISIONS = ("float32", "bfloat16")


@dataclasses.dataclass(frozen=True)
class ContentConfig(Checked):
    """How dense features become entities."""

    kg_source: str = option(
        "auto",
        "knowledge graph from the data's own triples, from codes of its features, or none; auto: "
        "preparation takes both, training codes only where the triples carry no information",
        choices=("auto", "triples", "features", "none"),
    )
    codebook: str = option(
        "kmeans",
        "one k-means codebook a modality, or a product of codebooks over groups of columns",
        choices=("kmeans", "product"),
    )
    codebook_size: int = option(256, "codes (entities) of one codebook", low=2)
    codebook_groups: int = option(4, "groups of columns of a product codebook", low=1)
    codes_per_item: int = option(
        4, "nearest codes of one codebook that become an item's entities", low=1
    )
    content_seed: int = option(0, "seed of the codebooks", low=0, high=LARGEST_SEED)


@dataclasses.dataclass(frozen=True)
class KnockoutConfig(Checked):
    """What is taken from the data, to see what it was worth."""

    knockout: str = option(
        "none",
        "what the data lose before training: none, shuffled (tails within each relation), noise "
        "(in place of features), relation:NAME, users:SHARE for the share of users that stays, or "
        "items:SHARE for the share of trained items that training does not see",
    )
    knockout_seed: int = option(0, "seed of the knock-out", low=0, high=LARGEST_SEED)


@dataclasses.dataclass(frozen=True)
class GraphConfig(Checked):
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
    self_loops: bool = option(False, "add the identity to A before normalising")


@dataclasses.dataclass(frozen=True)
class ModelConfig(Checked):
    """The encoder, eq. 1, 2, 3, 6 and 7."""

    dim: int = option(64, "d: embedding size", low=1)
    layers: int = option(2, "L: propagation layers", low=0)
    share_item_embeddings: bool = option(True, "entities that are items share the item's embedding")
    neighbour_weight: float = option(
        0.0, "weight of the nearest items' embeddings added to layer 0; 0 is the paper", low=0.0
    )
    neighbour_smoothing: float = option(
        0.0, "weight of the nearest items added to the final item; 0 is the paper", low=0.0
    )
    nearest_items: int = option(
        10, "nearest items by each kind of content, where neighbours have weight", low=1
    )
    neighbour_relations: str = option(
        "together",
        "how shared entities make nearest items: those of all relations together, one kind of "
        "content, or each relation a kind of its own",
        choices=("together", "each"),
    )
    neighbour_kinds: str = option(
        "equal",
        "weights of the kinds of nearest items: all the same, or by how much more often than by "
        "chance the same users take such items in training",
        choices=("equal", "lift"),
    )
    cold_items: str = option(
        "own",
        "what items without training interactions rank by: their own embedding, or the rows of "
        "their nearest trained items by content",
        choices=("own", "neighbours"),
    )
    score: str = option(
        "inner_product",
        "what ranks, and what the softmax loss is of: the inner product (eq. 7), that over the "
        "roots of both lengths, or the cosine",
        choices=("inner_product", "root_length", "cosine"),
    )
    item_residual: float = option(
        0.0, "weight of the item's own embedding added to the knowledge layer's output", low=0.0
    )


@dataclasses.dataclass(frozen=True)
class DiffusionConfig(Checked):
    """The guided diffusion model, eq. 8-12, and the rebuilt graph."""

    timesteps: int = option(10, "T: diffusion steps", low=1)
    noise_scale: float = option(0.1, "scale of both ends of the variance schedule", above=0.0)
    noise_min: float = option(1e-4, "variance at t = 1 before scaling", above=0.0, high=1.0)
    noise_max: float = option(0.02, "variance at t = T before scaling", above=0.0, high=1.0)
    guidance: bool = option(True, "condition the denoiser on the item's users; off is KDiffE_2")
    guidance_gradient: bool = option(False, "let the ELBO's gradient reach the user embeddings")
    denoiser_width: int = option(512, "hidden units of the denoiser", low=1)
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
        choices=_PRECISIONS,
    )
    reverse_start: str = option(
        "noise",
        "start of the reverse process: pure noise (paper), x_T drawn from the row, or the row",
        choices=("noise", "diffused", "x_start"),
    )
    top_q: int = option(1, "q: relations kept per item in the rebuilt graph", low=1)
    rebuild_from: str = option(
        "own",
        "rebuild from the item's own relations, or from all entities",
        choices=("own", "all"),
    )

    def __post_init__(self):
        super().__post_init__()
        start, end = self.noise_scale * self.noise_min, self.noise_scale * self.noise_max
        if not start <= end < 1:
            raise ConfigError(
                f"DiffusionConfig.noise_min = {self.noise_min}, noise_max = {self.noise_max}: the "
                f"variance, scaled by {self.noise_scale}, must not fall and must stay below 1"
            )


@dataclasses.dataclass(frozen=True)
class TrainConfig(Checked):
    """The objective, eq. 13-15, and the loop around it."""

    batch_size: int = option(1024, "interactions in a step", low=1)
    learning_rate: float = option(1e-3, "Adam's step size", above=0.0)
    theta_1: float = option(1e-2, "theta_1: weight of the contrastive loss; 0 is KDiffE_3", low=0.0)
    theta_2: float = option(1e-5, "theta_2: weight of the squared parameter norm", low=0.0)
    temperature: float = option(0.5, "tau: InfoNCE temperature", above=0.0)
    contrast: str = option(
        "knowledge",
        "second view: the rebuilt knowledge graph, or the given one with edges dropped as in SGL",
        choices=("knowledge", "edge_drop"),
    )
    edge_drop: float = option(0.1, "share of edges that the second view drops", low=0.0, high=0.99)
    ranking_loss: str = option(
        "bpr",
        "BPR (eq. 15), or a softmax of the scores over drawn items",
        choices=("bpr", "softmax"),
    )
    softmax_negatives: int = option(1024, "items drawn for the softmax, a step", low=1)
    softmax_temperature: float = option(0.2, "temperature of the softmax", above=0.0)
    negatives: str = option(
        "batch",
        "InfoNCE negatives: the nodes of the batch or all nodes",
        choices=("batch", "all"),
    )
    epochs: int = option(200, "most epochs to train", low=1)
    epoch_steps: int = option(
        0, "steps of an epoch, a part of a pass over all interactions; 0: all of it", low=0
    )
    patience: int = option(15, "epochs without a better validation score before the stop", low=1)
    seed: int = option(0, "seed of parameters, batches, noise", low=0, high=LARGEST_SEED)
    num_seeds: int = option(1, "models trained at once, with seed, seed + 1, ...", low=1)

    def __post_init__(self):
        super().__post_init__()
        if self.seeds[-1] > LARGEST_SEED:
            raise ConfigError(
                f"TrainConfig.num_seeds = {self.num_seeds}: the last seed, {self.seeds[-1]}, "
                f"must be at most {LARGEST_SEED}"
            )

    @property
    def seeds(self) -> range:
        """The seed of every model."""
        return range(self.seed, self.seed + self.num_seeds)


@dataclasses.dataclass(frozen=True)
class EvalConfig(Checked):
    """How the model is scored."""

    selection: str = option(
        "valid",
        "split that chooses the epoch; 'test' only to compare with tables chosen so",
        choices=("valid", "test"),
    )
    score_test: bool = option(True, "score the test split at the end; a search does not")
    selection_metric: str = option("recall@20", "metric that chooses the epoch")
    eval_block: int = option(128, "users ranked at once; never changes a metric", low=1)
    eval_precision: str = option(
        "float32",
        "what the matrix product of the ranking takes; it is summed in float32",
        choices=_PRECISIONS,
    )
    mask_valid: bool = option(False, "at test time also exclude the validation items")


@dataclasses.dataclass(frozen=True)
class Config(Groups):
    """All groups. Build one with `Config.from_flat` from field names alone.

    >>> Config().to_flat()["xi"]
    0.7
    """

    content: ContentConfig = ContentConfig()
    knockout: KnockoutConfig = KnockoutConfig()
    graph: GraphConfig = GraphConfig()
    model: ModelConfig = ModelConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()
