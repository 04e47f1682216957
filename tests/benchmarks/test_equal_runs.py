"""Runs are told apart by what they found, not by what they took."""

import pytest

from benchmarks.equal_runs import differences
from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.fit import fit
from kdiffe_jax.training.resources import Resources
from tests.models.conftest import checkerboard, config_of


@pytest.fixture(scope="module")
def run_of(tmp_path_factory):
    def train(seed):
        path = tmp_path_factory.mktemp("run")
        resources = Resources(path / "cache", baselines=BaselineSettings("none"))
        with RunDirectory(path / "run").claim({"seed": seed}) as run:
            fit(checkerboard(), config_of("lightgcn", seed=seed), run, resources)
        return path / "run"

    return train


def test_the_same_run_twice_is_equal(run_of):
    assert list(differences(run_of(0), run_of(0))) == []


def test_another_seed_is_not(run_of):
    found = list(differences(run_of(0), run_of(1)))
    assert found[0].startswith("history") and "parameters: ['users']" in found
