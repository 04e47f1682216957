"""Every option of preparation once: how interactions are split and content becomes triples."""

from __future__ import annotations

import dataclasses

from kdiffe_jax.data.options import ContentConfig
from kdiffe_jax.options import LARGEST_SEED, Checked, Groups, option


@dataclasses.dataclass(frozen=True)
class InteractionSettings(Checked):
    """Which interactions count."""

    min_rating: float = option(0.0, "keep interactions rated at least this; no rating is kept")
    duplicates: str = option(
        "first",
        "which of a user's repeated interactions with an item counts; `refuse` stops",
        choices=("first", "last", "refuse"),
    )
    overlap: str = option(
        "refuse",
        "a pair that a given split has in two parts: `refuse` stops; else the earlier part "
        "(train before valid before test) keeps it, or the later",
        choices=("refuse", "earlier", "later"),
    )
    k_core: int = option(
        0, "fewest interactions of a user and of an item; those with fewer go, repeatedly", low=0
    )
    keep_items: str = option(
        "interacted",
        "items of the Dataset: those with interactions, or all that the source names",
        choices=("interacted", "all"),
    )
    numbering: str = option(
        "source",
        "users and items are numbered as the source has them, or by neighbourhood: those with "
        "common neighbours near each other, which trains faster on large graphs",
        choices=("source", "neighbourhood"),
    )


@dataclasses.dataclass(frozen=True)
class SplitSettings(Checked):
    """How interactions are divided into train, valid and test."""

    split: str = option(
        "auto",
        "given by the source; shares per user; each user's last two; two moments in time; "
        "auto is given where there is one, else ratio",
        choices=("auto", "given", "ratio", "leave_one_out", "time"),
    )
    valid_share: float = option(0.1, "share of validation interactions", above=0.0, high=0.9)
    test_share: float = option(0.1, "share of test interactions", above=0.0, high=0.9)
    split_seed: int = option(0, "seed of random splits", low=0, high=LARGEST_SEED)


@dataclasses.dataclass(frozen=True)
class WordSettings(Checked):
    """Text columns -> words as entities."""

    words_language: str = option(
        "english", "stop words: english, none, or a file with one word a line"
    )
    words_ngrams: int = option(1, "longest run of words that is one entity", low=1, high=5)
    words_letters: int = option(
        0,
        "letters of a word where a text has no blanks (Chinese, Japanese, Thai, ...); 0: a word "
        "ends at a blank or a punctuation mark only",
        low=0,
        high=5,
    )
    words_min_items: int = option(5, "fewest items that a word occurs in", low=1)
    words_max_share: float = option(
        0.3, "largest share of the items with text that a word occurs in", above=0.0, high=1.0
    )
    words_per_item: int = option(
        12, "most words of an item, the most telling (tf-idf) first; 0 keeps all", low=0
    )


@dataclasses.dataclass(frozen=True)
class LabelSettings(Checked):
    """Class scores -> labels as entities."""

    labels_per_item: int = option(5, "most labels of an item", low=1)
    labels_min_probability: float = option(
        0.05, "smallest probability of a label", low=0.0, high=1.0
    )
    label_scores: str = option(
        "auto",
        "what the rows of --labels hold; auto tells distributions from logits, and refuses others",
        choices=("auto", "probabilities", "logits"),
    )


@dataclasses.dataclass(frozen=True)
class NeighbourSettings(Checked):
    """Items related to items."""

    neighbours_per_item: int = option(
        10, "most neighbours of an item by weight; unweighted links are all kept", low=1
    )
    neighbours_min_weight: float = option(0.0, "smallest weight of a neighbour that is kept")
    feature_neighbours: int = option(
        0, "nearest items by every dense feature that become relations; 0 is none", low=0
    )


@dataclasses.dataclass(frozen=True)
class FilterSettings(Checked):
    """Entities that cannot help, by relation; items as entities are exempt."""

    min_entity_items: int = option(2, "fewest items of an entity", low=1)
    max_entity_share: float = option(
        0.8, "largest share of all items that an entity may have", above=0.0, high=1.0
    )
    entities_per_item: int = option(
        0, "most entities of an item in one relation, the strongest first; 0 keeps all", low=0
    )


@dataclasses.dataclass(frozen=True)
class EntitySettings(Checked):
    """What is one entity."""

    kg_ids: str = option(
        "separate",
        "entities have ids of their own; or shared: what is called as an item is that item, in "
        "kg.txt what is below the number of items",
        choices=("separate", "shared"),
    )
    same_names: str = option(
        "source",
        "entities of one name in two relations: one entity, two, or as the source has it",
        choices=("source", "one", "two"),
    )

    @property
    def shared_ids(self) -> bool:
        """Whether entities that are called as items are these items."""
        return self.kg_ids == "shared"


@dataclasses.dataclass(frozen=True)
class PrepareConfig(Groups):
    """All groups of `prepare`. Build one with `PrepareConfig.from_flat`.

    >>> PrepareConfig.from_flat({"k_core": 5}).interactions.k_core
    5
    """

    interactions: InteractionSettings = InteractionSettings()
    split: SplitSettings = SplitSettings()
    words: WordSettings = WordSettings()
    labels: LabelSettings = LabelSettings()
    neighbours: NeighbourSettings = NeighbourSettings()
    codebooks: ContentConfig = ContentConfig()
    filters: FilterSettings = FilterSettings()
    entities: EntitySettings = EntitySettings()
