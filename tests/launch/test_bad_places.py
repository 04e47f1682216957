"""A disk that is full, and one that cannot be written: one line, and nothing lost."""

import contextlib
import os
import shutil
import subprocess

import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.errors import DataError, RunError
from kdiffe_jax.storage.files import replacing_in_cache
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.checkpoints import Checkpoints

MOUNT = shutil.which("mount")
# Tensorstore's answers come late where a file could not be written.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@contextlib.contextmanager
def small_disk(place):
    """A file system of 300 kB; skips where the system does not let us make one."""
    place.mkdir()
    if MOUNT is None or os.geteuid() != 0:
        pytest.skip("only root can mount")
    command = [MOUNT, "-t", "tmpfs", "-o", "size=300k", "none", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def remounted(place, options):
    command = [MOUNT, "-o", f"remount,{options}", str(place)]
    subprocess.run(command, check=True, capture_output=True)


def arrays_of(epoch):
    noise = np.random.default_rng(epoch).normal(size=(100, 100))  # 40 kB that do not compress
    return {"table": jnp.asarray(noise, jnp.float32)}


def save(checkpoints, epoch):
    history = [{"epoch": e} for e in range(epoch + 1)]
    checkpoints.save(arrays_of(epoch), history, [float(e) for e in range(epoch + 1)])


def test_checkpoints_on_a_full_disk(tmp_path):
    place = tmp_path / "disk"
    with small_disk(place):
        with Checkpoints(place / "checkpoints", print) as checkpoints:
            save(checkpoints, 0)
            (place / "other").write_bytes(bytes(shutil.disk_usage(place).free - 60_000))
            with pytest.raises(RunError, match="1: checkpoint cannot be written") as caught:
                save(checkpoints, 1)
            assert "\n" not in str(caught.value)
        remounted(place, "size=20m")
        with Checkpoints(place / "checkpoints", print) as checkpoints:
            found = checkpoints.restore_latest(arrays_of(9))
            assert found.epoch == 0 and found.history == [{"epoch": 0}]
            np.testing.assert_array_equal(found.arrays["table"], arrays_of(0)["table"])
            save(checkpoints, 1)
            assert checkpoints.restore_latest(arrays_of(9)).epoch == 1


def test_files_of_a_run_on_a_full_disk(tmp_path):
    place = tmp_path / "disk"
    with small_disk(place), RunDirectory(place / "run").claim({"xi": 0.7}) as run:
        run.write_result({"epochs": 1})
        (place / "other").write_bytes(bytes(shutil.disk_usage(place).free))
        with pytest.raises(RunError, match="result.json: cannot be written: No space left"):
            run.write_result({"notes": ["a" * 5000]})
        assert run.result() == {"epochs": 1}
        assert not list(run.path.glob("*.partial"))


def test_a_disk_that_is_read_only(tmp_path):
    place = tmp_path / "disk"
    with small_disk(place):
        remounted(place, "ro")
        with pytest.raises(RunError, match="cannot be written: Read-only file system"):
            RunDirectory(place / "run").claim({})
        with pytest.raises(RunError, match="cannot be written"):
            Checkpoints(place / "checkpoints", print)
        with pytest.raises(DataError, match="Read-only file system; choose another --cache_dir"):
            with replacing_in_cache(place / "cache" / "s.npy"):
                pytest.fail("it cannot be written")
