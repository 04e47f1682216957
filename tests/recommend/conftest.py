import pytest

from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.training.saving import model_of
from tests.small_model import TRUSTED, small_problem, small_saved, untrained


@pytest.fixture(scope="session")
def setup(tmp_path_factory):
    return small_problem(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def model(setup):
    return model_of(setup, untrained(setup), TRUSTED)


@pytest.fixture(scope="session")
def recommender(model):
    return Recommender(model)


@pytest.fixture(scope="session")
def lightgcn(tmp_path_factory):
    return small_saved(tmp_path_factory.mktemp("cache"), "lightgcn")


@pytest.fixture(scope="session")
def popular(tmp_path_factory):
    return small_saved(tmp_path_factory.mktemp("cache"), "most_popular")
