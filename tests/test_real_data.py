"""The reader and a short training on the public TikTok files."""

import numpy as np
import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.data.knowledge import ensure_knowledge, is_degenerate
from kdiffe_jax.data.options import ContentConfig
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.fit import fit
from kdiffe_jax.training.resources import Resources

SMALL = dict(
    dim=32,
    layers=1,
    walks_per_node=2,
    walk_length=10,
    codebook_size=32,
    denoiser_width=32,
    timesteps=3,
    learning_rate=0.01,
    epochs=1,
)
pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def tiktok():
    from tests.conftest import DATA

    return read_dataset(DATA / "tiktok", name="tiktok")


def test_sizes_and_cold_items(tiktok):
    found = tiktok.statistics()
    assert (found["users"], found["items"]) == (9308, 6710)
    assert [found[split] for split in ("train", "valid", "test")] == [59541, 3051, 6130]
    assert found["test_interactions_with_unseen_items"] == 449
    assert found["users_without_training"] == 10


def test_released_graph_is_named_degenerate_and_replaced(tiktok):
    assert is_degenerate(tiktok.triples, tiktok.n_items)
    built = ensure_knowledge(tiktok, ContentConfig(codebook_size=16, codes_per_item=2))
    assert "degenerate" in built.notes[-1]
    assert built.relation_names == ("audio", "image")
    assert np.bincount(built.triples[:, 0]).tolist() == [4] * tiktok.n_items


@pytest.mark.thorough
def test_an_epoch_beats_most_popular_on_validation(tiktok, tmp_path):
    config = make_config(SMALL)
    resources = Resources(tmp_path / "cache", baselines=BaselineSettings("most_popular"))
    with RunDirectory(tmp_path / "run").claim({}) as run:
        result = fit(tiktok, config, run, resources)
    popular = result["baselines"]["most_popular"]
    np.testing.assert_allclose(popular["test"]["recall@20"], 0.0597, atol=5e-4)
    assert result["valid"]["recall@20"] > popular["valid"]["recall@20"]
    assert result["users_scored"] == {"valid": 3051, "test": 6130, "of": 9308}
