"""The embedded default: a planted data set whose truth is known.

Users and items have topics. A user interacts mostly with popular items of the user's
own topics. Every item has entities in several relations; a known share of the triples
is task-irrelevant: it points to an entity of another topic, which has nothing to do
with why users choose the item. A model that works recommends by topic and ranks an
item's relevant triples over the irrelevant ones.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.rows import position_in_group, sorted_unique
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.options import option

RELATIONS = ("visual label", "word", "brand")


@dataclasses.dataclass(frozen=True)
class PlantedSizes:
    """Sizes of the planted data; `noise_share` is the share of irrelevant triples."""

    users: int = option(1200, "users")
    items: int = option(800, "items")
    topics: int = option(12, "topics")
    entities_per_topic: int = option(10, "entities of each topic in each relation")
    triples_per_item: int = option(8, "triples drawn for each item")
    interactions_per_user: int = option(14, "interactions of each user, over all splits")
    taste: float = option(0.85, "weight of the user's two topics when items are drawn")
    noise_share: float = option(0.4, "share of irrelevant triples among those drawn")

    def __post_init__(self):
        if min(self.users, self.items, self.triples_per_item, self.entities_per_topic) < 1:
            raise ConfigError("planted data: every size must be at least 1")
        if self.topics < 2 or self.items < 4 * self.topics:
            raise ConfigError("planted data: at least 2 topics with 4 items each are needed")
        if not 3 <= self.interactions_per_user <= self.items // 2:
            raise ConfigError(
                "planted data: interactions_per_user must be between 3 and half of the items"
            )
        if not (0 <= self.taste <= 1 and 0 <= self.noise_share < 1):
            raise ConfigError("planted data: taste is in [0, 1], noise_share in [0, 1)")


def planted_dataset(sizes: PlantedSizes = PlantedSizes(), *, seed: int = 0) -> Dataset:
    """A planted data set, equal for equal arguments.

    Args:
      sizes: how large, how strong the tastes, how noisy the knowledge graph.
      seed: of everything that is drawn.

    Returns:
      A `Dataset` with `relevant` set: True where a triple's entity has the item's topic.
    """
    rng = np.random.default_rng([seed, sizes.users, sizes.items])
    item_topics = rng.permutation(np.arange(sizes.items) % sizes.topics)
    pairs = _interactions(sizes, item_topics, rng)
    train, valid, test = _split(pairs, sizes.users, rng)
    triples, relevant = _knowledge(sizes, item_topics, rng)
    per_relation = _entities_per_relation(sizes)
    names = tuple(
        f"{relation} {index} (topic {index % sizes.topics})"
        for relation in RELATIONS
        for index in range(per_relation)
    )
    return Dataset(
        name="synthetic",
        n_users=sizes.users,
        n_items=sizes.items,
        n_entities=len(names),
        train=train,
        valid=valid,
        test=test,
        triples=triples,
        relation_names=RELATIONS,
        entity_names=names,
        relevant=relevant,
    )


def _entities_per_relation(sizes: PlantedSizes) -> int:
    return sizes.topics * sizes.entities_per_topic


def _interactions(sizes: PlantedSizes, item_topics, rng) -> np.ndarray:
    """Each user's distinct items: Gumbel top-k over log popularity plus taste."""
    popularity = rng.permutation(1.0 / np.arange(3, sizes.items + 3) ** 0.6)
    tastes = np.argsort(rng.random((sizes.users, sizes.topics)), axis=1)[:, :2]
    inside = sizes.taste * np.array([0.7, 0.3])
    topic_mass = np.full((sizes.users, sizes.topics), (1 - sizes.taste) / sizes.topics)
    np.put_along_axis(topic_mass, tastes, np.take_along_axis(topic_mass, tastes, 1) + inside, 1)
    mass_of_topic = np.bincount(item_topics, popularity, sizes.topics)
    chosen = []
    for users in np.array_split(np.arange(sizes.users), max(1, sizes.users // 1024)):
        mass = topic_mass[users][:, item_topics] * (popularity / mass_of_topic[item_topics])
        keys = np.log(np.maximum(mass, 1e-12)) + rng.gumbel(size=mass.shape)
        picked = np.argpartition(-keys, sizes.interactions_per_user, axis=1)
        chosen.append(picked[:, : sizes.interactions_per_user])
    items = np.concatenate(chosen)
    users = np.repeat(np.arange(sizes.users), sizes.interactions_per_user)
    return sorted_unique(np.stack([users, items.ravel()], axis=1))


def _split(pairs, n_users: int, rng):
    """Per user, one tenth (at least one) for validation and as much for test."""
    order = rng.permutation(len(pairs))
    order = order[np.argsort(pairs[order, 0], kind="stable")]
    counts = np.bincount(pairs[:, 0], minlength=n_users)
    rank = position_in_group(pairs[order, 0])
    held = np.maximum(1, counts // 10)[pairs[order, 0]]
    parts = (rank >= 2 * held, rank < held, (rank >= held) & (rank < 2 * held))
    return tuple(sorted_unique(pairs[order[part]]) for part in parts)


def _knowledge(sizes: PlantedSizes, item_topics, rng) -> tuple[np.ndarray, np.ndarray]:
    """Triples and whether each is relevant; entity e of a relation has topic e mod topics."""
    shape = (sizes.items, sizes.triples_per_item)
    relations = rng.integers(len(RELATIONS), size=shape)
    noisy = rng.random(shape) < sizes.noise_share
    shift = rng.integers(1, sizes.topics, size=shape)
    topics = np.where(noisy, (item_topics[:, None] + shift) % sizes.topics, item_topics[:, None])
    index = topics + sizes.topics * rng.integers(sizes.entities_per_topic, size=shape)
    entities = index + relations * _entities_per_relation(sizes)
    items = np.broadcast_to(np.arange(sizes.items)[:, None], shape)
    triples = sorted_unique(np.stack([items, relations, entities], axis=-1).reshape(-1, 3))
    relevant = triples[:, 2] % sizes.topics == item_topics[triples[:, 0]]
    return triples, relevant
