"""Every hyper-parameter once: its default, its range and the paper's symbol.

The library receives a frozen `Config`; `launch/flags.py` turns the fields of the
groups below into flags of the same names. Defaults are the settings of the paper
(section VI-A3) where it states one.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from kdiffe_jax.errors import ConfigError

# Keys of jax.random and seeds of scikit-learn are 32 bits wide.
_LARGEST_SEED = 2**32 - 1


def option(default, doc: str, low=None, high=None, choices=None, above=None):
    """Declares one field: default, help text, closed range, exclusive lower bound or choices."""
    metadata = dict(doc=doc, low=low, high=high, choices=choices, above=above)
    return dataclasses.field(default=default, metadata=metadata)


def _check_field(group: str, field: dataclasses.Field, value: Any) -> None:
    rule = field.metadata
    where = f"{group}.{field.name} = {value!r}"
    wanted = type(field.default)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not wanted:
        raise ConfigError(f"{where}: expected {wanted.__name__}")
    if wanted is float and not math.isfinite(value):
        raise ConfigError(f"{where}: must be finite")
    if rule["choices"] and value not in rule["choices"]:
        raise ConfigError(f"{where}: choose one of {', '.join(rule['choices'])}")
    if rule["above"] is not None and not value > rule["above"]:
        raise ConfigError(f"{where}: must be greater than {rule['above']}")
    if rule["low"] is not None and not value >= rule["low"]:
        raise ConfigError(f"{where}: must be at least {rule['low']}")
    if rule["high"] is not None and not value <= rule["high"]:
        raise ConfigError(f"{where}: must be at most {rule['high']}")


class _Checked:
    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check_field(type(self).__name__, field, getattr(self, field.name))


@dataclasses.dataclass(frozen=True)
class ContentConfig(_Checked):
    """How dense features become entities."""

    kg_source: str = option(
        "auto",
        "knowledge graph from the data's own triples, from its features, or from the features "
        "only where the triples carry no information",
        choices=("auto", "triples", "features"),
    )
    codebook_size: int = option(256, "k-means codes (entities) per modality", low=2)
    codes_per_item: int = option(4, "nearest codes that become an item's entities", low=1)
    content_seed: int = option(0, "seed of the k-means codebooks", low=0, high=_LARGEST_SEED)


@dataclasses.dataclass(frozen=True)
class GraphConfig(_Checked):
    """The attention-aware Laplacian, eq. 4 and 5."""

    walk_length: int = option(50, "M: steps of one random walk", low=1)
    walks_per_node: int = option(12, "R: random walks from every node", low=1)
    restart_probability: float = option(
        0.5, "chance that a step returns to the start node", low=0.0, high=1.0
    )
    include_start: bool = option(True, "count the start node in its own visited set")
    walk_seed: int = option(0, "seed of the random walks", low=0, high=_LARGEST_SEED)
    xi: float = option(0.7, "xi: weight of S in the Laplacian; 0 is LightGCN's", low=0.0)
    degree_from: str = option(
        "adjacency",
        "degrees of D from A, or from A + xi S",
        choices=("adjacency", "weighted"),
    )
    self_loops: bool = option(False, "add the identity to A before normalising")


@dataclasses.dataclass(frozen=True)
class ModelConfig(_Checked):
    """The encoder, eq. 1, 2, 3, 6 and 7."""

    dim: int = option(64, "d: embedding size", low=1)
    layers: int = option(2, "L: propagation layers", low=0)
    item_residual: float = option(
        0.0, "weight of the item's own embedding added to the knowledge layer's output", low=0.0
    )


@dataclasses.dataclass(frozen=True)
class DiffusionConfig(_Checked):
    """The guided diffusion model, eq. 8-12, and the rebuilt graph."""

    timesteps: int = option(10, "T: diffusion steps", low=1)
    noise_scale: float = option(0.1, "scale of both ends of the variance schedule", above=0.0)
    noise_min: float = option(1e-4, "variance at t = 1 before scaling", above=0.0, high=1.0)
    noise_max: float = option(0.02, "variance at t = T before scaling", above=0.0, high=1.0)
    guidance: bool = option(True, "condition the denoiser on the item's users; off is KDiffE_2")
    guidance_gradient: bool = option(False, "let the ELBO's gradient reach the user embeddings")
    denoiser_width: int = option(512, "hidden units of the denoiser", low=1)
    step_embedding_size: int = option(16, "size of the sinusoidal step embedding", low=2)
    denoiser_dropout: float = option(0.5, "dropout on the denoiser's noisy row", low=0.0, high=0.99)
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


@dataclasses.dataclass(frozen=True)
class TrainConfig(_Checked):
    """The objective, eq. 13-15, and the loop around it."""

    batch_size: int = option(1024, "interactions in a step", low=1)
    learning_rate: float = option(1e-3, "Adam's step size", above=0.0)
    theta_1: float = option(1e-2, "theta_1: weight of the contrastive loss; 0 is KDiffE_3", low=0.0)
    theta_2: float = option(1e-5, "theta_2: weight of the squared parameter norm", low=0.0)
    temperature: float = option(0.5, "tau: InfoNCE temperature", above=0.0)
    negatives: str = option(
        "batch",
        "InfoNCE negatives: the nodes of the batch or all nodes",
        choices=("batch", "all"),
    )
    epochs: int = option(200, "most epochs to train", low=1)
    patience: int = option(15, "epochs without a better validation score before the stop", low=1)
    seed: int = option(0, "seed of parameters, batches, noise", low=0, high=_LARGEST_SEED)


@dataclasses.dataclass(frozen=True)
class EvalConfig(_Checked):
    """How the model is scored."""

    selection: str = option(
        "valid",
        "split that chooses the epoch; 'test' only to compare with tables chosen so",
        choices=("valid", "test"),
    )
    selection_metric: str = option("recall@20", "metric that chooses the epoch")
    eval_block: int = option(1024, "users ranked at once; never changes a metric", low=1)
    mask_valid: bool = option(False, "at test time also exclude the validation items")


@dataclasses.dataclass(frozen=True)
class Config:
    """All groups. Build one with `Config.from_flat` from field names alone."""

    content: ContentConfig = ContentConfig()
    graph: GraphConfig = GraphConfig()
    model: ModelConfig = ModelConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()

    def to_flat(self) -> dict[str, Any]:
        """All fields as one dictionary; names are unique across groups.

        >>> Config().to_flat()["xi"]
        0.7
        """
        return {
            field.name: getattr(group, field.name)
            for group in (getattr(self, g.name) for g in dataclasses.fields(self))
            for field in dataclasses.fields(group)
        }

    @classmethod
    def from_flat(cls, values: dict[str, Any]) -> Config:
        """Inverse of `to_flat`; missing fields take their defaults.

        Raises:
          ConfigError: a name that no group has, or a value out of its range.
        """
        values = dict(values)
        groups = {}
        for group in dataclasses.fields(cls):
            kind = type(group.default)
            names = [f.name for f in dataclasses.fields(kind) if f.name in values]
            groups[group.name] = kind(**{name: values.pop(name) for name in names})
        if values:
            raise ConfigError(f"unknown hyper-parameter(s): {', '.join(sorted(values))}")
        return cls(**groups)


def all_options() -> dict[str, dataclasses.Field]:
    """Every hyper-parameter's field by its flat name, in the order of this file."""
    return {
        field.name: field
        for group in dataclasses.fields(Config)
        for field in dataclasses.fields(type(group.default))
    }
