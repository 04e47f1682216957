"""The planted data set keeps its promises."""

import re

import numpy as np
import pytest

from kdiffe_jax.data.dataset import SPLITS
from kdiffe_jax.data.synthetic import RELATIONS, PlantedSizes, planted_dataset
from kdiffe_jax.errors import ConfigError

SIZES = PlantedSizes(users=300, items=120, topics=6, entities_per_topic=5, triples_per_item=6)


@pytest.fixture(scope="module")
def planted():
    return planted_dataset(SIZES, seed=4)


def entity_topics(dataset):
    return np.array([int(re.search(r"topic (\d+)", n)[1]) for n in dataset.entity_names])


def item_topics(dataset):
    """Topics of items that have a relevant triple, -1 elsewhere."""
    topics = np.full(dataset.n_items, -1)
    relevant = dataset.triples[dataset.relevant]
    topics[relevant[:, 0]] = entity_topics(dataset)[relevant[:, 2]]
    return topics


def test_equal_for_equal_arguments(planted):
    again = planted_dataset(SIZES, seed=4)
    assert again.fingerprint() == planted.fingerprint()
    np.testing.assert_array_equal(again.relevant, planted.relevant)


def test_different_for_different_seeds(planted):
    other = planted_dataset(SIZES, seed=5)
    assert other.fingerprint() != planted.fingerprint()
    assert not np.array_equal(other.train, planted.train)
    assert not np.array_equal(other.triples, planted.triples)


def test_sizes_are_obeyed(planted):
    assert (planted.n_users, planted.n_items) == (300, 120)
    assert planted.n_entities == len(planted.entity_names) == len(RELATIONS) * 6 * 5
    assert planted.relation_names == RELATIONS
    assert sum(len(getattr(planted, split)) for split in SPLITS) == 300 * 14
    per_item = np.bincount(planted.triples[:, 0], minlength=120)
    assert per_item.max() <= 6 and per_item.min() >= 1
    assert len(set(planted.entity_names)) == planted.n_entities


@pytest.mark.parametrize("interactions", (3, 9, 10, 25))
def test_every_user_is_in_every_split(interactions):
    sizes = PlantedSizes(users=50, items=60, topics=3, interactions_per_user=interactions)
    dataset = planted_dataset(sizes)
    held = max(1, interactions // 10)
    wanted = {"train": interactions - 2 * held, "valid": held, "test": held}
    for split, count in wanted.items():
        assert np.bincount(getattr(dataset, split)[:, 0]).tolist() == [count] * 50


def test_splits_are_disjoint(planted):
    codes = [planted.pair_codes(getattr(planted, split)) for split in SPLITS]
    assert len(np.unique(np.concatenate(codes))) == 300 * 14


@pytest.mark.parametrize("share", (0.0, 0.25, 0.6))
def test_share_of_irrelevant_triples(share):
    sizes = PlantedSizes(users=10, items=400, topics=8, noise_share=share, triples_per_item=10)
    irrelevant = 1 - planted_dataset(sizes, seed=1).relevant.mean()
    assert irrelevant == pytest.approx(share, abs=0.06)
    assert share > 0 or irrelevant == 0


def test_relevance_is_equality_of_topics(planted):
    topics, of_entity = item_topics(planted), entity_topics(planted)
    assert (topics >= 0).mean() > 0.9
    known = topics[planted.triples[:, 0]] >= 0
    equal = topics[planted.triples[:, 0]] == of_entity[planted.triples[:, 2]]
    np.testing.assert_array_equal(equal[known], planted.relevant[known])


def test_entities_belong_to_their_relation(planted):
    relation_of_name = [planted.entity_names[e].rsplit(" ", 3)[0] for e in planted.triples[:, 2]]
    assert relation_of_name == [RELATIONS[r] for r in planted.triples[:, 1]]


def mean_share_of_two_topics(dataset):
    topics = item_topics(dataset)
    pairs = np.concatenate([getattr(dataset, split) for split in SPLITS])
    pairs = pairs[topics[pairs[:, 1]] >= 0]
    counts = np.zeros((dataset.n_users, topics.max() + 1))
    np.add.at(counts, (pairs[:, 0], topics[pairs[:, 1]]), 1)
    return (np.sort(counts, axis=1)[:, -2:].sum(axis=1) / counts.sum(axis=1)).mean()


def test_users_keep_to_two_topics():
    sizes = {"users": 200, "items": 480, "topics": 12}
    strong = mean_share_of_two_topics(planted_dataset(PlantedSizes(**sizes, taste=0.9)))
    none = mean_share_of_two_topics(planted_dataset(PlantedSizes(**sizes, taste=0.0)))
    assert strong > 0.7
    assert none < strong - 0.2


def test_one_user_and_the_fewest_items():
    dataset = planted_dataset(PlantedSizes(users=1, items=8, topics=2, interactions_per_user=4))
    assert dataset.statistics()["users"] == 1 and len(dataset.train) == 2


@pytest.mark.parametrize(
    "sizes",
    [
        {"users": 0},
        {"items": 0},
        {"triples_per_item": 0},
        {"entities_per_topic": 0},
        {"topics": 1},
        {"topics": 12, "items": 47},
        {"interactions_per_user": 2},
        {"items": 48, "interactions_per_user": 25},
        {"taste": 1.01},
        {"taste": -0.1},
        {"taste": float("nan")},
        {"noise_share": 1.0},
        {"noise_share": -0.1},
        {"noise_share": float("nan")},
    ],
    ids=str,
)
def test_bad_sizes_are_refused(sizes):
    with pytest.raises(ConfigError, match="^planted data: "):
        PlantedSizes(**sizes)
