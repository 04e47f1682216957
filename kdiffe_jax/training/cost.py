"""What a training took: epochs, seconds, CPU seconds to the best epoch, parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from kdiffe_jax.training.loop import Trained
from kdiffe_jax.training.selection import Record


def how_it_went(trained: Sequence[Trained]) -> dict[str, Any]:
    """What result.json says of the training.

    Args:
      trained: the best epoch's model of every seed.

    Returns:
      "best_epoch", of several seeds their mean; "epochs", the most of a seed; "seconds" of all;
      "cpu_seconds" of all cores from the first epoch to the end of the best one, the mean over
      the seeds; "parameters", how many numbers one model learns.
    """
    best = [one.best_epoch for one in trained]
    seconds = sum(record["seconds"] for one in trained for record in one.history)
    cpu = [cpu_seconds(one.history[: one.best_epoch + 1]) for one in trained]
    return {
        "best_epoch": best[0] if len(best) == 1 else float(np.mean(best)),
        "epochs": max(len(one.history) for one in trained),
        "seconds": round(seconds, 3),
        "cpu_seconds": None if None in cpu else round(float(np.mean(cpu)), 3),
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(trained[0].params)),
    }


def cpu_seconds(history: Sequence[Record]) -> float | None:
    """Of epochs on all cores; None where some were trained before that was recorded.

    >>> cpu_seconds([{"cpu_seconds": 1.5}, {"cpu_seconds": 0.5}]), cpu_seconds([{"seconds": 1.0}])
    (2.0, None)
    """
    if any("cpu_seconds" not in record for record in history):
        return None
    return sum(record["cpu_seconds"] for record in history)
