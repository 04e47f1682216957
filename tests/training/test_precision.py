"""The options of precision in a run: what they change, and what they must not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.evaluation.top_k_lists import lists_by_embeddings
from kdiffe_jax.models.arrays import View
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.loop import train
from kdiffe_jax.training.result import eval_data_of


def silent(_):
    return None


def test_a_training_in_bfloat16_keeps_float32_state_and_comes_close(make_problem, tmp_path):
    losses = {}
    for precision in ("float32", "bfloat16"):
        setup = make_problem(denoiser_precision=precision, eval_precision=precision, epochs=1)
        with RunDirectory(tmp_path / precision).claim({}) as run:
            trained = train(setup, run, on_epoch=silent, log=silent)
        kinds = {leaf.dtype for leaf in jax.tree.leaves((trained.params, trained.view))}
        assert kinds == {jnp.dtype("float32")}
        losses[precision] = np.array([record["elbo"] for record in trained.history])
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
    assert (losses["bfloat16"] != losses["float32"]).all()


def test_baselines_are_ranked_in_float32_always(make_problem):
    """1000 interactions and 1001 are one number in bfloat16, and two for a baseline."""
    setup = make_problem(eval_precision="bfloat16")
    eval_data = eval_data_of(setup)
    counts = jnp.asarray(1000.0 + np.arange(eval_data.n_items), jnp.float32)[:, None]
    view = View(jnp.ones((eval_data.n_users, 1)), counts)
    exact = lists_by_embeddings(*view, block=8)(setup.test, k=eval_data.n_items)
    rounded = lists_by_embeddings(*(t.astype("bfloat16") for t in view), block=8)
    assert (np.asarray(rounded(setup.test, k=eval_data.n_items)) != np.asarray(exact)).any()
    settings = BaselineSettings(baselines="most_popular")
    scores = [
        score_baselines(eval_data_of(p), settings, cache_dir=None, log=silent)["most_popular"]["test"]
        for p in (setup, make_problem())
    ]
    assert scores[0] == scores[1]
