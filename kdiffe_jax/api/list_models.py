"""`list_models`: which there are."""

from __future__ import annotations

from typing import Any

from kdiffe_jax.api.frames import default_kind, frame_of
from kdiffe_jax.models.registry import MODELS


def list_models() -> Any:
    """A frame of every model: name, what it reads beside interactions, what it is."""
    columns = {
        "model": list(MODELS),
        "reads": [entry.reads for entry in MODELS.values()],
        "about": [entry.about for entry in MODELS.values()],
    }
    return frame_of(columns, default_kind())
