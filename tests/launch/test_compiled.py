"""Compiled programs are kept in a private directory and taken up by the next process."""

import os

import jax
import pytest

from kdiffe_jax.training.compiled_programs import keep_compiled
from tests.launch.started import LIGHTGCN, finish, start


@pytest.fixture
def settings(monkeypatch):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def programs_after(run, cache):
    """Trains in a process that has no cache of its environment; the programs that are kept."""
    gone = {name: None for name in os.environ if name.startswith("JAX_")}
    words = (*LIGHTGCN, "--epochs=1", f"--workdir={run}", f"--cache_dir={cache}")
    finish(start("main", *words, **gone | {"JAX_PLATFORMS": "cpu"}))
    files = {file.name for file in (cache / "compiled").iterdir()}
    return {name for name in files if not name.endswith("-atime")}


def test_a_second_process_compiles_nothing_new(tmp_path):
    first = programs_after(tmp_path / "one", tmp_path / "cache")
    assert first and programs_after(tmp_path / "two", tmp_path / "cache") == first
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
