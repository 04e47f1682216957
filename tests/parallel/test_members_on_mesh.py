"""What the calls of many members do on a mesh, member by member."""

import jax
import jax.numpy as jnp
import numpy as np
from kdiffe_jax.training.members_on_mesh import members_on_mesh
from kdiffe_jax.training.on_mesh import compile_setup

from kdiffe_jax.parallel.mesh import build_mesh
from kdiffe_jax.training import many_seeds
from kdiffe_jax.training.epoch import traced_of
from tests.small_model import small_problem


def test_a_stopped_member_keeps_what_it_has_and_reports_zeros(tmp_path):
    mesh = build_mesh("data:1", jax.devices()[:1])
    setup = small_problem(tmp_path, mesh=mesh, num_seeds=3)
    single = compile_setup(setup)
    compiled = members_on_mesh(setup, single)
    before, running = many_seeds._fresh(setup, single), jnp.array([True, False, True])
    batches, traced = many_seeds._batches(setup, 0), traced_of(setup.parts)
    state, terms = compiled.train(
        before.state, before.kept, running, batches, setup.graphs, traced
    )
    kept, metrics = compiled.rank(
        state, before.kept, running, setup.graphs, {"valid": setup.valid}, jnp.int32(1)
    )
    best = compiled.keep_best(before.best, state.params, running)
    steps = setup.sampler.steps
    assert state.step.tolist() == [steps, 0, steps]
    changed = [jax.tree.leaves(tree) for tree in (before.best, state.params, best)]
    for old, new, better in zip(*changed, strict=True):
        assert isinstance(new, np.ndarray) and isinstance(better, np.ndarray)
        np.testing.assert_array_equal(old[1], new[1])
        np.testing.assert_array_equal(new, better)
        assert (old[0] != new[0]).any() and (old[2] != new[2]).any()
    np.testing.assert_array_equal(before.kept.scores[1], kept.scores[1])
    assert (before.kept.scores[0] != kept.scores[0]).any()
    assert not terms["loss"].total[1].any() and terms["loss"].total[0].all()
    assert not metrics["valid"]["recall@20"][1].any()
    assert metrics["valid"]["recall@20"][[0, 2]].any(axis=1).all()
