"""A long training in one process: what is compiled and held, epoch by epoch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import jax

from kdiffe_jax.training.loop import train
from kdiffe_jax.training.run_directory import RunDirectory
from tests.endurance.memory import megabytes, open_files
from tests.small_model import small_problem

_COMPILED = "/jax/core/compile/backend_compile_duration"
_SETTLED = 20


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
            problem = small_problem(place / "cache", epochs=epochs, patience=epochs)
            with RunDirectory(place / "run").claim({}) as run:
                train(problem, run, on_epoch=look, say=lambda line: None)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return seen


def growth(seen: list[dict[str, Any]]) -> dict[str, float]:
    """What the last epoch has more than one early on, when everything was made once.

    "compiled", "arrays" and "files" are zero where nothing grows; "megabytes" is the mean of
    the last tenth less that of the epochs after the first 20.
    """
    early, late = seen[_SETTLED : _SETTLED + len(seen) // 10], seen[-(len(seen) // 10) :]
    grown = {name: late[-1][name] - early[0][name] for name in ("compiled", "arrays", "files")}
    means = [sum(look["megabytes"] for look in looks) / len(looks) for looks in (early, late)]
    return {**grown, "megabytes": round(means[1] - means[0], 1)}
