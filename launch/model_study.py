"""The study of models: every model as published and with our training, on one data set."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags as absl_flags

from kdiffe_jax.config import SharedConfig
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import ConfigError, DataError, RunError
from kdiffe_jax.models.registry import MODELS, options_of
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.studies import figures, models_report
from kdiffe_jax.studies.gather import read_outcomes
from kdiffe_jax.studies.models_plan import (
    COLUMNS,
    POINTS,
    SEEDS,
    TUNING_SEEDS,
    Setting,
    plan_models,
)
from kdiffe_jax.studies.models_report import Reported
from kdiffe_jax.training.selection import check_selection_metric
from kdiffe_jax.training.suits import check_suits
from launch import flags
from launch.jobs import Ended, Job, option_flags, run_jobs
from launch.model_runs import REPORTED, ModelRuns
from launch.progress import count_bar

NAME = "models"
_OWN = ("models", "columns", "points", "tuning_seeds")
_NOT_GIVEN = {
    "model": "--models=NAME,NAME says which",
    "preset": "--columns says which",
    "variant": "the columns are its variants",
    "num_seeds": "a study has --seeds",
    "selection": "it chooses on validation",
    "variants": "the columns are its variants",
    "parameters": "each model has its grid",
    "score_test": "it scores the test split of what it reports, and of nothing else",
}


def define(values: absl_flags.FlagValues) -> None:
    """Registers the flags of this study alone."""
    common = dict(flag_values=values)
    absl_flags.DEFINE_list(
        "models", [], f"of --study={NAME}: which, beside --baselines [all]", **common
    )
    absl_flags.DEFINE_list(
        "columns",
        [*COLUMNS],
        f"of --study={NAME}: models as published, with our training",
        **common,
    )
    absl_flags.DEFINE_integer(
        "points",
        POINTS,
        f"of --study={NAME}: points of a model's grid, at most; 1: as it comes, nothing is tuned",
        lower_bound=1,
        upper_bound=POINTS,
        **common,
    )
    absl_flags.DEFINE_integer(
        "tuning_seeds",
        TUNING_SEEDS,
        f"of --study={NAME}: runs of each point of a model's grid",
        lower_bound=1,
        **common,
    )


def refuse_elsewhere(values: absl_flags.FlagValues) -> None:
    """Refuses the flags of this study where another one is asked for.

    Raises:
      ConfigError: one was given.
    """
    for name in _OWN:
        if values[name].present:
            raise ConfigError(f"--{name} is for --study={NAME}")


def run(values: absl_flags.FlagValues) -> str:
    """Runs what is not finished yet, and writes the table; what is to be shown of it.

    Raises:
      ConfigError, DataError, RunError: of flags, data and directory.
    """
    given = _given(values)
    baselines = flags.baselines(values).names()
    models = [*dict.fromkeys([*baselines, *(values.models or MODELS)])]
    of = dict(points=values.points)
    plan_models(models, values.columns, given, content=True, **of)
    dataset = flags.load(values)
    settings = plan_models(models, values.columns, given, content=dataset.has_content, **of)
    for setting in settings:
        check_selection_metric(setting.config)
    identity = {"study": NAME, **flags.data_identity(values), **given}
    identity |= {"points": values.points, "tuning_seeds": values.tuning_seeds}
    identity |= {"data_sha256": dataset.fingerprint()}
    out = RunDirectory(values.out or f"runs/{flags.dataset_name(values)}-{NAME}", option="--out")
    with out.claim(identity):
        suited, left_out = _suited(settings, dataset, values)
        first = given.get("seed", 0)
        seeds = range(first, first + (values.seeds or SEEDS))
        runs = ModelRuns(suited, out.path, seeds, values.tuning_seeds)
        _run_all(runs, values)
        return _write(runs, suited, left_out, out, values)


def _given(values: absl_flags.FlagValues) -> dict[str, Any]:
    """The shared options on the command line, which hold for every model that has them."""
    for name, why in _NOT_GIVEN.items():
        if values[name].present:
            raise ConfigError(f"--{name} has no meaning for --study={NAME}: {why}")
    shared = SharedConfig.all_options()
    for name in options_of(values.model):
        if values[name].present and name not in shared:
            raise ConfigError(
                f"--{name} is an option of {values.model}; a study of models takes those that all "
                "share, and each model's own grid"
            )
    return {name: values[name].value for name in shared if values[name].present}


def _suited(
    settings: Sequence[Setting], dataset: Dataset, values: absl_flags.FlagValues
) -> tuple[list[Setting], dict[str, str]]:
    """The rows that can run on the data, and why others cannot, by model."""
    suited, left_out = [], {}
    for setting in settings:
        try:
            check_suits(dataset, setting.config, flags.limits(values))
        except (ConfigError, DataError) as error:
            left_out[setting.name] = f"left out: {error}"
        else:
            suited.append(setting)
    if not suited:
        raise RunError(f"no model can run on {dataset.name}; the last was {left_out[setting.name]}")
    for line in models_report.why(left_out):
        print(line, flush=True)
    return suited, left_out


def _run_all(runs: ModelRuns, values: absl_flags.FlagValues) -> None:
    def on_end(job: Job, end: Ended) -> None:
        runs.on_end(job, end)
        done(1)

    data_flags = [*flags.data_flags(values), "--baselines=none"]
    with count_bar(runs.total, "runs") as done:
        of = dict(data_flags=data_flags, parallel=values.parallel)
        run_jobs(runs.next_job, on_end, **of, shared=False)  # their CPU and memory are told


def _write(
    runs: ModelRuns,
    settings: Sequence[Setting],
    left_out: dict[str, str],
    out: RunDirectory,
    values: absl_flags.FlagValues,
) -> str:
    reported = []
    for setting in settings:
        jobs = [p.job for p in runs.ended if p.setting == setting and p.stage == REPORTED]
        if jobs:
            paths, commands = [job.workdir for job in jobs], _repeating(jobs, _data_words(values))
            reported.append(Reported(setting, runs.chosen[setting.name], paths, commands))
    if not reported:
        raise RunError(f"{out.path}: no run came to its end")
    board = models_report.board_of(reported, left_out | runs.diverged)
    columns = {setting.name: setting.column for setting in settings}
    ended = [
        (p.setting, p.point, p.stage, o)
        for p in runs.ended
        for o in read_outcomes(p.setting.name, p.job.workdir)
    ]
    text = models_report.markdown_of(board, reported)
    files = {
        "table.md": (text + "\n").encode(),
        "table.tex": (board.latex() + "\n").encode(),
        "runs.csv": models_report.runs_csv(ended),
        "page.html": models_report.page_of(board, reported).encode(),
        "figure.png": figures.draw([models_report.figure_of(board, columns)]),
    }
    for name, content in files.items():
        out.write(name, content)
    return f"\n{text}\n\n{out.path}: {', '.join(files)}"


def _repeating(jobs: Sequence[Job], data_words: Sequence[str]) -> str:
    """The command that repeats runs of one configuration; one a run where seeds are left out."""
    by_seed = {job.config.train.seed: job for job in jobs}
    seeds = sorted(by_seed)
    whole = seeds == [*range(seeds[0], seeds[0] + len(seeds))]
    together = [f"--num_seeds={len(seeds)}"] if whole and len(seeds) > 1 else []
    commands = [
        ["python", "-m", "launch.main", *option_flags(by_seed[seed].config), *data_words, *together]
        for seed in (seeds[:1] if whole else seeds)
    ]
    return "; ".join(map(shlex.join, commands))


def _data_words(values: absl_flags.FlagValues) -> list[str]:
    """The flags that say which data, by their name and not by where they lie on this machine."""
    elsewhere = Path(values.data_dir or "").is_absolute()
    left = ("--cache_dir=", "--data_dir=", "--dataset=") if elsewhere else ("--cache_dir=",)
    named = [f"--dataset={flags.dataset_name(values)}"] * elsewhere
    return named + [word for word in flags.data_flags(values) if not word.startswith(left)]
