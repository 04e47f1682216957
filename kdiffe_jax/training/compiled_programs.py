"""Compiled programs kept between runs, in a private directory."""

from __future__ import annotations

import os
from pathlib import Path

import jax


def keep_compiled(cache_dir: Path) -> Path | None:
    """Lets jax keep what it compiles, and take it up again in later processes.

    The directory is readable for its owner only: what lies there is run. A directory that
    the environment names is left as it is, and one that cannot be made is done without.

    Args:
      cache_dir: holds the directory `compiled`.

    Returns:
      the directory, or None where none is used.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return None
    directory = cache_dir / "compiled"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    if directory.stat().st_uid != os.getuid() or directory.stat().st_mode & 0o022:
        return None
    jax.config.update("jax_compilation_cache_dir", str(directory.resolve()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    return directory
