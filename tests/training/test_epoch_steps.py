"""Epochs that are parts of a pass: the same steps, validated, saved and rebuilt in between."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.epoch import compile_parts, traced_of
from kdiffe_jax.training.loop import fresh_start, train
from kdiffe_jax.training.many_seeds import member_history, train_members

STEPS = 6
CUT = dict(epoch_steps=4, epochs=3, patience=3)


def silent(_):
    pass


def train_in(setup, path, trainer=train, on_epoch=silent):
    run = RunDirectory(path).claim(setup.parts.config.to_flat())
    with run:
        return trainer(setup, run, on_epoch=on_epoch, log=silent)


def assert_same(first, second):
    for ours, theirs in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def after_a_pass(setup):
    """State and terms after every epoch of a pass, the first rebuild kept."""
    compiled, reports = compile_parts(setup.parts), []
    state, kept = fresh_start(setup, compiled)
    for epoch in range(setup.sampler.epochs_of_pass):
        batches = Batch(*map(jnp.asarray, setup.sampler.epoch(epoch)))
        traced = traced_of(setup.parts)
        state, terms = compiled.epoch(state, batches, setup.graphs, kept, traced)
        reports.append(terms)
    return state, reports


@pytest.mark.parametrize("epoch_steps", (1, 4, 5, 100))
def test_a_pass_in_parts_takes_the_steps_of_the_pass(make_problem, epoch_steps):
    whole, (terms,) = after_a_pass(make_problem())
    parts, reports = after_a_pass(make_problem(epoch_steps=epoch_steps))
    assert len(reports) == -(-STEPS // epoch_steps)
    assert parts.step == whole.step == STEPS
    assert_close(parts.params, whole.params)
    assert_close(parts.opt_state, whole.opt_state)
    joined = {
        name: np.concatenate([report[name].total for report in reports]) for name in reports[0]
    }
    assert_close(
        {name: totals[:STEPS] for name, totals in joined.items()},
        {name: term.total for name, term in terms.items()},
    )
    assert not np.concatenate([totals[STEPS:] for totals in joined.values()]).any()


def assert_close(first, second):
    for ours, theirs in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_run_in_parts_is_validated_after_each_and_continues_bit_for_bit(make_problem, tmp_path):
    class Killed(Exception):
        pass

    def kill(record):
        if record["epoch"] == 0:
            raise Killed

    setup = make_problem(**CUT)
    unbroken = train_in(setup, tmp_path / "unbroken")
    assert [record["epoch"] for record in unbroken.history] == [0, 1, 2]
    assert all("recall@20" in record["valid"] for record in unbroken.history)
    with pytest.raises(Killed):
        train_in(setup, tmp_path / "killed", on_epoch=kill)
    continued = train_in(setup, tmp_path / "killed")
    assert_same(continued.params, unbroken.params)
    assert [r["loss"] for r in continued.history] == [r["loss"] for r in unbroken.history]


def test_many_seeds_in_parts_equal_the_single_runs(make_problem, tmp_path):
    members = train_in(make_problem(**CUT, num_seeds=2), tmp_path / "both", train_members)
    for seed in range(2):
        single = train_in(make_problem(**CUT, seed=seed), tmp_path / f"seed{seed}")
        own = member_history(members.history, seed)
        np.testing.assert_allclose(
            [record["loss"] for record in own],
            [record["loss"] for record in single.history],
            rtol=1e-5,
        )


def test_a_second_part_compiles_nothing(make_problem, count_compilations, tmp_path):
    compiled_before = []

    def watch(record):
        compiled_before.append(len(seen))

    with count_compilations() as seen:
        train_in(make_problem(**CUT), tmp_path / "run", on_epoch=watch)
    assert compiled_before[0] == compiled_before[2] > 0
