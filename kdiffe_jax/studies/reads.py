"""What of a data set a model reads beside the interactions, as it is configured."""

from __future__ import annotations

from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.models.arrays import Sizes
from kdiffe_jax.models.base import Needs
from kdiffe_jax.models.registry import build_model


def reads_knowledge(base: Config) -> bool:
    """Whether the model has a knowledge graph."""
    return _needs(base).knowledge != "none"


def can_go_without_knowledge(base: Config) -> bool:
    """Whether the model has a knowledge graph, and can be trained without one."""
    return reads_knowledge(base) and not _needs(base).any_triples


def reads_triples(base: Config, dataset: Dataset) -> bool:
    """Whether triples reach the model, as its graph or beside it."""
    return reads_knowledge(base) or reads_beside(base, dataset)


def reads_features(base: Config) -> bool:
    """Whether features reach the model, as they are, as codes of its graph or by nearest items."""
    return _needs(base).features or reads_knowledge(base) or _has_nearest(base)


def reads_beside(base: Config, dataset: Dataset) -> bool:
    """Whether triples make the items' neighbours, or rows in place of features."""
    not_of_features = set(dataset.relation_names) - dataset.features.keys()
    made = _has_nearest(base) and (dataset.entity_items is not None or bool(not_of_features))
    return made or (_needs(base).sparse_features and not dataset.features)


def _has_nearest(base: Config) -> bool:
    return base.embedding.neighbour_weight > 0 or base.embedding.cold_items != "own"


def _needs(base: Config) -> Needs:
    return build_model(base, Sizes(1, 1)).needs
