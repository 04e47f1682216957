"""Sweeps: python -m launch.sweep --sweep=FILE --flagfile=launch/tiktok.flags."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from absl import app
from absl import flags as absl_flags

from kdiffe_jax.config import Config
from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.studies import figures, sweep_report
from kdiffe_jax.studies.gather import read_history
from kdiffe_jax.studies.plan import changed
from kdiffe_jax.studies.search import DIVERGED, DONE, PRUNED, RUNNING, Trial, propose, should_prune
from kdiffe_jax.studies.sweep_file import Sweep, read_sweep
from kdiffe_jax.studies.tables import value_text
from kdiffe_jax.training.run_directory import CHECKPOINTS, RunDirectory
from launch import flags
from launch.command import guarded
from launch.jobs import Ended, Job, run_jobs
from launch.study import define_many

FLAGS = absl_flags.FLAGS
_TRIALS = "trials.json"


def define(values: absl_flags.FlagValues) -> None:
    """Registers every flag of the command."""
    flags.define(values)
    absl_flags.DEFINE_string("sweep", None, "what is tried: TOML or JSON", flag_values=values)
    define_many(values)


def main(argv: Sequence[str]) -> int:
    """Runs the command; see `guarded` for the exit status."""
    return guarded(lambda: _command(argv), FLAGS, interrupted="stopped; the same command continues")


def _command(argv: Sequence[str]) -> None:
    define(FLAGS)
    app.define_help_flags()
    flags.parse(argv, FLAGS)
    if not FLAGS.sweep:
        raise ConfigError("--sweep is needed: a file that says what is tried; see docs/studies.md")
    if FLAGS.workdir or FLAGS.mode != "train":
        raise ConfigError("--workdir and --mode are for one run; a sweep has --out")
    print(_run(read_sweep(FLAGS.sweep)))


def _run(sweep: Sweep) -> str:
    base = flags.config(FLAGS)
    if base.eval.selection != "valid":
        raise ConfigError("a sweep chooses on validation; leave out --selection=test")
    base = changed(base, {"score_test": False})
    path = FLAGS.out or f"runs/{FLAGS.dataset}-{Path(FLAGS.sweep).stem}"
    out = RunDirectory(path, option="--out")
    described = json.loads(json.dumps(sweep._asdict()))
    with out.claim({"sweep": described, **flags.data_identity(FLAGS), **base.to_flat()}):
        search = Search(sweep, base, out)
        run_jobs(
            search.next_job,
            search.on_end,
            data_flags=flags.data_flags(FLAGS),
            parallel=FLAGS.parallel,
            should_stop=search.should_stop,
        )
        return _write(search, out)


class Search:
    """The trials of a sweep and their runs.

    Args:
      sweep: what is tried.
      base: what all trials share.
      out: a claimed directory; trials that stand there already are taken up.
    """

    def __init__(self, sweep: Sweep, base: Config, out: RunDirectory):
        self.sweep, self.metric = sweep, base.eval.selection_metric
        self._base, self._out = base, out
        self.trials = _read_trials(out.path / _TRIALS)
        self._waiting = [trial for trial in self.trials if trial.state == RUNNING]

    def next_job(self) -> Job | None:
        """The run of a trial that was broken off, then of the next one."""
        if self._waiting:
            return self._job(self._waiting.pop(0))
        values = propose(self.sweep, self.trials)
        if values is None:
            return None
        trial = Trial(len(self.trials), values)
        job = self._job(trial)
        self.trials.append(trial)
        self._save()
        return job

    def should_stop(self, job: Job) -> bool:
        """Follows a trial's validation curve; True where it is to be pruned."""
        trial = self._of(job)
        curve = self._curve(job)
        for epoch in range(len(trial.curve), len(curve)):
            trial = trial._replace(curve=curve[: epoch + 1])
            self.trials[trial.number] = trial
            if should_prune(trial, self.trials, self.sweep.pruning):
                return True
        return False

    def on_end(self, job: Job, end: Ended) -> None:
        """Notes how a trial ended; its checkpoints are of no more use."""
        trial = self._of(job)
        if end.stopped:
            trial = trial._replace(state=PRUNED)
        else:
            state = DIVERGED if end.result is None else DONE
            trial = trial._replace(state=state, curve=self._curve(job))
        self.trials[trial.number] = trial
        self._save()
        shutil.rmtree(job.workdir / CHECKPOINTS, ignore_errors=True)
        values = ", ".join(f"{n} {value_text(v)}" for n, v in trial.values.items())
        score = "-" if trial.score is None else f"{trial.score:.4f}"
        print(
            f"trial {trial.number} (of {self.sweep.trials}) {trial.state}: {values}: "
            f"validation {self.metric} {score}, {len(trial.curve)} epochs",
            flush=True,
        )

    def _job(self, trial: Trial) -> Job:
        name = f"trial-{trial.number:04d}"
        return Job(name, self._out.path / name, changed(self._base, trial.values))

    def _of(self, job: Job) -> Trial:
        return self.trials[int(job.name.rpartition("-")[2])]

    def _curve(self, job: Job) -> tuple[float, ...]:
        return tuple(record["valid"][self.metric] for record in read_history(job.workdir))

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


def _write(search: Search, out: RunDirectory) -> str:
    trials, metric = search.trials, search.metric
    text = sweep_report.table(trials, metric)
    out.write("table.md", (text + "\n").encode())
    out.write("trials.csv", sweep_report.trials_csv(trials, metric))
    written = ["table.md", "trials.csv"]
    if all(trial.score is None for trial in trials):
        return f"\n{text}\n\n{out.path}: no trial came to a score; {', '.join(written)}"
    out.write("best.flags", sweep_report.best_flags(trials, metric))
    out.write("figure.png", figures.draw(sweep_report.parts(search.sweep, trials, metric)))
    written += ["best.flags", "figure.png"]
    return (
        f"\n{text}\n\n{out.path}: {', '.join(written)}\n"
        f"the test split was not scored; train the best with --flagfile={out.path / 'best.flags'}"
    )


def entry() -> None:
    """The console command."""
    sys.exit(main(sys.argv))


if __name__ == "__main__":
    entry()
