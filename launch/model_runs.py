"""The runs of the study of models as jobs: what tunes a model, then what is reported of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.studies.models_plan import Setting, best_point, tuning_seeds
from launch.jobs import Ended, Job, ended_text
from launch.time_left import TimeLeft

TUNING, REPORTED = "tuning", "reported"


class Part(NamedTuple):
    """Which run of a setting a job is."""

    setting: Setting
    point: int
    stage: str  #: `TUNING` or `REPORTED`
    job: Job


class ModelRuns:
    """The runs of all rows, in their order; a row is reported when all that tunes it has ended.

    Args:
      settings: the rows.
      out: the claimed directory of the study.
      seeds: that are reported.
      n_tuning: seeds of each point that tunes.
    """

    def __init__(self, settings: Sequence[Setting], out: Path, seeds: range, n_tuning: int):
        self._settings, self._out, self._seeds = list(settings), out, seeds
        self._tuning_seeds = tuning_seeds(seeds[0], n_tuning)
        self.chosen: dict[str, int] = {}  #: row -> its point
        self.diverged: dict[str, str] = {}  #: row -> what to say of losses that are not finite
        self.ended: list[Part] = []  #: the runs with a result
        self._parts: dict[str, Part] = {}
        self._scores: dict[str, dict[tuple[int, int], float | None]] = {}
        self._waiting: deque[Job] = deque()
        for setting in settings:
            self._scores[setting.name] = {}
            self._waiting += self._tuning(setting) if setting.is_tuned else self._report(setting, 0)
        everything = [path for setting in settings for path in self._directories(setting)]
        self._finished = {path for path in everything if RunDirectory(path).result() is not None}
        self.total = len(everything)
        self._left = TimeLeft(self.total, len(self._finished))

    def next_job(self) -> Job | None:
        """The next one, None while tuning runs must end first."""
        return self._waiting.popleft() if self._waiting else None

    def on_end(self, job: Job, end: Ended) -> None:
        """Says how a run ended; after the last that tunes a row, its reported ones are next."""
        part = self._parts[job.name]
        if end.result is not None:
            self.ended.append(part)
        waited_for = job.workdir not in self._finished
        print(f"{ended_text(job, end)}; {self._left.ended(waited_for=waited_for)}", flush=True)
        if part.stage == REPORTED:
            if end.result is None:
                self.diverged[part.setting.name] = "a seed is left out: its loss is not finite"
            return
        metric = job.config.eval.selection_metric
        score = None if end.result is None else end.result["valid"][metric]
        scores = self._scores[part.setting.name]
        scores[part.point, job.config.train.seed] = score
        if len(scores) == len(part.setting.points) * len(self._tuning_seeds):
            self._choose(part.setting, metric)

    def _choose(self, setting: Setting, metric: str) -> None:
        scores = self._scores[setting.name]
        points = range(len(setting.points))
        by_point = [[scores[point, seed] for seed in self._tuning_seeds] for point in points]
        best = best_point(by_point)
        if best is None:
            self.diverged[setting.name] = "left out: a loss is not finite at every point"
            return
        mean = np.mean([score for score in by_point[best] if score is not None])
        print(f"{setting.name}: {setting.shown(best)}, validation {metric} {mean:.4f}", flush=True)
        self._waiting.extendleft(reversed(self._report(setting, best)))

    def _tuning(self, setting: Setting) -> list[Job]:
        points = range(len(setting.points))
        return [
            self._job(setting, point, TUNING, seed)
            for point in points
            for seed in self._tuning_seeds
        ]

    def _report(self, setting: Setting, point: int) -> list[Job]:
        self.chosen[setting.name] = point
        return [self._job(setting, point, REPORTED, seed) for seed in self._reported(setting)]

    def _reported(self, setting: Setting) -> range:
        return self._seeds if setting.is_trained else range(1)

    def _job(self, setting: Setting, point: int, stage: str, seed: int) -> Job:
        name, make = f"{setting.name}, seed {seed}", setting.reported
        if stage == TUNING:
            name, make = f"{setting.name}, point {point}, seed {seed}", setting.tuning
        if not setting.is_trained:
            name = setting.name
        job = Job(name, self._directory(setting, point, stage, seed), make(point, seed))
        self._parts[name] = Part(setting, point, stage, job)
        return job

    def _directories(self, setting: Setting) -> list[Path]:
        tried = range(len(setting.points)) if setting.is_tuned else ()
        found = [
            self._directory(setting, p, TUNING, seed) for p in tried for seed in self._tuning_seeds
        ]
        reported = self._reported(setting)
        return found + [self._directory(setting, 0, REPORTED, seed) for seed in reported]

    def _directory(self, setting: Setting, point: int, stage: str, seed: int) -> Path:
        tuned = [f"tune{point}"] if stage == TUNING else []
        return self._out.joinpath(setting.directory, *tuned, f"seed{seed}")
