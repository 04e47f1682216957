"""The trials of a sweep as jobs: proposed, grouped, followed, and noted in trials.json."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from kdiffe_jax.config import Config
from kdiffe_jax.errors import RunError
from kdiffe_jax.studies.gather import read_history
from kdiffe_jax.studies.plan import changed
from kdiffe_jax.studies.search import DIVERGED, DONE, PRUNED, RUNNING, Trial, propose, should_prune
from kdiffe_jax.studies.sweep_file import Sweep
from kdiffe_jax.studies.tables import value_text
from kdiffe_jax.training.run_directory import CHECKPOINTS, RunDirectory
from kdiffe_jax.training.shapes import shape_of
from launch.jobs import Ended, Job

_TRIALS = "trials.json"


class TrialRuns:
    """The trials of a sweep and their runs.

    Args:
      sweep: what is tried.
      base: what all trials share.
      out: a claimed directory; trials that stand there already are taken up.
      at_once: most trials in one program; with 1 each trial is a run of `launch.main`.
    """

    def __init__(self, sweep: Sweep, base: Config, out: RunDirectory, *, at_once: int):
        self.sweep, self.metric = sweep, base.eval.selection_metric
        self._base, self._out, self._at_once = base, out, at_once
        self.trials = _read_trials(out.path / _TRIALS)
        self._numbers: dict[str, list[int]] = {}
        broken_off: dict[int, list[Trial]] = {}
        for trial in self.trials:
            if trial.state == RUNNING:
                first = trial.number if trial.group is None else trial.group
                broken_off.setdefault(first, []).append(trial)
        self._broken_off = list(broken_off.values())

    def next_job(self) -> Job | None:
        """What was broken off, then the next trial or trials."""
        trials = self._broken_off.pop(0) if self._broken_off else self._next_trials()
        if not trials:
            return None
        alone = trials[0].group is None
        name = f"{'trial' if alone else 'group'}-{trials[0].number:04d}"
        self._numbers[name] = [trial.number for trial in trials]
        group = None if alone else self._group_file(name, trials)
        return Job(name, self._out.path / name, self._config(trials[0]), group)

    def should_stop(self, job: Job) -> bool:
        """Follows a trial's validation curve; True where it is to be pruned."""
        if job.group is not None:
            return False
        (number,) = self._numbers[job.name]
        curve = self._curve(job)
        for epoch in range(len(self.trials[number].curve), len(curve)):
            self.trials[number] = self.trials[number]._replace(curve=curve[: epoch + 1])
            if should_prune(self.trials[number], self.trials, self.sweep.pruning):
                return True
        return False

    def on_end(self, job: Job, end: Ended) -> None:
        """Notes how the trials of a job ended; their checkpoints are of no more use."""
        for position, number in enumerate(self._numbers[job.name]):
            trial = self.trials[number]
            if end.stopped:
                trial = trial._replace(state=PRUNED)
            elif job.group is not None:
                own = end.result["trials"][position]
                trial = trial._replace(state=own["state"], curve=tuple(own["curve"]))
            else:
                state = DIVERGED if end.result is None else DONE
                trial = trial._replace(state=state, curve=self._curve(job))
            self.trials[number] = trial
            print(self._line(trial), flush=True)
        self._save()
        shutil.rmtree(job.workdir / CHECKPOINTS, ignore_errors=True)

    def _next_trials(self) -> list[Trial]:
        """The next proposals that one program can train."""
        found: list[Trial] = []
        while len(found) < self._at_once:
            so_far = [*self.trials, *found]
            values = propose(self.sweep, so_far)
            if values is None:
                break
            first = found[0].number if found else len(so_far)
            trial = Trial(len(so_far), values, group=first if self._at_once > 1 else None)
            if found and shape_of(self._config(trial)) != shape_of(self._config(found[0])):
                break
            found.append(trial)
        if found:
            self.trials += found
            self._save()
        return found

    def _group_file(self, name: str, trials: list[Trial]) -> Path:
        """What the program of a group reads; written once, so that a later start reads the same."""
        file = self._out.path / f"{name}.json"
        if not file.is_file():
            content = {
                "trials": [trial.values for trial in trials],
                "pruning": self.sweep.pruning,
                "peers": [trial.curve for trial in self.trials if trial.state == DONE],
            }
            self._out.write(file.name, (json.dumps(content) + "\n").encode())
        return file

    def _config(self, trial: Trial) -> Config:
        return changed(self._base, trial.values)

    def _curve(self, job: Job) -> tuple[float, ...]:
        return tuple(record["valid"][self.metric] for record in read_history(job.workdir))

    def _line(self, trial: Trial) -> str:
        values = ", ".join(f"{name} {value_text(v)}" for name, v in trial.values.items())
        score = "-" if trial.score is None else f"{trial.score:.4f}"
        return (
            f"trial {trial.number} (of {self.sweep.trials}) {trial.state}: {values}: "
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
        raise RunError(f"{file}: not readable: {error}") from error
