"""Names for what an epoch's time goes into, as a profiler's trace carries them.

A phase of the device marks the operations that are traced inside it; a phase of the host
marks the time of the calling thread. Neither changes a value, and neither costs anything
worth measuring while no trace is taken.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import jax

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


def device_phase(name: str) -> AbstractContextManager:
    """Marks the operations traced inside it and those of their gradients; also a decorator."""
    return jax.named_scope(MARK + name)


def host_phase(name: str) -> AbstractContextManager:
    """Marks the time that this thread spends inside it."""
    return jax.profiler.TraceAnnotation(MARK + name)
