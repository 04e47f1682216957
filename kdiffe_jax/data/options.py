"""What is made of a data set before it is trained on."""

from __future__ import annotations

import dataclasses

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.options import LARGEST_SEED, Checked, option


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
class DataAblationConfig(Checked):
    """What is taken from the data, to see what it was worth, or added, to see what it spoils."""

    data_ablation: str = option(
        "none",
        "what becomes of the data before training: none, shuffled (tails within each relation), "
        "noise (in place of features), relation:NAME is removed, users:SHARE of users stay, "
        "items:SHARE of the trained items are not seen in training, or added:SHARE for random "
        "triples, as a share of the given ones",
    )
    data_ablation_seed: int = option(0, "seed of the data ablation", low=0, high=LARGEST_SEED)


def check_together(content: ContentConfig, data_ablation: DataAblationConfig) -> None:
    """Refuses triples that are added to a knowledge graph which codes of the features replace.

    Raises:
      ConfigError: says what to change.
    """
    if content.kg_source == "features" and data_ablation.data_ablation.startswith("added:"):
        raise ConfigError(
            f"data_ablation = {data_ablation.data_ablation!r}: kg_source = 'features' replaces the "
            "graph that triples are added to; let launch.prepare make the codes"
        )
