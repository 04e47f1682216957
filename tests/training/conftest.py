import pytest

from kdiffe_jax.data.synthetic import planted_dataset
from tests.small_model import SIZES, small_problem


@pytest.fixture(scope="session")
def planted():
    return planted_dataset(SIZES)


@pytest.fixture(scope="session")
def make_problem(planted, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")

    def make(dataset=planted, **changes):
        return small_problem(cache, dataset, **{"epochs": 6, "patience": 3, **changes})

    return make
