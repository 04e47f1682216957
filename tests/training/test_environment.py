"""The record of when, on what and with which versions a run was made."""

import getpass
import json
import platform
import re
from pathlib import Path

import jax

import kdiffe_jax
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.environment import environment, peak_of_devices, write_environment


def test_what_is_recorded(tmp_path):
    with RunDirectory(tmp_path / "run").claim({}) as run:
        assert run.environment() is None
        write_environment(run, jax.local_devices()[:1])
        found = run.environment()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["date"])
    assert found["versions"]["jax"] == jax.__version__
    assert found["versions"]["kdiffe_jax"] == kdiffe_jax.__version__
    assert found["versions"]["Python"] == platform.python_version()
    assert found["cores"] >= 1 and found["memory_gib"] > 0
    assert 0.01 < found["peak_memory_gb"] < 1.1 * found["memory_gib"]
    of_cpu = {"platform": "cpu", "kind": "cpu", "count": 1, "peak_memory_gb": None}
    assert found["devices"] == of_cpu


class Accelerator:
    """A device as far as its memory goes."""

    def __init__(self, peak):
        self._peak = peak

    def memory_stats(self):
        """As a device of jax tells them."""
        return {"peak_bytes_in_use": self._peak}


def test_the_most_that_an_accelerator_held():
    assert peak_of_devices([Accelerator(1_500_000_000), Accelerator(2_250_000_000)]) == 2.25


def test_nothing_names_the_machine_or_who_uses_it():
    words = set(re.split(r"[^\w.-]+", json.dumps(environment())))
    assert not {platform.node(), getpass.getuser(), Path.home().name} & (words - {""})
