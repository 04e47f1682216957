"""Every member of a run of many seeds is the single run of its seed."""

import json

import jax
import numpy as np
import pytest

from kdiffe_jax.errors import NonFiniteLossError, RunError
from kdiffe_jax.training.loop import train
from kdiffe_jax.training.many_seeds import load_members, member_history, train_members
from kdiffe_jax.training.members import compile_members
from kdiffe_jax.training.members_result import finish_members, rescore_members
from kdiffe_jax.training.result import finish
from kdiffe_jax.training.run_directory import RunDirectory

SEEDS = range(3, 6)
LONG = dict(epochs=12, patience=2)


class Killed(BaseException):
    """Stands for a signal: nothing in the loop catches it."""


def silent(_):
    return None


def run_of(path):
    return RunDirectory(path).claim({"seed": 0})


@pytest.fixture
def make_members(make_problem):
    def make(**changes):
        return make_problem(**LONG | {"seed": SEEDS[0], "num_seeds": len(SEEDS)} | changes)

    return make


def train_many(problem, path, on_epoch=silent, say=silent, at_once=None):
    compiled = compile_members(problem.parts, at_once=at_once)
    with run_of(path) as run:
        return train_members(problem, run, on_epoch=on_epoch, say=say, compiled=compiled), run


def figures(history):
    """Every number of a history but the seconds, as one array."""
    kept = [{k: v for k, v in r.items() if k not in ("seconds", "seed")} for r in history]
    return np.array(jax.tree.leaves(kept))


@pytest.fixture(scope="module")
def singles(request, planted, tmp_path_factory):
    """The single runs, trained once for all tests."""
    from kdiffe_jax.config import Config
    from kdiffe_jax.training.problem import build_problem
    from tests.training.conftest import SMALL

    path = tmp_path_factory.mktemp("singles")
    found = []
    for seed in SEEDS:
        config = Config.from_flat(SMALL | LONG | {"seed": seed})
        problem = build_problem(planted, config, cache_dir=path / "cache", say=silent)
        with run_of(path / str(seed)) as run:
            trained = train(problem, run, on_epoch=silent, say=silent)
            found.append((trained, finish(problem, trained, run)))
    return found


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_every_member_equals_its_single_run(make_members, singles, tmp_path, at_once):
    many, _ = train_many(make_members(), tmp_path / "run", at_once=at_once)
    for model, (single, _) in zip(many.models, singles, strict=True):
        print(
            len(single.history),
            single.best_epoch,
            np.abs(figures(model.history) - figures(single.history)).max()
            if len(model.history) == len(single.history)
            else None,
        )
