"""The options of precision in a run: what they change, and what they must not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.model.encoder import View
from kdiffe_jax.rankers import embedding_ranker
from kdiffe_jax.training.loop import train
from kdiffe_jax.training.result import bench_of
from kdiffe_jax.training.run_directory import RunDirectory


def silent(_):
    return None


def test_a_training_in_bfloat16_keeps_float32_state_and_comes_close(make_problem, tmp_path):
    losses = {}
    for precision in ("float32", "bfloat16"):
        problem = make_problem(denoiser_precision=precision, eval_precision=precision, epochs=1)
        with RunDirectory(tmp_path / precision).claim({}) as run:
            trained = train(problem, run, on_epoch=silent, say=silent)
        kinds = {leaf.dtype for leaf in jax.tree.leaves((trained.params, trained.view))}
        assert kinds == {jnp.dtype("float32")}
        losses[precision] = np.array([record["elbo"] for record in trained.history])
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
    assert (losses["bfloat16"] != losses["float32"]).all()


def test_baselines_are_ranked_in_float32_always(make_problem):
    """1000 interactions and 1001 are one number in bfloat16, and two for a baseline."""
    problem = make_problem(eval_precision="bfloat16")
    bench = bench_of(problem)
    counts = jnp.asarray(1000.0 + np.arange(bench.n_items), jnp.float32)[:, None]
    view = View(jnp.ones((bench.n_users, 1)), counts)
    exact = embedding_ranker(*view, block=8)(problem.test, k=bench.n_items)
    rounded = embedding_ranker(*(t.astype("bfloat16") for t in view), block=8)
    assert (np.asarray(rounded(problem.test, k=bench.n_items)) != np.asarray(exact)).any()
    settings = BaselineSettings(baselines="most_popular")
    scores = [
        score_baselines(bench_of(p), settings, cache_dir=None, say=silent)["most_popular"]["test"]
        for p in (problem, make_problem())
    ]
    assert scores[0] == scores[1]
