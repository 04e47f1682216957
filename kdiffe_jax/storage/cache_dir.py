"""Where what takes long is kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def default_cache_dir() -> Path:
    """`$KDIFFE_CACHE`, or ~/.cache/kdiffe_jax."""
    return Path(os.environ.get("KDIFFE_CACHE") or Path.home() / ".cache" / "kdiffe_jax")
