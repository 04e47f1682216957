"""A disk that is full, a directory that can't be written, one that another process trains in."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys

import pytest

from tests.launch.test_kill import FLAGS, outcome

MOUNT = shutil.which("mount")


def train(workdir, cache):
    command = [sys.executable, "-m", "launch.main", *FLAGS, "--epochs=3"]
    return subprocess.run(
        [*command, f"--workdir={workdir}", f"--cache_dir={cache}"],
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=600,
    )


def refused(done, *words):
    assert done.returncode == 2, done.stderr
    lines = done.stderr.splitlines()
    assert lines[-1].startswith("error: ") and "Traceback" not in done.stderr
    for word in words:
        assert word in lines[-1]


@contextlib.contextmanager
def small_disk(place, kilobytes):
    """A file system of its own; skips where the system does not let us make one."""
    place.mkdir()
    if MOUNT is None or os.geteuid() != 0:
        pytest.skip("only root can mount")
    command = [MOUNT, "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def remounted(place, *options):
    command = [MOUNT, "-o", ",".join(("remount", *options)), str(place)]
    subprocess.run(command, check=True, capture_output=True)


def test_a_full_disk_is_one_line_and_the_run_continues_when_there_is_room(tmp_path):
    place, cache = tmp_path / "disk", tmp_path / "cache"
    whole = train(tmp_path / "unbroken", cache)
    assert whole.returncode == 0, whole.stderr
    with small_disk(place, 200):
        refused(train(place / "run", cache), "cannot be written")
        assert not list((place / "run").glob("*.partial"))
        remounted(place, "size=20m")
        done = train(place / "run", cache)
        assert done.returncode == 0, done.stderr
        assert "resuming after epoch" in done.stdout
        assert outcome(place / "run") == outcome(tmp_path / "unbroken")

        remounted(place, "ro")
        refused(train(place / "other", cache), "cannot be written", "Read-only")
        refused(train(tmp_path / "run", place / "cache"), "--cache_dir")


def test_a_directory_that_another_process_trains_in(tmp_path):
    (tmp_path / "run").mkdir()
    with (tmp_path / "run" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(train(tmp_path / "run", tmp_path / "cache"), "another process")
    assert [file.name for file in (tmp_path / "run").iterdir()] == [".lock"]
