"""A KDiffE without a knowledge graph, to the end of a run."""

import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import read_model
from kdiffe_jax.training.fit import fit
from kdiffe_jax.training.resources import Resources
from tests.small_setups import planted

SMALL = dict(
    epochs=2, patience=2, batch_size=1024, dim=8, denoiser_width=8, walks_per_node=2, walk_length=5
)


@pytest.mark.parametrize("main_graph", ["given", "weighted", "rebuilt"])
def test_a_run_is_kept_and_read(tmp_path, main_graph):
    config = make_config(SMALL | {"kg_source": "none", "main_graph": main_graph})
    resources = Resources(tmp_path / "cache", baselines=BaselineSettings("none"))
    with RunDirectory(tmp_path / "run").claim(config.to_flat()) as run:
        fit(planted(), config, run, resources)
    saved = read_model(tmp_path / "run")
    assert len(saved.triples) == 0
    assert {len(saved.artifacts[name]) for name in ("denoised", "attention", "kept")} == {0}
