"""The options that all models share, each once: its default and its range.

A `Config` is these groups and the model's own options. `models/registry.py` makes one from flat
values; `launch/flags.py` turns the fields into flags of the same names.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from kdiffe_jax.data.options import ContentConfig, DataAblationConfig, check_together
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.options import LARGEST_SEED, Checked, Groups, option

PRECISIONS = ("float32", "bfloat16")


@dataclasses.dataclass(frozen=True)
class EmbeddingConfig(Checked):
    """Embeddings, what content adds to them, and how they score."""

    dim: int = option(64, "d: embedding size", low=1)
    layer_pooling: str = option(
        "own",
        "what becomes of the propagation layers: their sum, their mean, the last one, or what the "
        "model's authors take",
        choices=("own", "sum", "mean", "last"),
    )
    neighbour_weight: float = option(
        0.0, "weight of the nearest items' embeddings added to the items' layer 0", low=0.0
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
        "weights of the kinds of nearest items: all the same, by how much more often than by "
        "chance the same users take such items in training, or by what they tell of hidden "
        "training interactions beside the others, which may be nothing",
        choices=("equal", "lift", "evidence"),
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
    added_score: str = option(
        "none",
        "what is added to the trained score once training is over: nothing, or walks from a user's "
        "items (RP3beta), with a weight that validation chooses, which may be zero",
        choices=("none", "rp3beta"),
    )


@dataclasses.dataclass(frozen=True)
class RankingConfig(Checked):
    """The ranking objective."""

    ranking_loss: str = option(
        "bpr",
        "BPR (eq. 15), or a softmax of the scores over drawn items",
        choices=("bpr", "softmax"),
    )
    softmax_negatives: int = option(1024, "items drawn for the softmax, a step", low=1)
    softmax_temperature: float = option(0.2, "temperature of the softmax", above=0.0, traced=True)


@dataclasses.dataclass(frozen=True)
class TrainConfig(Checked):
    """The training loop."""

    batch_size: int = option(1024, "interactions in a step", low=1)
    pass_steps: int = option(
        0,
        "most steps of a pass: where batch_size would make more, the batch grows, and the learning "
        "rate with its root; 0: it never grows",
        low=0,
    )
    learning_rate: float = option(1e-3, "Adam's step size", above=0.0, traced=True)
    epochs: int = option(200, "most epochs to train", low=1)
    epoch_steps: int = option(
        0, "steps of an epoch, a part of a pass over all interactions; 0: a whole pass", low=0
    )
    patience: int = option(15, "epochs without a better validation score before the stop", low=1)
    seed: int = option(0, "seed of parameters, batches, noise", low=0, high=LARGEST_SEED)
    num_seeds: int = option(1, "models trained one after another, seed, seed + 1, ...", low=1)
    ensemble: bool = option(
        False, "of several seeds, recommend by the sum of their scores, not by the best one's"
    )

    def __post_init__(self):
        super().__post_init__()
        if self.seeds[-1] > LARGEST_SEED:
            raise ConfigError(
                f"num_seeds = {self.num_seeds}: the last seed, {self.seeds[-1]}, "
                f"must be at most {LARGEST_SEED}"
            )
        if self.ensemble and self.num_seeds == 1:
            raise ConfigError("ensemble = True needs several seeds: num_seeds of 2 or more")

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
    eval_users: int = option(
        0,
        "users that validation and test are ranked for; of more, about so many are drawn, the same "
        "for every model; 0: all",
        low=0,
    )
    eval_block: int = option(128, "users ranked at once; never changes a metric", low=1)
    eval_precision: str = option(
        "float32",
        "what the matrix product of the ranking takes; it is summed in float32",
        choices=PRECISIONS,
    )
    mask_valid: bool = option(False, "at test time also exclude the validation items")


@dataclasses.dataclass(frozen=True)
class SharedConfig(Groups):
    """The groups that every model has."""

    content: ContentConfig = ContentConfig()
    data_ablation: DataAblationConfig = DataAblationConfig()
    embedding: EmbeddingConfig = EmbeddingConfig()
    ranking: RankingConfig = RankingConfig()
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()


@dataclasses.dataclass(frozen=True)
class Config:
    """A model's name and own options beside the shared groups.

    `models.registry.make_config` makes one from flat values.
    """

    model: str
    options: Checked
    content: ContentConfig = ContentConfig()
    data_ablation: DataAblationConfig = DataAblationConfig()
    embedding: EmbeddingConfig = EmbeddingConfig()
    ranking: RankingConfig = RankingConfig()
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()

    def __post_init__(self):
        check_together(self.content, self.data_ablation)

    def to_flat(self) -> dict[str, Any]:
        """Everything as one dictionary; "model" comes first."""
        flat = {"model": self.model} | self.options.to_flat()
        for group in dataclasses.fields(SharedConfig):
            flat |= getattr(self, group.name).to_flat()
        return flat

    def of_seed(self, seed: int) -> Config:
        """The same configuration for a single run with that seed."""
        train = dataclasses.replace(self.train, seed=seed, num_seeds=1, ensemble=False)
        return dataclasses.replace(self, train=train)

    def traced(self) -> dict[str, float]:
        """The options that are arguments of the compiled step, by name."""
        groups = (self.options, self.ranking, self.train)
        return {
            name: float(getattr(group, name))
            for group in groups
            for name, field in group.all_options().items()
            if field.metadata["traced"]
        }


@dataclasses.dataclass(frozen=True)
class Limits(Checked):
    """What a training may use; no part of a run's configuration."""

    model_memory_gb: float = option(
        16.0,
        "training is refused where the model's own arrays need more than this many GB",
        above=0.0,
    )
