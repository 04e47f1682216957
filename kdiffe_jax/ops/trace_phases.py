"""Names for what an epoch's time goes into, as a profiler's trace carries them.

A phase of the device marks the operations that are traced inside it; a phase of the host
marks the time of the calling thread. Neither changes a value, and neither costs anything
worth measuring while no trace is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import jax

Function = TypeVar("Function", bound=Callable[..., Any])

MARK = "kdiffe."
EPOCH = "epoch"
PHASES = (
    "batches",
    "views",
    "info_nce",
    "ranking_loss",
    "denoiser",
    "norm_adam",
    "rebuild",
    "encode",
    "evaluation",
    "checkpoint",
)


class DevicePhase(Protocol):
    """A block whose operations are marked, or a decorator of a function that is one."""

    def __enter__(self) -> Any: ...

    def __exit__(self, kind, error, traceback, /) -> bool | None: ...

    def __call__(self, function: Function, /) -> Function: ...


def device_phase(name: str) -> DevicePhase:
    """Marks the operations traced inside it and those of their gradients; also a decorator."""
    return jax.named_scope(MARK + name)


def host_phase(name: str) -> AbstractContextManager:
    """Marks the time that this thread spends inside it."""
    return jax.profiler.TraceAnnotation(MARK + name)
