"""The whole program on data whose truth is known."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.config import Config
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.models.kdiffe.planted_truth import within_item_auc
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.loop import train
from kdiffe_jax.training.result import finish
from kdiffe_jax.training.setup import build_setup

SIZES = PlantedSizes(users=600, items=400, topics=8)


def result_of(tmp_path, name, **changes):
    settings = dict(batch_size=256, dim=32, epochs=25, patience=25, denoiser_width=256)
    config = Config.from_flat(settings | changes)
    setup = build_setup(
        planted_dataset(SIZES), config, cache_dir=tmp_path / "cache", log=lambda line: None
    )
    with RunDirectory(tmp_path / name).claim({}) as run:
        trained = train(setup, run, on_epoch=lambda record: None, log=lambda line: None)
        return finish(setup, trained, run)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("planted")
    return {
        "guided": result_of(path, "guided"),
        "unguided": result_of(path, "unguided", guidance=False),
    }


def test_recall_is_far_above_most_popular(results):
    guided = results["guided"]
    popular = guided["baselines"]["most_popular"]["test"]["recall@20"]
    assert guided["test"]["recall@20"] > 1.5 * popular


def test_guided_denoiser_ranks_relevant_over_irrelevant(results):
    assert results["guided"]["planted"]["relation_auc"] > 0.58


def test_guidance_is_what_does_it(results):
    """From pure noise, only the users can tell which relations matter."""
    guided, unguided = (results[n]["planted"]["relation_auc"] for n in ("guided", "unguided"))
    assert guided > unguided + 0.04


def test_auc_of_perfect_reversed_and_constant_scores():
    dataset = planted_dataset(SIZES)
    items = dataset.triples[:, 0]
    position = np.arange(len(items)) - np.searchsorted(items, items)
    truth = np.full((dataset.n_items, position.max() + 1), -np.inf)
    truth[items, position] = dataset.relevant
    assert within_item_auc(truth, dataset) == 1.0
    assert within_item_auc(np.where(np.isfinite(truth), -truth, -np.inf), dataset) == 0.0
    flat = np.where(np.isfinite(truth), 0.0, -np.inf)
    assert within_item_auc(flat, dataset) == 0.5
    relabelled = dataclasses.replace(dataset, relevant=~dataset.relevant)
    assert within_item_auc(np.asarray(jnp.asarray(truth)), relabelled) == 0.0
