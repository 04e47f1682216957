import dataclasses
import shutil

import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.training.loop import train
from kdiffe_jax.training.many_seeds import train_members
from kdiffe_jax.training.members_result import finish_members
from kdiffe_jax.training.result import bench_of, finish
from kdiffe_jax.training.run_directory import RunDirectory
from tests.small_model import named_dataset, small_problem

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


@pytest.fixture(scope="session")
def trained_in(tmp_path_factory):
    """Trains a small model for two epochs and leaves a finished run without a report."""
    cache = tmp_path_factory.mktemp("cache")

    def make(name, dataset=None, **changes):
        problem = small_problem(cache, dataset or evil_dataset(), **changes)
        alone = problem.parts.config.train.num_seeds == 1
        trainer, finisher = (train, finish) if alone else (train_members, finish_members)
        settings = BaselineSettings(baselines="most_popular,ease")
        silent = dict(say=lambda line: None)
        identity = {"dataset": problem.dataset.name, **problem.parts.config.to_flat()}
        with RunDirectory(tmp_path_factory.mktemp(name) / "run").claim(identity) as run:
            trained = trainer(problem, run, on_epoch=lambda record: None, **silent)
            baselines = None
            if problem.parts.config.eval.score_test:
                baselines = score_baselines(bench_of(problem), settings, cache_dir=None, **silent)
            finisher(problem, trained, run, baselines)
            shutil.rmtree(run.checkpoints)
        return run.path

    return make


@pytest.fixture(scope="session")
def finished(trained_in):
    return trained_in("single", score="cosine")


@pytest.fixture(scope="session")
def finished_seeds(trained_in):
    return trained_in("seeds", num_seeds=2)


@pytest.fixture
def run_dir(finished, tmp_path):
    """A copy of the run that a test may change."""
    return shutil.copytree(finished, tmp_path / "run")
