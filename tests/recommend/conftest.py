import contextlib

import jax
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


@pytest.fixture
def count_compilations():
    """A block that lists what was compiled inside."""

    @contextlib.contextmanager
    def counting():
        compiled = []

        def listen(event, seconds, **details):
            if event == "/jax/core/compile/backend_compile_duration":
                compiled.append(details)

        jax.monitoring.register_event_duration_secs_listener(listen)
        try:
            yield compiled
        finally:
            jax.monitoring.unregister_event_duration_listener(listen)

    return counting
