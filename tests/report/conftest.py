import dataclasses
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.evaluation.metrics import METRICS
from kdiffe_jax.evaluation.ranking import CUTOFFS
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.closed_form import finish_closed_form
from kdiffe_jax.training.loop import Trained
from kdiffe_jax.training.many_seeds import merged_history
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.result import eval_data_of, finish
from kdiffe_jax.training.setup import TrainSetup
from tests.small_model import TRUSTED, named_dataset, small_config, small_problem, untrained

BASELINES = BaselineSettings(baselines="most_popular,ease")
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
    setup: TrainSetup
    trained: Trained


TERMS = ("bpr", "elbo", "info_nce_items", "info_nce_users", "loss", "squared_norm")


def record(epoch: int, shift: float = 0.0, terms=TERMS) -> dict:
    """One epoch as metrics.jsonl has it."""
    losses = {name: place + 1 / (epoch + 1) + shift for place, name in enumerate(terms)}
    names = [f"{name}@{k}" for name in METRICS for k in CUTOFFS]
    metrics = {name: 0.01 * place + 0.1 * epoch + shift for place, name in enumerate(names)}
    return {"epoch": epoch, "seconds": 0.5, **losses, "valid": metrics}


def leave_run(directory, setup, write) -> None:
    """A run directory whose result `write` makes."""
    identity = {"dataset": setup.dataset.name, **setup.config.to_flat()}
    silent = dict(cache_dir=None, log=lambda line: None)
    with RunDirectory(directory).claim(identity) as run:
        write(run, score_baselines(eval_data_of(setup), BASELINES, **silent))


@pytest.fixture(scope="session")
def single(tmp_path_factory):
    setup = small_problem(tmp_path_factory.mktemp("cache"), evil_dataset())
    trained = untrained(setup)._replace(best_epoch=1, history=[record(0), record(1)])
    directory = tmp_path_factory.mktemp("runs") / "run"

    def write(run, baselines):
        run.write_history(trained.history)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(setup.model), "findings", lambda *parts: TRUSTED)
            finish(setup, [trained], run, baselines)

    leave_run(directory, setup, write)
    return Finished(directory, setup, trained)


@pytest.fixture(scope="session")
def finished(single):
    return single.path


@pytest.fixture(scope="session")
def finished_seeds(single, tmp_path_factory):
    """Two seeds; the second has the users of the first in another order, and one epoch."""
    setup = small_problem(tmp_path_factory.mktemp("cache"), evil_dataset(), num_seeds=2)
    view = single.trained.view
    other = single.trained._replace(
        view=view._replace(users=view.users[::-1]), best_epoch=0, history=[record(0, 0.2)]
    )
    trained = [single.trained, other]
    directory = tmp_path_factory.mktemp("runs") / "seeds"

    def write(run, baselines):
        for seed, one in enumerate(trained):
            part = run.part(f"seed{seed}")
            part.path.mkdir()
            part.write_history(one.history)
        run.write_history(merged_history([one.history for one in trained], range(2)))
        finish(setup, trained, run, baselines)

    leave_run(directory, setup, write)
    return directory


@pytest.fixture(scope="session")
def finished_lightgcn(tmp_path_factory):
    """A trained model that reads interactions alone."""
    setup = small_problem(tmp_path_factory.mktemp("cache"), evil_dataset(), model="lightgcn")
    history = [record(epoch, terms=("bpr", "loss", "squared_norm")) for epoch in range(2)]
    trained = untrained(setup)._replace(history=history)
    directory = tmp_path_factory.mktemp("runs") / "lightgcn"

    def write(run, baselines):
        run.write_history(history)
        finish(setup, [trained], run, baselines)

    leave_run(directory, setup, write)
    return directory


@pytest.fixture(scope="session", params=("ease", "rp3beta", "most_popular"))
def finished_closed_form(request, tmp_path_factory):
    """A model that is fitted: weights between items, dense or sparse, or none."""
    config, dataset = small_config(request.param), evil_dataset()
    directory = tmp_path_factory.mktemp("runs") / request.param
    resources = Resources(tmp_path_factory.mktemp("cache"), baselines=BASELINES)
    with RunDirectory(directory).claim({"dataset": dataset.name, **config.to_flat()}) as run:
        finish_closed_form(dataset, config, run, resources, log=lambda line: None)
    return directory


@pytest.fixture
def run_dir(finished, tmp_path):
    """A copy of the run that a test may change."""
    return shutil.copytree(finished, tmp_path / "run")
