"""Numbering by neighbourhood: the same data under other numbers, neighbours nearer each other."""

import numpy as np

from kdiffe_jax.data.catalogue import catalogue_of
from kdiffe_jax.data.numbering import by_neighbourhood
from kdiffe_jax.data.prepare import prepare
from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset


def in_words(dataset):
    users, items = dataset.users_by_name(), dataset.items_by_name()
    names = dataset.relation_names, dataset.entities_by_name()
    splits = [
        {(users[u], items[i]) for u, i in getattr(dataset, split).tolist()}
        for split in ("train", "valid", "test")
    ]
    triples = {(items[i], names[0][r], names[1][e]) for i, r, e in dataset.triples.tolist()}
    features = {
        items[i]: row.tolist() for rows in dataset.features.values() for i, row in enumerate(rows)
    }
    return splits, triples, features, dict(zip(items, dataset.item_names or items, strict=True))


def test_everything_but_the_numbers_stays():
    planted = planted_dataset(PlantedSizes(users=60, items=40, topics=4), seed=3)
    source = catalogue_of(planted).extended(
        features={"image": np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)},
        item_names=tuple(f"thing {i}" for i in range(40)),
    )
    given, near = (
        prepare(source, PrepareConfig.from_flat({"numbering": numbering, "kg_source": "triples"}))
        for numbering in ("source", "neighbourhood")
    )
    assert in_words(near) == in_words(given)
    assert near.item_ids != given.item_ids and near.user_ids != given.user_ids


def test_neighbours_stand_nearer_each_other():
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(300), 6)
    items = (users + rng.integers(0, 8, len(users))) % 300
    drawn = rng.permutation(300)
    mixed = drawn[items]
    order = by_neighbourhood(users, mixed, 300, 300)
    of_users, of_items = (np.argsort(nodes) for nodes in order)
    apart = np.abs(of_users[users] - of_items[mixed])
    assert np.median(apart) < np.median(np.abs(users - mixed)) / 5
    assert all(sorted(nodes.tolist()) == list(range(300)) for nodes in order)


def test_what_has_no_interactions_has_a_number_too():
    users, items = by_neighbourhood(np.array([3, 3]), np.array([0, 2]), 5, 4)
    assert sorted(users.tolist()) == [0, 1, 2, 3, 4] and sorted(items.tolist()) == [0, 1, 2, 3]
