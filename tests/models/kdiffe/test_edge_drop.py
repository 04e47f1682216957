"""The second view that drops edges in place of the rebuilt knowledge graph."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kdiffe_jax.training.state import initial_state

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.training.epoch import compile_parts, traced_of


def two_epochs(setup):
    """The terms of two epochs, and how often the epoch was compiled."""
    compiled = compile_parts(setup.parts)
    state = initial_state(setup.parts, setup.graphs)
    kept = compiled.rebuild(state.params, setup.graphs, state.key, jnp.int32(0))
    found = []
    for epoch in range(2):
        batches = Batch(*(jnp.asarray(a) for a in setup.sampler.epoch(epoch)))
        arguments = (batches, setup.graphs, kept, traced_of(setup.parts))
        state, terms = compiled.epoch(state, *arguments)
        found.append(jax.device_get(terms))
    return found, compiled.epoch._cache_size()


def test_it_changes_the_contrast_only_and_compiles_once(make_problem):
    dropped, compilations = two_epochs(make_problem(contrast="edge_drop", theta_1=1e-6))
    plain, _ = two_epochs(make_problem(theta_1=1e-6))
    assert compilations == 1
    np.testing.assert_allclose(dropped[0]["bpr"].total, plain[0]["bpr"].total, rtol=1e-3)
    assert abs(dropped[0]["info_nce_users"].total - plain[0]["info_nce_users"].total).max() > 1e-3


def test_nothing_dropped_is_a_view_like_the_first(make_problem):
    none, _ = two_epochs(make_problem(contrast="edge_drop", edge_drop=0.0))
    some, _ = two_epochs(make_problem(contrast="edge_drop", edge_drop=0.5))
    assert none[0]["info_nce_users"].total.sum() < some[0]["info_nce_users"].total.sum()


def test_the_run_key_draws_the_edges(make_problem):
    setup = make_problem(contrast="edge_drop", edge_drop=0.5)
    first, again = two_epochs(setup)[0], two_epochs(setup)[0]
    np.testing.assert_array_equal(first[1]["loss"].total, again[1]["loss"].total)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        (dict(contrast="edge_drop", degree_from="weighted"), "edge_drop"),
        (dict(selection="test", score_test=False), "score_test"),
    ],
)
def test_contradictions_are_refused(make_problem, changes, word):
    with pytest.raises(ConfigError, match=word):
        make_problem(**changes)
