"""Which epoch is the best, and when to stop."""

from __future__ import annotations

from typing import Any

from kdiffe_jax.config import Config
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.evaluation.metrics import METRICS
from kdiffe_jax.evaluation.ranking import CUTOFFS

Record = dict[str, Any]
#: what a record has of its epoch's time: on the clock, and of all cores of this process
TIMES = ("seconds", "cpu_seconds")


def selection_score(record: Record, config: Config) -> float:
    """The number by which an epoch is chosen: the configured metric on the configured split.

    Where nothing is ranked a later epoch is better than all before it.
    """
    if config.eval.selection not in record:
        return float(record["epoch"])
    return record[config.eval.selection][config.eval.selection_metric]


def selection_scores(history: list[Record], config: Config) -> list[float]:
    """`selection_score` of every epoch."""
    return [selection_score(record, config) for record in history]


def check_selection_metric(config: Config) -> None:
    """Refuses a selection metric that no epoch will have.

    Raises:
      ConfigError: a metric that is not computed.
    """
    name, _, cutoff = config.eval.selection_metric.partition("@")
    if name not in METRICS or cutoff not in {str(k) for k in CUTOFFS}:
        raise ConfigError(
            f"selection_metric = {config.eval.selection_metric!r}: expected one of "
            f"{', '.join(METRICS)} at one of {', '.join(map(str, CUTOFFS))}, such as recall@20"
        )


def best_epoch(history: list[Record], config: Config) -> int:
    """The epoch with the highest selection score, the earliest of equals."""
    best = max(history, key=lambda r: (selection_score(r, config), -r["epoch"]))
    return best["epoch"]


def out_of_patience(history: list[Record], config: Config) -> bool:
    """Whether as many epochs as patience allows went by without a better one."""
    if not history:
        return False
    return len(history) - 1 - best_epoch(history, config) >= config.train.patience


def splits_ranked(config: Config) -> list[str]:
    """The splits whose metrics an epoch has: validation, and the one that selects."""
    return sorted({"valid", config.eval.selection}, reverse=True)
