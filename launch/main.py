"""Trains a model and scores it: python -m launch.main --flagfile=launch/tiktok.flags."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags as absl_flags

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.share import ALONE
from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.models.registry import MODELS, make_config, model_class, options_of, variant
from kdiffe_jax.parallel.mesh import build_mesh
from kdiffe_jax.parallel.processes import check_alike, is_process_zero, on_process_zero
from kdiffe_jax.parallel.shares import share_of_process
from kdiffe_jax.profile.recorder import Recorder
from kdiffe_jax.report.page import REPORT, leave_report
from kdiffe_jax.report.scalars import Scalars
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.fit import Hooks, fit, score_again
from kdiffe_jax.training.placement_on_mesh import OnMesh
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.selection import Record, check_selection_metric
from kdiffe_jax.training.setup import TrainSetup
from launch import flags, help, processes
from launch.command import guarded
from launch.compiled import keep_compiled
from launch.parsing import named_model, parse
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
    if "--models" in argv[1:]:
        print(help.models_text())
        return
    flags.define(argv)
    if help.asked(argv) or "--helpfull" in argv[1:]:
        write = help.help_text if help.asked(argv) else help.full_text
        print(write(named_model(argv), FLAGS))
        return
    parse(argv)
    processes.join(FLAGS)
    keep_compiled(flags.cache_dir())
    recorder = _recorder()
    result = _evaluate() if FLAGS.mode == "evaluate" else _train(recorder)
    if not is_process_zero():
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


def _resources(share) -> Resources:
    mesh = None if FLAGS.mesh is None else build_mesh(FLAGS.mesh)
    placement = None if mesh is None else OnMesh(mesh, share)
    return Resources(flags.cache_dir(), flags.limits(), flags.baselines(), placement)


def _train(recorder: Recorder | None) -> dict[str, Any]:
    config = flags.config()
    check_selection_metric(config)
    share = share_of_process()
    resources = _resources(share)
    if recorder is not None:
        recorder.claim()
    run = RunDirectory(flags.workdir())
    scalars = Scalars(run.path) if FLAGS.tensorboard and is_process_zero() else None
    dataset = flags.load(share=share)
    identity = {**flags.data_identity(), "data_sha256": dataset.fingerprint(), **config.to_flat()}
    check_alike(identity | {"mesh": FLAGS.mesh})
    finished = on_process_zero(lambda: run.claim(identity).result())
    with run, scalars or contextlib.nullcontext():
        if finished is not None:
            on_process_zero(lambda: _tell_finished(run))
            return finished
        shown = Progress(config, shown=is_process_zero())
        with shown as progress, recorder or contextlib.nullcontext():
            result = fit(
                dataset,
                config,
                run,
                resources,
                hooks=_hooks(progress, scalars, recorder),
                whole=lambda: _whole(dataset, identity),
            )
        on_process_zero(lambda: leave_report(run.path, options_of, log=print))
        return result


def _hooks(progress: Progress, scalars: Scalars | None, recorder: Recorder | None) -> Hooks:
    watchers: list[Callable[[Record], None]] = [progress.on_epoch]
    if scalars is not None:
        watchers.insert(0, scalars.on_epoch)

    def on_epoch(record: Record) -> None:
        for watcher in watchers:
            watcher(record)

    def on_setup(setup: TrainSetup) -> None:
        if recorder is not None and setup.edges.similarity is not None:
            recorder.walks = {"seconds": setup.edges_seconds, "cached": setup.edges.cached}

    watched = on_epoch if recorder is None else recorder.after(on_epoch)
    return Hooks(progress.log, on_setup, watched)


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
        leave_report(run.path, options_of, log=print)


def _evaluate() -> dict[str, Any]:
    run = RunDirectory(flags.workdir())
    stored = run.config()
    if stored is None:
        raise RunError(f"{run.path}: there is no run to evaluate; train it first")
    if stored.get("model") not in [*MODELS]:
        raise RunError(f"{run.path}: its config.json names no model; train it again elsewhere")
    _adopt(stored)
    dataset = flags.load()
    if dataset.fingerprint() != stored.get("data_sha256"):
        raise RunError(f"{run.path}: was trained on other data than {dataset.name} holds now")
    with run.claim(stored):
        known = options_of(stored["model"])
        config = make_config({n: v for n, v in stored.items() if n in known or n == "model"})
        result = score_again(dataset, config, run, _resources(ALONE), log=print)
        if run.result() is not None:
            leave_report(run.path, options_of, log=print)
        return result


def _adopt(stored: dict[str, Any]) -> None:
    """Takes the run's values for all flags that were not given; refuses others."""
    model = stored["model"]
    if FLAGS["model"].present and FLAGS.model != model:
        raise RunError(f"--model={FLAGS.model}: the run was made with {model!r}")
    if FLAGS.model != model:
        flags.define_options(
            {n: f for n, f in model_class(model).Options.all_options().items() if n not in FLAGS}
        )
    for name, value in stored.items():
        if name not in FLAGS:
            continue
        if FLAGS[name].present and FLAGS[name].value != value:
            raise RunError(f"--{name}={FLAGS[name].value}: the run was made with {value!r}")
        FLAGS[name].value = value
    for name, value in variant(FLAGS.variant, model).items():
        if stored.get(name) != value:
            raise RunError(f"--variant={FLAGS.variant}: the run has {name} {stored.get(name)!r}")


def entry() -> None:
    """The console command."""
    sys.exit(main(sys.argv))


if __name__ == "__main__":
    entry()
