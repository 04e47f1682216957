import dataclasses
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.metrics import METRICS
from kdiffe_jax.ranking import CUTOFFS
from kdiffe_jax.training.loop import Trained
from kdiffe_jax.training.many_seeds import TrainedMembers
from kdiffe_jax.training.members_result import finish_members
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.result import bench_of, finish
from kdiffe_jax.training.run_directory import RunDirectory
from tests.small_model import named_dataset, small_problem, untrained

EVIL = "<script>alert('x')</script>"


def evil_dataset():
    """Markup wherever the data can have a name."""
    dataset = named_dataset()
    return dataclasses.replace(
        dataset,
        name=f"shop & {EVIL}",
        user_ids=tuple(f'{EVIL}" {u}' for u in range(dataset.n_users)),
        item_names=tuple(f"{EVIL} <b>{i}" for i in range(dataset.n_items)),
        entity_names=tuple(f"</svg>{EVIL}{e}" for e in range(dataset.n_entities)),
        relation_names=tuple(f"<i>{r}{EVIL}" for r in range(len(dataset.relation_names))),
        notes=(f"{EVIL} was dropped",),
    )


class Finished(NamedTuple):
    """A finished run of two epochs without a report, and what it was made from."""

    path: Path
    problem: Problem
    trained: Trained


def record(epoch: int, shift: float = 0.0) -> dict:
    """One epoch as metrics.jsonl has it."""
    terms = ("bpr", "elbo", "info_nce_items", "info_nce_users", "loss", "squared_norm")
    losses = {name: place + 1 / (epoch + 1) + shift for place, name in enumerate(terms)}
    names = [f"{name}@{k}" for name in METRICS for k in CUTOFFS]
    metrics = {name: 0.01 * place + 0.1 * epoch + shift for place, name in enumerate(names)}
    return {"epoch": epoch, "seconds": 0.5, **losses, "valid": metrics}


def leave_run(directory, problem, write) -> None:
    """A run directory whose result `write` makes."""
    identity = {"dataset": problem.dataset.name, **problem.parts.config.to_flat()}
    silent = dict(cache_dir=None, say=lambda line: None)
    settings = BaselineSettings(baselines="most_popular,ease")
    with RunDirectory(directory).claim(identity) as run:
        write(run, score_baselines(bench_of(problem), settings, **silent))


@pytest.fixture(scope="session")
def single(tmp_path_factory):
    problem = small_problem(tmp_path_factory.mktemp("cache"), evil_dataset())
    trained = untrained(problem)._replace(best_epoch=1, history=[record(0), record(1)])
    directory = tmp_path_factory.mktemp("runs") / "run"

    def write(run, baselines):
        run.write_history(trained.history)
        finish(problem, trained, run, baselines)

    leave_run(directory, problem, write)
    return Finished(directory, problem, trained)


@pytest.fixture(scope="session")
def finished(single):
    return single.path


@pytest.fixture(scope="session")
def finished_seeds(single, tmp_path_factory):
    """Two seeds; the second has the users of the first in another order, and one epoch."""
    problem = small_problem(tmp_path_factory.mktemp("cache"), evil_dataset(), num_seeds=2)
    view = single.trained.view
    other = single.trained._replace(
        view=view._replace(users=view.users[::-1]), best_epoch=0, history=[record(0, 0.2)]
    )
    own = [model.history for model in (single.trained, other)]
    history = [
        {
            "epoch": epoch,
            "seconds": 1.0,
            "members": [{"seed": s, **h[epoch]} for s, h in enumerate(own) if epoch < len(h)],
        }
        for epoch in range(2)
    ]
    directory = tmp_path_factory.mktemp("runs") / "seeds"

    def write(run, baselines):
        run.write_history(history)
        finish_members(problem, TrainedMembers([single.trained, other], history), run, baselines)

    leave_run(directory, problem, write)
    return directory


@pytest.fixture
def run_dir(finished, tmp_path):
    """A copy of the run that a test may change."""
    return shutil.copytree(finished, tmp_path / "run")
