"""Random data with the sizes of known data sets, so that no file is needed."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.models import arrays
from kdiffe_jax.models.base import Model
from kdiffe_jax.models.registry import build_model, make_config

_POPULARITY = 0.8  # an item's interactions fall as its rank to this power


class Sizes(NamedTuple):
    """Users, items, entities, training interactions, held-out ones a split, triples an item."""

    name: str
    users: int
    items: int
    entities: int
    train: int
    held_out: int
    triples_per_item: int
    relations: int = 2


SIZES = {
    size.name: size
    for size in (
        Sizes("small", 60, 40, 12, 400, 40, 3),
        Sizes("tiktok", 9308, 6710, 512, 59541, 6000, 8),
        Sizes("sports", 35598, 18357, 3000, 218409, 37000, 8),
        Sizes("million", 1_000_000, 1_000_000, 3000, 20_000_000, 1_000_000, 8),
    )
}


def random_pairs(users: int, items: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """int32[count, 2] distinct (user, item) in random order; popularity is a power law."""
    chance = np.cumsum(np.arange(1, items + 1) ** -_POPULARITY)
    of_rank = rng.permutation(items)
    codes = np.empty(0, np.int64)
    while len(codes) < count:
        wanted = 2 * (count - len(codes)) + 100
        drawn = of_rank[np.searchsorted(chance, rng.random(wanted) * chance[-1])]
        more = rng.integers(0, users, wanted) * items + drawn
        codes = np.unique(np.concatenate([codes, more]))
    codes = rng.permutation(codes)[:count]
    return np.stack([codes // items, codes % items], axis=1).astype(np.int32)


def random_triples(sizes: Sizes, rng: np.random.Generator) -> np.ndarray:
    """int32[J * k, 3]: k distinct entities an item, each of one relation, sorted."""
    per_item = sizes.triples_per_item
    first = rng.integers(0, sizes.entities, (sizes.items, 1))
    apart = sizes.entities // per_item
    steps = np.arange(per_item) * apart + rng.integers(0, apart, (sizes.items, per_item))
    entities = (first + steps) % sizes.entities
    relations = entities * sizes.relations // sizes.entities
    items = np.broadcast_to(np.arange(sizes.items)[:, None], entities.shape)
    rows = np.stack([items, relations, entities], axis=-1).reshape(-1, 3)
    return _sorted(rows.astype(np.int32))


@cache
def random_dataset(sizes: Sizes, *, seed: int = 0) -> Dataset:
    """A `Dataset` of the given sizes, equal for equal arguments."""
    rng = np.random.default_rng([seed, sizes.users, sizes.items])
    pairs = random_pairs(sizes.users, sizes.items, sizes.train + 2 * sizes.held_out, rng)
    train, valid, test = np.split(pairs, [sizes.train, sizes.train + sizes.held_out])
    return Dataset(
        name=f"random-{sizes.name}",
        n_users=sizes.users,
        n_items=sizes.items,
        n_entities=sizes.entities,
        train=_sorted(train),
        valid=_sorted(valid),
        test=_sorted(test),
        triples=random_triples(sizes, rng),
        relation_names=tuple(f"relation {r}" for r in range(sizes.relations)),
    )


def _sorted(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T[::-1])]


def default_model(sizes: Sizes) -> Model:
    """KDiffE of the default configuration at these sizes."""
    of_data = arrays.Sizes(sizes.users, sizes.items, sizes.entities, sizes.relations)
    return build_model(make_config(), of_data)
