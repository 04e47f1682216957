"""The ridge regression that a denoiser is measured by."""

import dataclasses

import numpy as np
import pytest

from benchmarks.planted_ridge import kept_by_ridge, ridge_auc, ridge_values
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset


@pytest.fixture(scope="module")
def dataset():
    return planted_dataset(PlantedSizes(users=400, items=200, topics=4))


def test_it_tells_relevant_triples_from_others_by_interactions_and_nothing_else(dataset, rng):
    assert 0.75 < ridge_auc(dataset) < 1.0
    users, items = dataset.train.T
    others = rng.permutation(dataset.n_items)[items]
    pairs, none = sorted_unique(np.stack([users, others], axis=1)), dataset.valid[:0]
    shuffled = dataclasses.replace(dataset, train=pairs, valid=none, test=none)
    assert abs(ridge_auc(shuffled) - 0.5) < 0.05


def test_a_share_of_each_items_triples_is_kept_the_best_of_them(dataset):
    weights, values = kept_by_ridge(dataset, 0.5), ridge_values(dataset)
    items = dataset.triples[:, 0]
    counts = np.bincount(items)
    kept = np.bincount(items, weights == 1.0)
    np.testing.assert_array_equal(kept, np.maximum(1, np.round(0.5 * counts)))
    for item in range(0, dataset.n_items, 20):
        of_item = items == item
        best, rest = values[of_item & (weights == 1.0)], values[of_item & (weights < 1.0)]
        assert best.min() >= rest.max(initial=-np.inf)
