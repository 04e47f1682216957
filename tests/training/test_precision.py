"""The options of precision in a run: what they change, and what they must not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.model.encoder import View
from kdiffe_jax.training import result
from kdiffe_jax.training.loop import score_users, train
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


def counts_apart_by_less_than_bfloat16_can_tell(dataset):
    counts = 1000.0 + np.arange(dataset.n_items, dtype=np.float32)
    return View(jnp.ones((dataset.n_users, 1)), jnp.asarray(counts)[:, None])


def test_the_baseline_is_ranked_in_float32_always(make_problem, monkeypatch):
    problem = make_problem(eval_precision="bfloat16")
    view = counts_apart_by_less_than_bfloat16_can_tell(problem.dataset)
    monkeypatch.setattr(result, "most_popular_view", lambda train, n_users, n_items: view)
    found = result._most_popular(problem)
    assert found == result._most_popular(make_problem())
    rounded = score_users(problem, view, problem.test)
    assert rounded["mrr@50"].mean() != found["test"]["mrr@50"]
