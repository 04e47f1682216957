"""The rows of a leaderboard: run directories read, held to be comparable, merged over seeds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.config import SharedConfig
from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.models.registry import MODELS, options_of
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.studies.gather import Outcome, read_outcomes
from kdiffe_jax.studies.paired import user_means

_OF_SEEDS = ("seed", "num_seeds", "ensemble")
_NO_SETTING = ("model", "data_sha256", "ids_sha256", *_OF_SEEDS)
_NEEDED = ("model", "dataset", "selection", "selection_metric", "best_epoch", "epochs", "seconds")
_MISSING = object()


@dataclasses.dataclass(frozen=True)
class Row:
    """One configuration with all its seeds.

    Attributes:
      name: given, or what result.json shows the model as.
      runs: the run directories.
      config: config.json without seeds and what has no meaning for the model.
      outcomes: one a seed, in their order.
      p: of the paired test against the row that the notes name, Holm-corrected; None without.
    """

    name: str
    runs: tuple[Path, ...]
    config: Mapping[str, Any]
    outcomes: tuple[Outcome, ...]
    p: float | None = None

    @property
    def result(self) -> dict[str, Any]:
        """What result.json holds of the first seed."""
        return self.outcomes[0].result

    @property
    def seeds(self) -> list[int]:
        """The seeds; of a closed form none."""
        return [outcome.seed for outcome in self.outcomes] if self.result["epochs"] else []

    @property
    def has_users(self) -> bool:
        """Whether each test user's metrics are kept."""
        return all(outcome.per_user.is_file() for outcome in self.outcomes)

    @property
    def best_epoch(self) -> float | None:
        """The mean over the seeds; None of a model that is fitted."""
        if not self.result["epochs"]:
            return None
        return float(np.mean([outcome.result["best_epoch"] for outcome in self.outcomes]))

    @property
    def seconds(self) -> float:
        """Of training, the mean over the seeds."""
        return float(np.mean([outcome.result["seconds"] for outcome in self.outcomes]))

    def scores(self, split: str, metric: str) -> list[float]:
        """A score of every seed; empty where the split was not scored."""
        return self.figures((split, metric))

    def figures(self, path: Sequence[str]) -> list[float]:
        """A figure of every seed by where it is in its result; of those that have it."""
        found = [_at(outcome.result, path) for outcome in self.outcomes]
        return [figure for figure in found if figure is not None]

    def users(self, metric: str) -> tuple[np.ndarray, np.ndarray] | None:
        """The test users and each one's metric, the mean over seeds; None where they are not kept.

        Raises:
          RunError: a file is damaged.
        """
        return user_means(self.outcomes, metric) if self.has_users else None


def read_rows(run_dirs: Sequence[str | Path], names: Sequence[str] | None = None) -> list[Row]:
    """Reads finished runs; those that differ by the seed alone are one row.

    Args:
      run_dirs: of `launch.main`. A directory that is given twice counts once.
      names: what each run is called; runs of other names are other rows.

    Raises:
      ConfigError: no runs, or another number of names.
      RunError: a run is not finished or damaged; the runs are of different data, were scored on
        different users, or one seed of a configuration is there twice.
    """
    if not run_dirs:
        raise ConfigError("no runs to compare; name the directories of finished runs")
    if names is not None and len(names) != len(run_dirs):
        raise ConfigError(f"{len(names)} names for {len(run_dirs)} runs; give one a run")
    wanted: dict[Path, tuple[Path, str | None]] = {}
    for place, run in enumerate(map(Path, run_dirs)):
        wanted.setdefault(run.resolve(), (run, None if names is None else names[place]))
    _check_finished([run for run, _ in wanted.values()])
    rows = [_row(run, name) for run, name in wanted.values()]
    _check_comparable(rows)
    merged: dict[str, Row] = {}
    for row in rows:
        key = _text([row.name, row.config])
        merged[key] = _together(merged[key], row) if key in merged else row
    return list(merged.values())


def differing_settings(rows: Sequence[Row]) -> list[str]:
    """The options that have several values in the rows of those models that have them."""
    found = []
    for name in dict.fromkeys(name for row in rows for name in row.config):
        models = {row.config["model"] for row in rows if name in row.config}
        of = [row.config for row in rows if row.config["model"] in models]
        values = {_text(c[name]) if name in c else _MISSING for c in of}
        if len(values) > 1 and name not in _NO_SETTING:
            found.append(name)
    return found


def _check_finished(runs: Sequence[Path]) -> None:
    """Refuses all that is no finished run in one line."""
    absent = [str(run) for run in runs if not run.is_dir()]
    if absent:
        raise RunError(f"{', '.join(absent)}: no such run directory")
    many = [run for run in runs if {"study", "sweep"} & (RunDirectory(run).config() or {}).keys()]
    if many:
        raise RunError(f"{many[0]}: holds many runs; name them, such as {many[0]}/*/seed*")
    again = [run for run in runs if "refit" in (RunDirectory(run).result() or {})]
    if again:
        raise RunError(
            f"{again[0]}: was trained again on all interactions, so nothing is left to score it "
            "by; compare the run that it repeats"
        )
    open_ = [str(run) for run in runs if RunDirectory(run).result() is None]
    if open_:
        raise RunError(f"{', '.join(open_)}: not finished; train to the end, or leave it out")


def _row(run: Path, name: str | None) -> Row:
    config = RunDirectory(run).config() or {}
    result = RunDirectory(run).result() or {}
    missing = [key for key in _NEEDED if key not in result] + ["valid"] * ("valid" not in result)
    if missing or "model" not in config:
        raise RunError(f"{run}: its result.json or config.json lacks {(missing or ['model'])[0]!r}")
    try:
        outcomes = read_outcomes("", run)
    except (KeyError, TypeError) as error:
        raise RunError(f"{run}: metrics.jsonl or result.json is damaged ({error!r})") from error
    shown = name if name is not None else result.get("shown_as", result["model"])
    return Row(" ".join(shown.split()), (run,), _own_config(config), tuple(outcomes))


def _own_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Without seeds, and without shared options that have no meaning for the model."""
    left_out = {*_OF_SEEDS}
    if config["model"] in MODELS:
        left_out |= SharedConfig.all_options().keys() - options_of(config["model"]).keys()
    return {name: value for name, value in config.items() if name not in left_out}


def _check_comparable(rows: Sequence[Row]) -> None:
    first = rows[0]
    for row in rows[1:]:
        (run,), (other,) = first.runs, row.runs
        if _data_of(first)[0] != _data_of(row)[0]:
            names = f"{_data_of(first)[1]} and {_data_of(row)[1]}"
            raise RunError(
                f"{run} and {other} are of different data ({names}); compare runs of one data set"
            )
        if first.config.get("mask_valid") != row.config.get("mask_valid"):
            raise RunError(
                f"{run} and {other}: one left validation items out at test and the other did not "
                "(mask_valid); compare runs that rank the same items"
            )
        counts = [of.result.get("users_scored", {}) for of in (first, row)]
        if any(counts[0][name] != counts[1][name] for name in counts[0].keys() & counts[1].keys()):
            raise other_users(first, row)


def _data_of(row: Row) -> tuple[str, str]:
    """What tells the data apart, and what they are called in a message."""
    name, checksum = row.result["dataset"], row.config.get("data_sha256")
    return (name, name) if checksum is None else (checksum, f"{name} {checksum[:8]}")


def other_users(first: Row, second: Row) -> RunError:
    """Of two rows that nothing pairs."""
    return RunError(
        f"{first.runs[0]} and {second.runs[0]} were scored on different users; compare runs with "
        "the same"
    )


def _together(first: Row, second: Row) -> Row:
    twice = {o.seed for o in first.outcomes} & {o.seed for o in second.outcomes}
    if twice:
        seed = f" and seed {min(twice)}" if first.seeds else ""
        raise RunError(
            f"{first.runs[0]} and {second.runs[0]}: the same configuration{seed}; name one of them"
        )
    outcomes = sorted(first.outcomes + second.outcomes, key=lambda outcome: outcome.seed)
    return dataclasses.replace(first, runs=first.runs + second.runs, outcomes=tuple(outcomes))


def _at(found: Any, path: Sequence[str]) -> Any:
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def shown_run(run: Path) -> str:
    """A run directory without where it lies on a machine.

    >>> shown_run(Path("runs/best")), shown_run(Path("/home/ann/shop/runs/best"))
    ('runs/best', 'runs/best')
    """
    return str(Path(*run.parts[-2:]) if run.is_absolute() else run)
