"""What the denoiser finds of a truth that is known."""

import numpy as np
import pytest

from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.models.kdiffe.planted_truth import kept_relevant_share, within_item_auc
from kdiffe_jax.models.kdiffe.presets import DENOISER
from kdiffe_jax.training.epoch import truth_key
from tests.small_model import small_problem
from tests.small_setups import CACHE, after_epochs

SIZES = PlantedSizes(users=300, items=200, topics=6)
TRAINED = DENOISER | dict(batch_size=256, dim=16, learning_rate=5e-3, theta_1=0.0)


@pytest.fixture(scope="module")
def dataset():
    return planted_dataset(SIZES)


@pytest.fixture(scope="module")
def found(dataset):
    """What is found with the guidance of users and without, after 20 epochs."""

    def of(**changes):
        setup = small_problem(CACHE, dataset, **TRAINED, **changes)
        state, _ = after_epochs(setup, 20)
        carry = setup.model.first_carry(setup.inputs)
        rest = carry, truth_key(state.key), dataset.triples, dataset.relevant
        return setup.model.found_truth(state.params, setup.inputs, *rest)

    return {"guided": of(), "unguided": of(guidance=False)}


def test_guided_denoiser_ranks_relevant_over_irrelevant(found):
    guided = found["guided"]
    assert guided["relation_auc"] > 0.75
    assert guided["kept_relevant_share"] > guided["relevant_share"] + 0.1


def test_guidance_is_what_does_it(found):
    """From pure noise, only the users can tell which relations matter."""
    assert abs(found["unguided"]["relation_auc"] - 0.5) < 0.08


def test_figures_of_perfect_reversed_and_constant_scores(dataset):
    triples, relevant = dataset.triples, dataset.relevant
    items = triples[:, 0]
    position = np.arange(len(items)) - np.searchsorted(items, items)
    perfect = np.full((dataset.n_items, position.max() + 1), -np.inf)
    perfect[items, position] = relevant
    assert within_item_auc(perfect, triples, relevant) == 1.0
    assert kept_relevant_share(perfect, triples, relevant, 1) == 1.0
    reverse = np.where(np.isfinite(perfect), -perfect, -np.inf)
    assert within_item_auc(reverse, triples, relevant) == 0.0
    flat = np.where(np.isfinite(perfect), 0.0, -np.inf)
    assert within_item_auc(flat, triples, relevant) == 0.5
    assert within_item_auc(perfect, triples, ~relevant) == 0.0


def test_there_is_no_auc_where_no_item_has_both_kinds(dataset):
    model = small_problem(CACHE, dataset, **TRAINED).model
    truth = dataset.triples[:, 0] % 2 == 0
    assert truth.any() and not truth.all()
    assert model.found_truth(None, None, None, None, dataset.triples, truth) == {}
