import pytest

from kdiffe_jax.recommender import Recommender
from kdiffe_jax.training.saving import model_of
from tests.small_model import small_problem, untrained


@pytest.fixture(scope="session")
def problem(tmp_path_factory):
    return small_problem(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def model(problem):
    return model_of(problem, untrained(problem))


@pytest.fixture(scope="session")
def recommender(model):
    return Recommender(model)
