"""A step of any model, and the steps of an epoch."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.config import EmbeddingConfig, RankingConfig
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.base import Model, Objective, Sizes, View, Weighted
from kdiffe_jax.models.terms import scalar_term
from kdiffe_jax.options import Checked
from kdiffe_jax.training.epoch import Layout, ranking_view, run_epoch
from kdiffe_jax.training.step import initial_state, train_step, weighted_sum
from tests.small_setups import assert_close, batches_of, compiled_of, small_setup, started

RATE = 0.1


@dataclasses.dataclass(frozen=True)
class Pulled(Model):
    """Rows that are pushed down and then pulled to zero, by two optimisers."""

    Options = Checked
    objectives = (Objective("push"), Objective("pull", rate=0.5))

    def init(self, key, inputs):
        return {"users": jnp.array([[1.0], [0.05]]), "items": jnp.ones((1, 1))}

    def open(self, inputs, carry, key):
        return jax.random.uniform(key)

    def losses(self, objective, params, batch, inputs, aux, traced, key):
        users = params["users"]
        loss = users.sum() if objective == "push" else 2.0 * jnp.square(users).sum()
        terms = {"rows" if objective == "push" else "squares": scalar_term(loss)}
        drawn = {f"key of {objective}": scalar_term(jax.random.uniform(key))}
        weighted = {name: Weighted(term) for name, term in terms.items()}
        nothing = {name: Weighted(term, 0.0) for name, term in drawn.items()}
        return weighted | nothing | {"opened": Weighted(scalar_term(aux), 0.0)}

    def view(self, params, inputs, carry):
        return View(params["users"], params["items"])


@pytest.fixture(scope="module")
def pulled():
    return Pulled(Checked(), EmbeddingConfig(), RankingConfig(), Sizes(2, 1))


@pytest.fixture(scope="module")
def batches():
    return batches_of(small_setup("lightgcn"))


def test_objectives_are_taken_in_turn_each_with_its_rate_and_optimiser(pulled, batches):
    state = initial_state(pulled, None, 0)
    batch = jax.tree.map(lambda array: array[0], batches)
    rest = (batch, None, jnp.float32(0.0), {"learning_rate": jnp.float32(RATE)})
    after, terms = jax.jit(partial(train_step, pulled))(state, *rest)
    # Adam's first step is as long as its rate: down by 0.1, then 0.05 towards zero.
    np.testing.assert_allclose(after.params["users"], [[0.85], [0.0]], atol=1e-6)
    assert len(after.opt_states) == 2 and int(after.step) == 1
    assert {"push", "pull", "rows", "squares"} <= terms.keys()
    pushed = 2.0 * (0.9**2 + 0.05**2)
    assert float(terms["push"].mean) == pytest.approx(1.05)
    assert float(terms["pull"].mean) == pytest.approx(pushed, rel=1e-4)
    assert float(terms["squares"].mean) == float(terms["pull"].mean)
    assert terms["key of push"].total != terms["key of pull"].total


def test_what_an_epoch_opens_is_of_all_its_steps_and_no_other(pulled, batches):
    state, opened = initial_state(pulled, None, 0), []
    epoch = jax.jit(partial(run_epoch, pulled, Layout(), False))
    for _ in range(2):
        state, terms = epoch(state, batches, None, (), {"learning_rate": jnp.float32(RATE)})
        (drawn,) = set(terms["opened"].total.tolist())
        opened.append(drawn)
        assert len(set(terms["key of push"].total.tolist())) == len(batches.users)
    assert opened[0] != opened[1]


def test_weighted_sum_is_of_the_means():
    terms = {
        "one": Weighted(scalar_term(jnp.float32(3.0))),
        "two": Weighted(scalar_term(jnp.float32(5.0)), 0.1),
        "three": Weighted(scalar_term(jnp.float32(7.0))._replace(count=jnp.float32(2.0)), 10.0),
    }
    assert float(weighted_sum(terms)) == pytest.approx(3.0 + 0.5 + 35.0)


def test_an_epoch_is_its_steps_one_by_one_and_takes_the_state_over():
    setup = small_setup("lightgcn")
    (state, carry), batches = started(setup), batches_of(setup)
    traced, inputs = setup.traced(), setup.inputs
    step, alone = jax.jit(partial(train_step, setup.model)), state
    for i in range(len(batches.users)):
        batch = jax.tree.map(lambda array, i=i: array[i], batches)
        alone, _ = step(alone, batch, inputs, carry, traced)
    scanned, terms = compiled_of(setup).epoch(state, batches, inputs, carry, traced)
    assert_close(scanned.params, alone.params, rtol=2e-3, atol=2e-5)
    assert terms["bpr"].total.shape == (len(batches.users),)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(state.params))


def test_a_view_of_other_rows_than_there_are_is_refused(pulled):
    users, items = jnp.ones((2, 3)), jnp.ones((1, 3))
    inputs = small_setup("lightgcn").inputs
    wrong = {
        r"users of shape \(1, 3\)": View(users[1:], items),
        r"items of \(1, 2\)": View(users, items[:, 1:]),
        r"items of \(1,\)": View(users, items[:, 0]),
    }
    for said, view in wrong.items():
        given = dataclasses.replace(pulled)
        object.__setattr__(given, "view", lambda *_, view=view: view)
        with pytest.raises(ConfigError, match=f"^Pulled: view gives .*{said}"):
            ranking_view(given, {}, inputs, ())


def test_what_no_step_could_train_is_refused(pulled, batches):
    counted = dataclasses.replace(pulled)
    object.__setattr__(counted, "init", lambda *_: {"seen": {"by": jnp.zeros(3, jnp.int32)}})
    with pytest.raises(ConfigError, match="^Pulled: init makes seen/by of int32"):
        initial_state(counted, None, 0)
    silent = dataclasses.replace(pulled)
    object.__setattr__(silent, "losses", lambda *_: {})
    batch = jax.tree.map(lambda array: array[0], batches)
    with pytest.raises(ConfigError, match="^Pulled: losses gives no term of 'push'"):
        train_step(silent, initial_state(silent, None, 0), batch, None, (), {"learning_rate": RATE})
