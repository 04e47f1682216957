"""All baselines of a data set: tuned, scored on both splits, kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from kdiffe_jax.baselines.cache import cached
from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.evaluation.split_scores import score_split
from kdiffe_jax.models.fitting import fit_closed_form, grid_points
from kdiffe_jax.models.registry import make_config, model_class

# The metrics of each user that are kept for paired tests.
PAIRED_METRICS = ("recall@20", "ndcg@20")


def score_baselines(
    eval_data: EvalData,
    settings: BaselineSettings,
    *,
    cache_dir: Path | None,
    log: Callable[[str], None],
    phase: Callable[[str], AbstractContextManager] = nullcontext,
) -> dict[str, dict[str, Any]]:
    """The scores of every baseline that is asked for, by name.

    Args:
      eval_data: data, splits and how to choose.
      settings: which baselines, and the limit of EASE.
      cache_dir: where scores are kept; None keeps none.
      log: receives a line when a baseline is to be tuned, and one when it is computed or left out.
      phase: gives a block for each that is computed, by its name.

    Returns:
      For each "hyper_parameters", "seconds", "valid", "test", "cold", "beyond_accuracy" and
      "per_user"; for one that cannot be had "left_out" alone, with the reason.
    """
    found = {}
    for name in settings.names():
        compute = partial(_score, name, eval_data, log, phase)
        reason = _too_large(name, eval_data, settings)
        if reason:
            found[name] = _left_out(name, reason, log)
            continue
        try:
            found[name] = (
                compute()
                if cache_dir is None
                else cached(name, eval_data, compute, directory=cache_dir, log=log)
            )
        except ConfigError as error:
            found[name] = _left_out(name, str(error), log)
    return found


def _too_large(name: str, eval_data: EvalData, settings: BaselineSettings) -> str | None:
    needed = model_class(name).memory_gb(eval_data.n_items)
    if needed <= settings.ease_memory_gb:
        return None
    return (
        f"{eval_data.n_items:,} items need {needed:,.1f} GB, the limit is "
        f"{settings.ease_memory_gb:g} (--ease_memory_gb)"
    )


def _left_out(name: str, reason: str, log: Callable[[str], None]) -> dict[str, str]:
    log(f"baseline {name}: left out: {reason}")
    return {"left_out": reason}


def _score(
    name: str,
    eval_data: EvalData,
    log: Callable[[str], None],
    phase: Callable[[str], AbstractContextManager],
) -> dict[str, Any]:
    begun = time.perf_counter()
    settings = len(grid_points(model_class(name).grid))
    if settings > 1:
        log(f"baseline {name}: climbing among {settings} settings on validation")
    with phase(f"baseline {name}"):
        chosen, fitted = fit_closed_form(make_config({"model": name}), eval_data)
        popularity = eval_data.popularity()
        valid, test = (
            score_split(fitted.lists, task, popularity, n_users=eval_data.n_users)
            for task in (eval_data.valid, eval_data.test)
        )
    seconds = round(time.perf_counter() - begun, 3)
    words = ", ".join(f"{key} {value}" for key, value in chosen.items())
    log(f"baseline {name}: {words + ', ' if words else ''}{seconds:.1f} s")
    return {
        "hyper_parameters": chosen,
        "seconds": seconds,
        "valid": valid.means(),
        "test": test.means(),
        "cold": {"valid": valid.cold, "test": test.cold},
        "beyond_accuracy": test.beyond_accuracy,
        "per_user": {metric: test.per_user[metric].tolist() for metric in PAIRED_METRICS},
    }
