"""Small setups, their compiled calls and their runs, made once a process and shared by tests.

What a test asks of the loop, whatever the model, it asks of LightGCN, which compiles in a moment.
"""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.data.synthetic import planted_dataset
from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.models.registry import DEFAULT
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.loop import Carried, compile_setup, train
from kdiffe_jax.training.placement import Compiled
from kdiffe_jax.training.selection import TIMES
from kdiffe_jax.training.step import initial_state
from tests.small_model import SIZES, small_problem

CACHE = Path(tempfile.mkdtemp(prefix="kdiffe-setups-"))
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)
_COMPILED: dict = {}


class Killed(BaseException):
    """Stands for a signal: nothing in the loop catches it."""


def silent(_):
    return None


@cache
def planted():
    return planted_dataset(SIZES)


@cache
def small_setup(model=DEFAULT, **changes):
    """The setup of a small configuration on the planted data."""
    changes = {"epochs": 6, "patience": 3} | changes
    return small_problem(CACHE, planted(), model=model, **changes)


def compiled_of(setup) -> Compiled:
    """`compile_setup`, once for all setups of one model on one device."""
    key = setup.model, setup.sampler.cuts_passes
    if key not in _COMPILED:
        _COMPILED[key] = compile_setup(setup)
    return _COMPILED[key]


def started(setup) -> Carried:
    """A fresh state and what the first epoch begins with."""
    state = _initial_state(setup.model, setup.inputs, setup.config.train.seed)
    first = setup.model.first_carry(setup.inputs)
    carry = compiled_of(setup).refresh(state.params, setup.inputs, first, state.key, 0)
    return Carried(state, carry)


_initial_state = jax.jit(initial_state, static_argnums=(0, 2))


def batches_of(setup, epoch=0) -> Batch:
    return Batch(*map(jnp.asarray, setup.sampler.epoch(epoch)))


def after_epochs(setup, epochs):
    """The state after some epochs, the first refresh kept, and each epoch's terms."""
    (state, carry), reports = started(setup), []
    for epoch in range(epochs):
        arguments = batches_of(setup, epoch), setup.inputs, carry, setup.traced()
        state, terms = compiled_of(setup).epoch(state, *arguments)
        reports.append(jax.device_get(terms))
    return state, reports


def claimed(path) -> RunDirectory:
    return RunDirectory(path).claim({"seed": 0})


def train_in(setup, path, *, on_epoch=silent, log=silent):
    """Trains in a run directory; the model, and the directory."""
    with claimed(path) as run:
        return train(setup, run, on_epoch=on_epoch, log=log, compiled=compiled_of(setup)), run


def killing(epoch):
    """An `on_epoch` that kills the training after an epoch."""

    def kill(record):
        if record["epoch"] == epoch:
            raise Killed

    return kill


def without_seconds(history):
    return [{k: v for k, v in record.items() if k not in TIMES} for record in history]


def assert_equal(first, second):
    """Two pytrees, bit for bit."""
    jax.tree.map(np.testing.assert_array_equal, first, second)


def assert_close(first, second, **tolerance):
    """Two pytrees, and figures that agree."""
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), first, second)


def assert_same_run(first, second):
    assert_equal(first.params, second.params)
    assert without_seconds(first.history) == without_seconds(second.history)
    assert first.best_epoch == second.best_epoch
