"""Sweeps: python -m launch.sweep [--sweep=FILE] --flagfile=launch/tiktok.flags."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from absl import flags as absl_flags

from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.models.registry import changed, options_of, variant
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.studies import figures, sweep_report
from kdiffe_jax.studies.search import propose
from kdiffe_jax.studies.sweep_file import Sweep, own_grid, read_sweep
from kdiffe_jax.training.selection import check_selection_metric
from kdiffe_jax.training.suits import check_suits
from launch import flags
from launch.command import Command
from launch.jobs import Ended, Job, run_jobs
from launch.progress import count_bar
from launch.shown import show_markdown
from launch.study import define_many, refuse_baselines, refuse_of_one_run
from launch.trial_runs import TrialRuns


def define(argv: Sequence[str], values: absl_flags.FlagValues) -> None:
    """Registers every flag of the command, for the model that the command line names.

    Raises:
      ConfigError: as `flags.define`.
    """
    absl_flags.DEFINE_string(
        "sweep", None, "what is tried: TOML or JSON [the model's own grid]", flag_values=values
    )
    define_many(values)
    flags.define(argv, values)


def _work(values: absl_flags.FlagValues) -> None:
    refuse_of_one_run(values, "a sweep")
    refuse_baselines(values, "a sweep")
    check_selection_metric(flags.config(values))
    figures.figure_class()
    dataset = flags.load(values)
    base = flags.config(values, content=dataset.has_content)
    show_markdown(_run(_described(base, values), base, dataset, values))


def _described(base: Config, values: absl_flags.FlagValues) -> Sweep:
    """The file's sweep, or the model's grid without what is given."""
    of_variant = variant(values.variant, base.model).keys()
    if not values.sweep:
        given = {name for name in options_of(base.model) if values[name].present}
        return own_grid(base, given | of_variant)
    described = read_sweep(values.sweep, base)
    for name in sorted(described.parameters.keys() & of_variant):
        raise ConfigError(
            f"{values.sweep}: parameters.{name}: --variant={values.variant} sets it; leave one out"
        )
    return described


def _run(sweep: Sweep, base: Config, dataset: Dataset, values: absl_flags.FlagValues) -> str:
    if base.eval.selection != "valid":
        raise ConfigError("a sweep chooses on validation; leave out --selection=test")
    if base.train.num_seeds > 1:
        raise ConfigError("--num_seeds is for one run; a sweep can have seed among its parameters")
    base = changed(base, {"score_test": False})
    check_suits(dataset, changed(base, propose(sweep, []) or {}), flags.limits(values))
    name = Path(values.sweep).stem if values.sweep else "grid"
    path = values.out or f"runs/{flags.dataset_name(values)}-{base.model}-{name}"
    out = RunDirectory(path, option="--out")
    described = json.loads(json.dumps(sweep._asdict()))
    data = {**flags.data_identity(values), "data_sha256": dataset.fingerprint()}
    with out.claim({"sweep": described, **data, **base.to_flat()}):
        runs = TrialRuns(sweep, base, out)

        def on_end(job: Job, end: Ended) -> None:
            runs.on_end(job, end)
            done(1)

        with count_bar(sweep.trials - runs.ended, "trials") as done:
            run_jobs(
                runs.next_job,
                on_end,
                data_flags=flags.data_flags(values),
                parallel=values.parallel,
                should_stop=runs.should_stop,
            )
        return _write(runs, base.model, out, values)


def _write(runs: TrialRuns, model: str, out: RunDirectory, values: absl_flags.FlagValues) -> str:
    trials, metric = runs.trials, runs.metric
    text = sweep_report.table(trials, metric)
    out.write("table.md", (text + "\n").encode())
    out.write("trials.csv", sweep_report.trials_csv(trials, metric))
    written = ["table.md", "trials.csv"]
    if all(trial.score is None for trial in trials):
        show_markdown(f"\n{text}\n")
        raise RunError(f"{out.path}: no trial came to a score; {', '.join(written)} say why")
    out.write("best.flags", sweep_report.best_flags(trials, metric, model))
    parts = sweep_report.parts(runs.sweep, trials, metric)
    out.write("figure.png", figures.draw(parts, columns=2 if len(parts) in (2, 4) else 3))
    written += ["best.flags", "figure.png"]
    return (
        f"\n{text}\n\n{out.path}: {', '.join(written)}\n"
        f"the test split was not scored; train the best with\n{_command(runs, model, out, values)}"
    )


def _command(runs: TrialRuns, model: str, out: RunDirectory, values: absl_flags.FlagValues) -> str:
    """What trains the best trial: its values, the data and what all trials had."""
    common = options_of(model).keys() - runs.sweep.parameters.keys() - {"score_test"}
    names = ["preset", "variant", *sorted(common)]
    own = [values[name].serialize() for name in names if values[name].present]
    words = [f"--flagfile={out.path / 'best.flags'}", *flags.data_flags(values), *own]
    return shlex.join(["python", "-m", "launch.main", *words])


_COMMAND = Command(__doc__, define, _work, interrupted="stopped; the same command continues")
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
