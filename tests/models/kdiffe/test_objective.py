"""The terms of eq. 14, what their gradients reach, and the graph that is rebuilt for them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.training.loop import one_epoch
from kdiffe_jax.training.step import train_step, weighted_sum
from tests.small_model import small_problem
from tests.small_setups import (
    CACHE,
    assert_close,
    batches_of,
    compiled_of,
    planted,
    small_setup,
    started,
)


class Case:
    """One setup, one batch, and what a step reads."""

    def __init__(self, **changes):
        self.setup = small_setup(**changes)
        self.model, self.inputs = self.setup.model, self.setup.inputs
        self.state, self.carry = started(self.setup)
        self.aux = jax.jit(self.model.open)(self.inputs, self.carry, jax.random.key(1))
        self.batch = jax.tree.map(lambda array: array[0], batches_of(self.setup))
        self.traced = self.setup.traced()

    def losses(self, params, traced):
        arguments = (self.batch, self.inputs, self.aux, traced, jax.random.key(0))
        return self.model.losses("loss", params, *arguments)

    def gradient(self, of, **changes):
        """Of a function of the terms by name."""
        function = jax.jit(jax.grad(lambda params, traced: of(self.losses(params, traced))))
        traced = self.traced | {name: jnp.float32(value) for name, value in changes.items()}
        return function(self.state.params, traced)


@pytest.fixture(scope="module")
def case():
    return Case()


@pytest.fixture(scope="module")
def step(case):
    """(state, traced) -> the next state, and the terms of the step."""

    @jax.jit
    def taken(state, traced):
        return train_step(case.model, state, case.batch, case.inputs, case.aux, traced)

    return taken


def test_loss_is_the_weighted_sum_of_eq_14_and_the_elbo(case, step):
    weights = {"theta_1": jnp.float32(0.3), "theta_2": jnp.float32(0.02)}
    _, terms = step(case.state, case.traced | weights)
    means = {name: float(term.mean) for name, term in terms.items()}
    expected = (
        means["bpr"]
        + 0.3 * (means["info_nce_users"] + means["info_nce_items"])
        + 0.02 * means["squared_norm"]
        + means["elbo"]
    )
    np.testing.assert_allclose(means["loss"], expected, rtol=1e-5)


def test_the_norm_per_node_is_the_norm_over_users_and_items(case):
    """So that one theta_2 is as strong on large data as on small."""
    shared = Case(norm_scale="per_node")
    own, per_node = (
        c.losses(c.state.params, c.traced)["squared_norm"].term.mean for c in (case, shared)
    )
    sizes = case.model.sizes
    np.testing.assert_allclose(per_node * (sizes.n_users + sizes.n_items), own, rtol=1e-6)


def test_a_step_goes_down_changes_every_parameter_and_draws_noise_of_its_own(case, step):
    after, first = step(case.state, case.traced)
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), after.params, case.state.params)
    assert all(jax.tree.leaves(moved))
    _, lower = step(after._replace(step=case.state.step), case.traced)
    assert all(lower[name].total < first[name].total for name in ("bpr", "elbo", "info_nce_users"))
    _, later = step(case.state._replace(step=case.state.step + 1), case.traced)
    assert later["bpr"].total == first["bpr"].total
    assert later["elbo"].total != first["elbo"].total


@pytest.mark.parametrize("gradient", (False, True))
def test_guidance_is_cut_from_the_elbo_by_default(gradient):
    """Eq. 11: the ELBO moves the denoiser only, unless asked."""
    case = Case(guidance_gradient=gradient)
    of_elbo = case.gradient(lambda terms: terms["elbo"].term.mean)
    users = np.asarray(of_elbo["encoder"]["user_embedding"])
    assert bool(np.abs(users).max() > 0) is gradient
    assert np.abs(of_elbo["denoiser"]["from_row"]["kernel"]).max() > 0


def test_theta_1_zero_is_no_contrast(case):
    without = Case(theta_1=0.0)
    assert "info_nce_users" not in jax.eval_shape(
        lambda p: without.losses(p, without.traced), without.state.params
    )
    found, expected = without.gradient(weighted_sum), case.gradient(weighted_sum, theta_1=0.0)
    assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("start", "rebuild_from"), [("noise", "own"), ("x_start", "own"), ("diffused", "all")]
)
def test_rebuild_keeps_relations_of_the_item(start, rebuild_from):
    setup = small_setup(reverse_start=start, rebuild_from=rebuild_from, top_q=2)
    kept = jax.device_get(started(setup).carry.kept)
    assert kept.entities.shape == (planted().n_items, 2)
    own = {(item, entity) for item, _, entity in planted().triples.tolist()}
    inside = [
        (item, entity) in own
        for item in range(planted().n_items)
        for entity, score in zip(kept.entities[item], kept.scores[item], strict=True)
        if np.isfinite(score)
    ]
    assert all(inside) if rebuild_from == "own" else not all(inside)


def test_without_a_knowledge_graph_it_trains():
    bare = dict(triples=planted().triples[:0], relevant=None, n_entities=0)
    bare |= dict(relation_names=(), entity_names=())
    setup = small_problem(CACHE, dataclasses.replace(planted(), **bare))
    _, record = one_epoch(setup, compiled_of(setup), started(setup), epoch=0)
    assert np.isfinite(record["loss"])
