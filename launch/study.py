"""Studies: python -m launch.study --study=ablation --flagfile=launch/tiktok.flags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from absl import flags as absl_flags

from kdiffe_jax.config import Config
from kdiffe_jax.data.data_ablations import ablated
from kdiffe_jax.data.knowledge import ensure_knowledge
from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.models.registry import changed, is_trained
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.studies import figures, gather, plan, report
from kdiffe_jax.studies.noise_plan import drawn_with
from kdiffe_jax.training.selection import check_selection_metric
from kdiffe_jax.training.suits import check_suits
from launch import flags, model_study
from launch.command import Command
from launch.jobs import Ended, Job, ended_text, finished_result, run_jobs
from launch.progress import count_bar
from launch.shown import show_markdown
from launch.time_left import TimeLeft

STUDIES = (*plan.STUDIES, model_study.NAME)
_TIMED_EPOCHS = 6
_MANY_PROCESSES = ("coordinator", "num_processes", "process_id")
_OF_ONE_RUN = ("workdir", "mode", "warm_start", "refit", "profile", "mesh", *_MANY_PROCESSES)
_READ_BY = {"variants": ("ablation", "noise"), "parameters": ("sensitivity",)}
_SCORING_BASELINES = ("main", model_study.NAME)


def define(argv: Sequence[str], values: absl_flags.FlagValues) -> None:
    """Registers every flag of the command, for the model that the command line names.

    Raises:
      ConfigError: as `flags.define`.
    """
    common = dict(flag_values=values)
    absl_flags.DEFINE_enum("study", None, STUDIES, "what is studied", **common)
    absl_flags.DEFINE_integer(
        "seeds", None, "runs of each setting [the study's own number]", lower_bound=1, **common
    )
    absl_flags.DEFINE_list(
        "variants",
        [],
        "variants that the ablation compares [those of the model's options], or forms of the noise "
        "study [all]",
        **common,
    )
    absl_flags.DEFINE_list(
        "parameters", [], "what the sensitivity analysis varies [all that the model has]", **common
    )
    model_study.define(values)
    define_many(values)
    flags.define(argv, values)


def define_many(values: absl_flags.FlagValues) -> None:
    """Registers what commands of many runs share."""
    absl_flags.DEFINE_string("out", None, "directory of runs and tables", flag_values=values)
    absl_flags.DEFINE_integer("parallel", 1, "processes at once", lower_bound=1, flag_values=values)


def refuse_of_one_run(values: absl_flags.FlagValues, what: str) -> None:
    """Refuses flags that say how one run is made, of which there are many here.

    Raises:
      ConfigError: the first of them.
    """
    for name in _OF_ONE_RUN:
        if values[name].value not in (None, values[name].default):
            raise ConfigError(f"--{name} is for one run; {what} has many, below --out")


def refuse_baselines(values: absl_flags.FlagValues, what: str) -> None:
    """Refuses baselines where none are scored.

    Raises:
      ConfigError: some are asked for.
    """
    if values["baselines"].present and flags.baselines(values).names():
        raise ConfigError(f"--baselines: {what} scores none; leave it out")


def _work(values: absl_flags.FlagValues) -> None:
    if values.study is None:
        raise ConfigError(f"--study is needed: one of {', '.join(STUDIES)}")
    refuse_of_one_run(values, "a study")
    figures.figure_class()
    if values.study == model_study.NAME:
        show_markdown(model_study.run(values))
        return
    model_study.refuse_elsewhere(values)
    _refuse_unread(values)
    show_markdown(_run(values.study, values))


def _refuse_unread(values: absl_flags.FlagValues) -> None:
    for name, studies in _READ_BY.items():
        if values[name].present and values.study not in studies:
            raise ConfigError(f"--{name} is for {' and '.join(f'--study={s}' for s in studies)}")
    if values.study not in _SCORING_BASELINES:
        refuse_baselines(values, f"--study={values.study}")


def _run(study: str, values: absl_flags.FlagValues) -> str:
    _base(study, flags.config(values), values)
    dataset = flags.load(values)
    base = _base(study, flags.config(values, content=dataset.has_content), values)
    known = dataset
    if study == "data_ablation":
        known = ensure_knowledge(ablated(dataset, base.data_ablation), base.content)
    planned = plan.make_plan(
        study, base, known, variants=values.variants, parameters=values.parameters
    )
    check_suits(dataset, base, flags.limits(values))
    if study == "ablation":
        _tell_left_out(planned, values.variants or plan.own_variants(base.model))
    first = base.train.seed
    seeds = range(first, first + (values.seeds or plan.SEEDS[study]))
    path = values.out or f"runs/{flags.dataset_name(values)}-{base.model}-{study}"
    out = RunDirectory(path, option="--out")
    shared = {name: value for name, value in base.to_flat().items() if name != "seed"}
    identity = {"study": study, **flags.data_identity(values), **shared}
    identity["data_sha256"] = dataset.fingerprint()
    with out.claim(identity):
        jobs = {
            (name, seed): Job(
                f"{name}, seed {seed}",
                out.path / plan.directory_of(name) / f"seed{seed}",
                changed(base, drawn_with(base, overrides, seed)),
            )
            for name, overrides in planned.settings.items()
            for seed in seeds
        }
        _run_all(study, list(jobs.values()), values)
        outcomes = [
            outcome
            for (name, _), job in jobs.items()
            if finished_result(job) is not None
            for outcome in gather.read_outcomes(name, job.workdir)
        ]
        if plan.FULL not in gather.settings_of(outcomes):
            raise RunError(f"{out.path}: no run of the full model came to its end")
        return _write(study, planned, outcomes, out)


def _tell_left_out(planned: plan.Plan, asked: list[str]) -> None:
    for name in asked:
        if name not in planned.settings:
            print(f"{name}: changes nothing of this configuration; left out")


def _base(study: str, base: Config, values: absl_flags.FlagValues) -> Config:
    if not is_trained(base.model):
        raise ConfigError(
            f"model = {base.model!r} is fitted, not trained: it has no seeds to study; a sweep can "
            "try its options"
        )
    if base.train.num_seeds > 1:
        raise ConfigError("--num_seeds is for one run; a study has --seeds")
    check_selection_metric(base)
    if study == "scalability":
        epochs = values.epochs if values["epochs"].present else _TIMED_EPOCHS
        return plan.scalability_base(base, epochs)
    if not base.eval.score_test:
        raise ConfigError(f"--study={study} reports test scores; --score_test=false has none")
    return base


def _run_all(study: str, jobs: list[Job], values: absl_flags.FlagValues) -> None:
    finished = {job.name for job in jobs if finished_result(job) is not None}
    left = TimeLeft(len(jobs), len(finished))
    waiting: Iterator[Job] = iter(jobs)

    def on_end(job: Job, end: Ended) -> None:
        count = left.ended(waited_for=job.name not in finished)
        print(f"{ended_text(job, end)}; {count}", flush=True)
        done(1)

    data_flags = flags.data_flags(values)
    if study != "main":
        data_flags.append("--baselines=none")
    parallel = 1 if study == "scalability" else values.parallel
    with count_bar(len(jobs), "runs") as done:
        run_jobs(lambda: next(waiting, None), on_end, data_flags=data_flags, parallel=parallel)


def _write(
    study: str, planned: plan.Plan, outcomes: list[gather.Outcome], out: RunDirectory
) -> str:
    text = report.tables(study, planned, outcomes)
    out.write("table.md", (text + "\n").encode())
    out.write("runs.csv", gather.runs_csv(outcomes, planned.settings))
    parts = report.parts(study, planned, outcomes)
    written = ["table.md", "runs.csv"]
    if parts:
        out.write("figure.png", figures.draw(parts, columns=2 if len(parts) != 3 else 3))
        written.append("figure.png")
    return f"\n{text}\n\n{out.path}: {', '.join(written)}"


_COMMAND = Command(__doc__, define, _work, interrupted="stopped; the same command continues")
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
