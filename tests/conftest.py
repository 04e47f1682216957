"""Strictness for every test, and the shapes that many of them share."""

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Many tests, and the processes they start, compile the same programs.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="kdiffe-tests-")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)

from tests.quick_compile import XLA_FLAGS

os.environ.setdefault("XLA_FLAGS", XLA_FLAGS)

import jax
import numpy as np
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")

_BESIDE = Path(__file__).parents[2] / "shared" / "data"
DATA = Path(os.environ.get("KDIFFE_DATA", _BESIDE))


def pytest_collection_modifyitems(items):
    for item in items:
        if "real_data" in item.keywords and not (DATA / "tiktok").is_dir():
            item.add_marker(pytest.mark.skip(reason="the real data sets are not here"))


@pytest.fixture(scope="module", autouse=True)
def programs_end_with_their_module():
    """Each compiled program holds a megabyte; a worker would keep those of all modules."""
    yield
    jax.clear_caches()


@pytest.fixture
def real_data() -> Path:
    return DATA


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


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
