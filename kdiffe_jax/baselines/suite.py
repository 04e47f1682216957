"""All baselines of a data set: tuned, scored on both splits, kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.assessment import assess
from kdiffe_jax.baselines.bench import Bench, tune
from kdiffe_jax.baselines.cache import cached
from kdiffe_jax.baselines.ease import Ease, ease_memory_gb
from kdiffe_jax.baselines.lightgcn import LightGCN
from kdiffe_jax.baselines.most_popular import fit_most_popular
from kdiffe_jax.baselines.rp3beta import RP3beta
from kdiffe_jax.baselines.settings import FIXED, BaselineSettings, grid
from kdiffe_jax.rankers import Ranker

Fit = Callable[..., Ranker]
# What makes the function that fits one point of the grid.
PREPARE: dict[str, Callable[[Bench], Fit]] = {
    "most_popular": lambda bench: partial(fit_most_popular, bench),
    "rp3beta": lambda bench: partial(RP3beta(bench).fit, **FIXED["rp3beta"]),
    "ease": lambda bench: Ease(bench).fit,
    "lightgcn": lambda bench: LightGCN(bench, **FIXED["lightgcn"]).fit,
}
# The metric of each user that is kept for paired tests.
PAIRED_METRIC = "recall@20"


def score_baselines(
    bench: Bench,
    settings: BaselineSettings,
    *,
    cache_dir: Path | None,
    say: Callable[[str], None],
) -> dict[str, dict[str, Any]]:
    """The scores of every baseline that is asked for, by name.

    Args:
      bench: data, splits and how to choose.
      settings: which baselines, and the limit of EASE.
      cache_dir: where scores are kept; None keeps none.
      say: receives one line a baseline that is computed or left out.

    Returns:
      For each "hyper_parameters", "seconds", "valid", "test", "cold", "beyond_accuracy" and
      "per_user"; for one that cannot be had "left_out" alone, with the reason.
    """
    found = {}
    for name in settings.names():
        compute = partial(_score, name, bench, say)
        reason = _too_large(name, bench, settings)
        if reason:
            found[name] = _left_out(name, reason, say)
            continue
        try:
            found[name] = (
                compute()
                if cache_dir is None
                else cached(name, bench, compute, directory=cache_dir, say=say)
            )
        except np.linalg.LinAlgError as error:
            found[name] = _left_out(name, str(error), say)
    return found


def _too_large(name: str, bench: Bench, settings: BaselineSettings) -> str | None:
    needed = ease_memory_gb(bench.n_items)
    if name != "ease" or needed <= settings.ease_memory_gb:
        return None
    return (
        f"{bench.n_items:,} items need {needed:,.1f} GB, the limit is "
        f"{settings.ease_memory_gb:g} (--ease_memory_gb)"
    )


def _left_out(name: str, reason: str, say: Callable[[str], None]) -> dict[str, str]:
    say(f"baseline {name}: left out: {reason}")
    return {"left_out": reason}


def _score(name: str, bench: Bench, say: Callable[[str], None]) -> dict[str, Any]:
    begun = time.perf_counter()
    chosen, ranker = tune(PREPARE[name](bench), grid(name), bench)
    popularity = bench.popularity()
    valid, test = (
        assess(ranker, task, popularity, n_users=bench.n_users)
        for task in (bench.valid, bench.test)
    )
    seconds = round(time.perf_counter() - begun, 3)
    words = ", ".join(f"{key} {value}" for key, value in chosen.items())
    say(f"baseline {name}: {words + ', ' if words else ''}{seconds:.1f} s")
    return {
        "hyper_parameters": chosen,
        "seconds": seconds,
        "valid": valid.means(),
        "test": test.means(),
        "cold": {"valid": valid.cold, "test": test.cold},
        "beyond_accuracy": test.beyond_accuracy,
        "per_user": test.per_user[PAIRED_METRIC].tolist(),
    }
