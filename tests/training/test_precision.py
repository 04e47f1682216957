"""The options of precision in a run: what they change, and what they must not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.evaluation.top_k_lists import lists_by_embeddings
from kdiffe_jax.models.base import View
from kdiffe_jax.training.result import eval_data_of
from tests.small_setups import after_epochs, silent, small_setup


def test_a_denoiser_in_bfloat16_keeps_float32_state_and_comes_close():
    losses = {}
    for precision in ("float32", "bfloat16"):
        setup = small_setup(denoiser_precision=precision, theta_1=0.0)
        state, (terms,) = after_epochs(setup, 1)
        assert {leaf.dtype for leaf in jax.tree.leaves(state.params)} == {jnp.dtype("float32")}
        losses[precision] = terms["elbo"].total
    np.testing.assert_allclose(losses["bfloat16"], losses["float32"], rtol=0.02)
    assert (losses["bfloat16"] != losses["float32"]).all()


def test_baselines_are_ranked_in_float32_always():
    """1000 interactions and 1001 are one number in bfloat16, and two for a baseline."""
    setup = small_setup("lightgcn", eval_precision="bfloat16")
    eval_data = eval_data_of(setup)
    counts = jnp.asarray(1000.0 + np.arange(eval_data.n_items), jnp.float32)[:, None]
    view = View(jnp.ones((eval_data.n_users, 1)), counts)
    exact = lists_by_embeddings(*view, block=8)(setup.test, k=eval_data.n_items)
    rounded = lists_by_embeddings(*(t.astype("bfloat16") for t in view), block=8)
    assert (np.asarray(rounded(setup.test, k=eval_data.n_items)) != np.asarray(exact)).any()
    settings = BaselineSettings(baselines="most_popular")
    popular = [
        score_baselines(eval_data_of(s), settings, cache_dir=None, log=silent)["most_popular"]
        for s in (setup, small_setup("lightgcn"))
    ]
    assert popular[0]["test"] == pytest.approx(popular[1]["test"], abs=0)
