"""Compiled programs are kept in a private directory and taken up by the next process."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from launch.compiled import keep_compiled

ROOT = Path(__file__).parents[2]
TINY = (
    "--planted_users=30",
    "--planted_items=24",
    "--planted_topics=2",
    "--planted_interactions_per_user=6",
    "--dim=4",
    "--denoiser_width=8",
    "--epochs=1",
    "--walks_per_node=1",
    "--walk_length=2",
)


@pytest.fixture
def settings(monkeypatch):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def train(tmp_path, workdir):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    environment["JAX_PLATFORMS"] = "cpu"
    command = [sys.executable, "-m", "launch.main", *TINY, f"--workdir={tmp_path / workdir}"]
    subprocess.run(
        [*command, f"--cache_dir={tmp_path / 'cache'}"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )
    return {file.name for file in (tmp_path / "cache" / "compiled").iterdir()}


def test_a_second_process_compiles_nothing_new(tmp_path):
    first = train(tmp_path, "one")
    assert first
    programs = {name for name in train(tmp_path, "two") if not name.endswith("-atime")}
    assert programs == {name for name in first if not name.endswith("-atime")}
    assert (tmp_path / "cache" / "compiled").stat().st_mode & 0o077 == 0


def test_a_directory_that_others_can_write_is_not_used(tmp_path, settings):
    (tmp_path / "compiled").mkdir()
    (tmp_path / "compiled").chmod(0o777)
    assert keep_compiled(tmp_path) is None
    (tmp_path / "compiled").chmod(0o700)
    assert keep_compiled(tmp_path) == tmp_path / "compiled"


def test_the_environment_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "elsewhere")
    assert keep_compiled(tmp_path) is None and not (tmp_path / "compiled").exists()


def test_a_directory_that_cannot_be_made(tmp_path, settings):
    (tmp_path / "file").write_text("")
    assert keep_compiled(tmp_path / "file") is None
