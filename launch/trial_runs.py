"""The trials of a sweep as jobs: proposed, followed, and noted in trials.json."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from kdiffe_jax.config import Config
from kdiffe_jax.errors import RunError, one_line
from kdiffe_jax.models.registry import changed
from kdiffe_jax.report.run_files import read_history
from kdiffe_jax.storage.run_directory import CHECKPOINTS, RunDirectory
from kdiffe_jax.studies.search import DIVERGED, DONE, PRUNED, RUNNING, Trial, propose, should_prune
from kdiffe_jax.studies.sweep_file import Sweep
from kdiffe_jax.studies.tables import value_text
from launch.jobs import Ended, Job
from launch.time_left import TimeLeft

_TRIALS = "trials.json"


class TrialRuns:
    """The trials of a sweep and their runs.

    Args:
      out: a claimed directory; trials that stand there already are taken up.
    """

    def __init__(self, sweep: Sweep, base: Config, out: RunDirectory):
        self.sweep, self.metric = sweep, base.eval.selection_metric
        self._base, self._out = base, out
        self.trials = _read_trials(out.path / _TRIALS)
        self._broken_off = [trial.number for trial in self.trials if trial.state == RUNNING]
        self._numbers: dict[str, int] = {}
        self.ended = len(self.trials) - len(self._broken_off)  #: before this command
        self._left = TimeLeft(sweep.trials, self.ended)
        for _ in range(self.ended):
            self._left.ended(waited_for=False)

    def next_job(self) -> Job | None:
        """What was broken off, then the next trial."""
        if self._broken_off:
            trial = self.trials[self._broken_off.pop(0)]
        else:
            values = propose(self.sweep, self.trials)
            if values is None:
                return None
            trial = Trial(len(self.trials), values)
            self.trials.append(trial)
            self._save()
        name = f"trial-{trial.number:04d}"
        self._numbers[name] = trial.number
        return Job(name, self._out.path / name, changed(self._base, trial.values))

    def should_stop(self, job: Job) -> bool:
        """Follows a trial's validation curve; True where it is to be pruned."""
        number, curve = self._numbers[job.name], self._curve(job)
        for epoch in range(len(self.trials[number].curve), len(curve)):
            self.trials[number] = self.trials[number]._replace(curve=curve[: epoch + 1])
            if should_prune(self.trials[number], self.trials, self.sweep.pruning):
                return True
        return False

    def on_end(self, job: Job, end: Ended) -> None:
        """Notes how the trial of a job ended; its checkpoints are of no more use."""
        number = self._numbers[job.name]
        trial = self.trials[number]
        if end.stopped:
            trial = trial._replace(state=PRUNED)
        elif end.result is None:
            trial = trial._replace(state=DIVERGED, curve=self._curve(job))
        else:
            curve = self._curve(job) or (end.result["valid"][self.metric],)
            trial = trial._replace(state=DONE, curve=curve)
        self.trials[number] = trial
        print(f"{self._line(trial)}; {self._left.ended()}", flush=True)
        self._save()
        shutil.rmtree(job.workdir / CHECKPOINTS, ignore_errors=True)

    def _curve(self, job: Job) -> tuple[float, ...]:
        return tuple(record["valid"][self.metric] for record in read_history(job.workdir))

    def _line(self, trial: Trial) -> str:
        values = ", ".join(f"{name} {value_text(v)}" for name, v in trial.values.items())
        score = "-" if trial.score is None else f"{trial.score:.4f}"
        return (
            f"trial {trial.number} {trial.state}: {values}: "
            f"validation {self.metric} {score}, {len(trial.curve)} epochs"
        )

    def _save(self) -> None:
        trials = [trial._asdict() for trial in self.trials]
        self._out.write(_TRIALS, (json.dumps(trials, indent=1) + "\n").encode())


def _read_trials(file: Path) -> list[Trial]:
    if not file.is_file():
        return []
    try:
        trials = json.loads(file.read_text(encoding="utf-8"))
        return [Trial(**{**t, "curve": tuple(t["curve"])}) for t in trials]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{file}: not readable: {one_line(error)}") from error
