"""A long training in one process: what is compiled and held, epoch by epoch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import jax

from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.loop import train
from tests.endurance.memory import megabytes, open_files
from tests.small_model import small_problem

_COMPILED = "/jax/core/compile/backend_compile_duration"
_SETTLED = 20  # epochs


def long_training(epochs: int) -> list[dict[str, Any]]:
    """Trains a small model.

    Returns:
      for each epoch: programs compiled since the start, arrays on the device, resident
      megabytes, open files.
    """
    compiled, seen = [], []

    def listen(event: str, seconds: float, **details) -> None:
        if event == _COMPILED:
            compiled.append(seconds)

    def look(record: dict[str, Any]) -> None:
        seen.append(
            {
                "epoch": record["epoch"],
                "compiled": len(compiled),
                "arrays": len(jax.live_arrays()),
                "megabytes": round(megabytes(), 1),
                "files": open_files(),
            }
        )

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        with tempfile.TemporaryDirectory() as directory:
            place = Path(directory)
            setup = small_problem(place / "cache", epochs=epochs, patience=epochs)
            with RunDirectory(place / "run").claim({}) as run:
                train(setup, run, on_epoch=look, log=lambda line: None)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return seen


def early_and_late(seen: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """What was held when everything had been made once, and at the end.

    "compiled", "arrays" and "files" as counted in one epoch; "megabytes" as the mean of a
    tenth of the epochs.
    """
    tenth = max(1, len(seen) // 10)
    early, late = seen[_SETTLED : _SETTLED + tenth], seen[-tenth:]
    counted = {name: (early[0][name], late[-1][name]) for name in ("compiled", "arrays", "files")}
    means = (sum(look["megabytes"] for look in looks) / tenth for looks in (early, late))
    return {**counted, "megabytes": tuple(round(mean, 1) for mean in means)}
