"""Trains KDiffE and scores it: python -m launch.main --flagfile=launch/tiktok.flags."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from absl import app
from absl import flags as absl_flags

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.share import ALONE
from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.parallel.mesh import build_mesh
from kdiffe_jax.parallel.processes import check_alike, from_first, is_first
from kdiffe_jax.parallel.shares import share_of_process
from kdiffe_jax.profile.recorder import Recorder
from kdiffe_jax.report.page import REPORT, leave_report
from kdiffe_jax.report.scalars import Scalars
from kdiffe_jax.training.course import Record
from kdiffe_jax.training.loop import check_selection_metric, train
from kdiffe_jax.training.many_seeds import train_members
from kdiffe_jax.training.members_result import finish_members, rescore_members
from kdiffe_jax.training.problem import Problem, build_problem
from kdiffe_jax.training.result import bench_of, finish, rescore
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.variants import VARIANTS
from launch import flags, processes
from launch.command import guarded
from launch.compiled import keep_compiled
from launch.profile import profile_lines
from launch.progress import Progress
from launch.table import planted_lines, result_table

FLAGS = absl_flags.FLAGS


def main(argv: Sequence[str]) -> int:
    """Runs one command; see `guarded` for the exit status."""
    status = guarded(
        lambda: _command(argv),
        FLAGS,
        interrupted="stopped; the same command continues from the last finished epoch",
    )
    return processes.leave(status)


def _command(argv: Sequence[str]) -> None:
    flags.define()
    absl_flags.adopt_module_key_flags(flags, FLAGS)
    app.define_help_flags()
    flags.parse(argv)
    processes.join(FLAGS)
    keep_compiled(flags.cache_dir())
    recorder = _recorder()
    result = _evaluate() if FLAGS.mode == "evaluate" else _train(recorder)
    if not is_first():
        return
    print(result_table(result))
    if "planted" in result:
        print(planted_lines(result))
    if recorder is not None:
        print(profile_lines(recorder))


def _recorder() -> Recorder | None:
    for name in ("profile", "tensorboard", "mesh"):
        if FLAGS[name].value and FLAGS.mode == "evaluate":
            raise ConfigError(
                f"--{name}: only a training has epochs; leave one of it and --mode=evaluate out"
            )
    return None if FLAGS.profile is None else Recorder(FLAGS.profile)


def _train(recorder: Recorder | None) -> dict[str, Any]:
    config = flags.config()
    alone = config.train.num_seeds == 1
    check_selection_metric(config)
    settings, limits = flags.baselines(), flags.limits()
    mesh = None if FLAGS.mesh is None else build_mesh(FLAGS.mesh)
    if recorder is not None:
        recorder.claim()
    run = RunDirectory(flags.workdir())
    scalars = Scalars(run.path) if FLAGS.tensorboard and is_first() else None
    dataset = flags.load(share=share_of_process())
    identity = {**flags.data_identity(), "data_sha256": dataset.fingerprint(), **config.to_flat()}
    check_alike(identity | {"mesh": FLAGS.mesh})
    finished = from_first(lambda: run.claim(identity).result())
    with run, scalars or contextlib.nullcontext():
        if finished is not None:
            from_first(lambda: _tell_finished(run))
            return finished
        with Progress(config, shown=is_first()) as progress, recorder or contextlib.nullcontext():
            on_epoch = progress.on_epoch
            if scalars is not None:
                on_epoch = _both(scalars.on_epoch, on_epoch)
            if recorder is not None:
                recorder.time_walks(dataset, config.graph, directory=flags.cache_dir())
                on_epoch = recorder.after(on_epoch)
            build = partial(
                build_problem, config=config, cache_dir=flags.cache_dir(), limits=limits
            )
            problem: Problem | None = build(dataset, say=progress.say, mesh=mesh)
            trainer, finisher = (train, finish) if alone else (train_members, finish_members)
            trained = trainer(problem, run, on_epoch=on_epoch, say=progress.say)
            if mesh is not None:
                problem = None  # what lies on the mesh makes room for the whole

            def score() -> dict[str, Any]:
                whole = problem or build(_whole(dataset, identity), say=lambda line: None)
                return finisher(whole, trained, run, _baselines(whole, settings, progress.say))

            result = from_first(score)
        from_first(lambda: leave_report(run.path, say=print))
        return result


def _whole(dataset: Dataset, identity: dict[str, Any]) -> Dataset:
    """The data set for what is left when a mesh has trained; read again where it was a share."""
    if dataset.share == ALONE:
        return dataset
    dataset = flags.load()
    if dataset.fingerprint() != identity["data_sha256"]:
        raise RunError(
            f"{dataset.name}: the data were changed while they were trained on; put them back, "
            "and the same command scores what was trained"
        )
    return dataset


def _tell_finished(run: RunDirectory) -> None:
    print(f"{run.path}: this run is finished; its result:")
    if not (run.path / REPORT).exists():
        leave_report(run.path, say=print)


def _both(first: Callable[[Record], None], second: Callable[[Record], None]):
    def call(record: Record) -> None:
        first(record)
        second(record)

    return call


def _evaluate() -> dict[str, Any]:
    run = RunDirectory(flags.workdir())
    stored = run.config()
    if stored is None:
        raise RunError(f"{run.path}: there is no run to evaluate; train it first")
    _adopt(stored)
    settings = flags.baselines()
    dataset = flags.load()
    if dataset.fingerprint() != stored.get("data_sha256"):
        raise RunError(f"{run.path}: was trained on other data than {dataset.name} holds now")
    with run.claim(stored):
        config, cache_dir = _config_of(stored), flags.cache_dir()
        problem = build_problem(
            dataset, config, cache_dir=cache_dir, say=print, limits=flags.limits()
        )
        baselines = _baselines(problem, settings, print)
        scorer = rescore if config.train.num_seeds == 1 else rescore_members
        result = scorer(problem, run, baselines, say=print)
        if run.result() is not None:
            leave_report(run.path, say=print)
        return result


def _baselines(problem: Problem, settings: BaselineSettings, say: Callable[[str], None]):
    """Their scores; None where the test split is left alone, which they would be scored on."""
    if not problem.parts.config.eval.score_test:
        return None
    return score_baselines(bench_of(problem), settings, cache_dir=flags.cache_dir(), say=say)


def _adopt(stored: dict[str, Any]) -> None:
    """Takes the run's values for all flags that were not given; refuses others."""
    for name, value in stored.items():
        if name not in FLAGS:
            continue
        if FLAGS[name].present and FLAGS[name].value != value:
            raise RunError(f"--{name}={FLAGS[name].value}: the run was made with {value!r}")
        FLAGS[name].value = value
    for name, value in VARIANTS[FLAGS.variant].items():
        if stored.get(name) != value:
            raise RunError(f"--variant={FLAGS.variant}: the run has {name} {stored.get(name)!r}")


def _config_of(stored: dict[str, Any]) -> Config:
    names = Config().to_flat()
    return Config.from_flat({name: value for name, value in stored.items() if name in names})


def entry() -> None:
    """The console command."""
    sys.exit(main(sys.argv))


if __name__ == "__main__":
    entry()
