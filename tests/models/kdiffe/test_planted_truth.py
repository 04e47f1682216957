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
    perfect = relevant.astype(np.float32)
    assert within_item_auc(perfect, triples, relevant) == 1.0
    assert kept_relevant_share(perfect, triples, relevant, 1) == 1.0
    assert within_item_auc(-perfect, triples, relevant) == 0.0
    assert within_item_auc(0 * perfect, triples, relevant) == 0.5
    assert within_item_auc(perfect, triples, ~relevant) == 0.0


def test_there_is_no_auc_where_no_item_has_both_kinds(dataset):
    model = small_problem(CACHE, dataset, **TRAINED).model
    truth = dataset.triples[:, 0] % 2 == 0
    assert truth.any() and not truth.all()
    assert model.found_truth(None, None, None, None, dataset.triples, truth) == {}


def test_auc_and_share_are_what_counting_pairs_gives(rng):
    """Scores with ties; some items have one kind of triples alone."""
    items = np.sort(rng.integers(0, 12, 80))
    triples = np.stack([items, np.zeros(80, int), np.arange(80)], axis=1)
    truth, scores = rng.random(80) < 0.3, rng.integers(0, 4, 80).astype(np.float32)
    means, kept = [], []
    for item in range(12):
        mine, own = scores[items == item], truth[items == item]
        kept.extend(own[np.argsort(-mine, kind="stable")[:2]])
        wins = [(a > b) + 0.5 * (a == b) for a in mine[own] for b in mine[~own]]
        means.extend([np.mean(wins)] if wins else [])
    assert 2 < len(means) < 12
    assert within_item_auc(scores, triples, truth) == pytest.approx(np.mean(means), rel=1e-12)
    assert kept_relevant_share(scores, triples, truth, 2) == np.mean(kept)
