"""Finished runs -> outcomes, and the tables that every study has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.errors import RunError
from kdiffe_jax.report.run_files import Record, histories_of, read_history
from kdiffe_jax.storage.run_directory import PER_USER, RunDirectory
from kdiffe_jax.studies.tables import csv_bytes, markdown, mean_text

SCORES = ("recall@20", "ndcg@20")
SPLITS = ("valid", "test")


class Outcome(NamedTuple):
    """One seed of a finished run."""

    setting: str
    seed: int  # 0 of a closed form, which has none
    result: dict[str, Any]  # of result.json, with "peak_memory_gb" of environment.json
    epoch_seconds: float  # median over the epochs after the first, which compiles
    per_user: Path
    history: Sequence[Record] = ()

    def score(self, split: str, metric: str) -> float | None:
        """A score, None where the split was not scored."""
        return self.result.get(split, {}).get(metric)


def read_outcomes(setting: str, workdir: Path) -> list[Outcome]:
    """The outcomes of a finished run: one, or one a seed of `--num_seeds`.

    Raises:
      RunError: the run is not finished, or a file is damaged.
    """
    run = RunDirectory(workdir)
    config, result = run.config() or {}, run.result()
    if result is None:
        raise RunError(f"{workdir}: this run is not finished")
    result["peak_memory_gb"] = (run.environment() or {}).get("peak_memory_gb")
    history = read_history(workdir)
    seconds = [record["seconds"] / len(record.get("seeds", [None])) for record in history]
    median = float(np.median(seconds[1:] or seconds)) if seconds else np.nan
    histories = {seed: own for seed, (own, _) in histories_of(history, result).items()}
    if "seeds" not in result:
        own = histories[None]
        return [Outcome(setting, config.get("seed", 0), result, median, workdir / PER_USER, own)]
    shared = {n: v for n, v in result.items() if n not in ("seeds", "over_seeds")}
    shared["seconds"] = result["seconds"] / len(result["seeds"])
    return [
        Outcome(setting, of["seed"], shared | of, median, workdir / PER_USER, histories[of["seed"]])
        for of in result["seeds"]
    ]


def values_of(
    outcomes: Sequence[Outcome], setting: str, split: str, metric: str
) -> dict[int, float]:
    """Seed -> score of one setting, for the runs that have it."""
    scores = {o.seed: o.score(split, metric) for o in outcomes if o.setting == setting}
    return {seed: score for seed, score in sorted(scores.items()) if score is not None}


def settings_of(outcomes: Sequence[Outcome]) -> list[str]:
    """The settings in the order in which they come."""
    return list(dict.fromkeys(outcome.setting for outcome in outcomes))


def summary_table(outcomes: Sequence[Outcome], names: Mapping[str, str]) -> str:
    """A row per setting: means with standard errors over seeds, in Markdown.

    Args:
      names: what settings are called where it is not their own name.
    """
    cells = [
        (s, m) for s in SPLITS for m in SCORES if any(o.score(s, m) is not None for o in outcomes)
    ]
    header = ["", "seeds", *(f"{s} {m}" for s, m in cells), "best epoch", "s / epoch"]
    rows = []
    for setting in settings_of(outcomes):
        mine = [o for o in outcomes if o.setting == setting]
        scores = [list(values_of(mine, setting, *cell).values()) for cell in cells]
        best = np.mean([o.result["best_epoch"] for o in mine])
        seconds = np.median([o.epoch_seconds for o in mine])
        means = map(mean_text, scores)
        name = names.get(setting, setting)
        rows.append([name, str(len(mine)), *means, f"{best:.0f}", f"{seconds:.2f}"])
    return markdown(header, rows)


def baseline_rows(outcomes: Sequence[Outcome]) -> dict[str, Mapping[str, Mapping[str, float]]]:
    """Baseline -> split -> metrics, from the first run; they do not depend on the seed."""
    found = outcomes[0].result["baselines"]
    return {
        name.replace("_", " "): {s: scores[s] for s in SPLITS if s in scores}
        for name, scores in found.items()
        if any(split in scores for split in SPLITS)
    }


def runs_csv(outcomes: Sequence[Outcome], changes: Mapping[str, Mapping[str, Any]]) -> bytes:
    """A line per run: what was changed, every score, the time.

    Args:
      changes: setting -> the overrides it stands for.
    """
    changed = list(dict.fromkeys(name for values in changes.values() for name in values))
    scored = [s for s in SPLITS if any(s in o.result for o in outcomes)]
    metrics = list(outcomes[0].result["valid"])
    planted = list(outcomes[0].result.get("planted", {}))
    header = ["setting", "seed", *changed, "best_epoch", "epochs", "epoch_seconds", "seconds"]
    header += [f"{split}_{metric}" for split in scored for metric in metrics] + planted
    rows = []
    for o in outcomes:
        row = [o.setting, o.seed, *(changes[o.setting].get(name) for name in changed)]
        row += [o.result["best_epoch"], o.result["epochs"], o.epoch_seconds, o.result["seconds"]]
        row += [o.score(split, metric) for split in scored for metric in metrics]
        rows.append(row + [o.result.get("planted", {}).get(name) for name in planted])
    return csv_bytes(header, rows)
