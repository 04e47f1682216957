"""One training, or one scoring of a run, as its flags say."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl.flags import FlagValues

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.identity import identity_of
from kdiffe_jax.data.share import ALONE
from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.models.registry import MODELS, options_of
from kdiffe_jax.parallel.mesh import build_mesh
from kdiffe_jax.parallel.processes import check_alike, is_process_zero, on_process_zero
from kdiffe_jax.parallel.shares import share_of_process
from kdiffe_jax.profile.recorder import Recorder
from kdiffe_jax.report.page import leave_report
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.trackers.named import name_of_run
from kdiffe_jax.trackers.tracker import Tracker
from kdiffe_jax.training.compiled_programs import keep_compiled
from kdiffe_jax.training.fit import Hooks, fit, score_again
from kdiffe_jax.training.phases import Phases
from kdiffe_jax.training.placement_on_mesh import OnMesh
from kdiffe_jax.training.progress import Progress
from kdiffe_jax.training.refit import REFIT_OF, check_data
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.selection import Record, check_selection_metric
from kdiffe_jax.training.setup import TrainSetup
from kdiffe_jax.training.stored_config import stored_config
from kdiffe_jax.training.warm_start import check_start, read_earlier
from launch import flags, processes, tracking
from launch.adopted import adopt
from launch.finished import tell_finished
from launch.profile import profile_lines
from launch.refit import check_alone, train_again
from launch.shown import show, width
from launch.table import next_lines, planted_lines, result_table


def run(values: FlagValues, *, begun: float | None = None) -> None:
    """Trains or scores, and prints the result.

    Args:
      values: parsed.
      begun: when the command began, of `time.perf_counter`; now if omitted.
    """
    if values.refit is not None:
        check_alone(values)
    processes.join(values)
    keep_compiled(flags.cache_dir(values))
    recorder = _recorder(values)
    with Phases(shown=is_process_zero(), begun=begun) as phases:
        if values.mode == "evaluate":
            result = _evaluate(values, phases)
        elif values.refit is not None:
            result = train_again(values, phases)
        else:
            result = _train(values, recorder, phases)
    if not is_process_zero():
        return
    show(result_table(result, width()))
    if "planted" in result:
        show(planted_lines(result))
    if recorder is not None:
        show(profile_lines(recorder))
    show(phases.summary())
    print(next_lines(Path(flags.workdir(values))))


def _recorder(values: FlagValues) -> Recorder | None:
    for name in ("profile", *tracking.FLAGS, "mesh", "warm_start", "refit"):
        if values[name].value and values.mode == "evaluate":
            raise ConfigError(
                f"--{name}: only a training has epochs; leave one of it and --mode=evaluate out"
            )
    return None if values.profile is None else Recorder(values.profile)


def _resources(values: FlagValues, share) -> Resources:
    mesh = None if values.mesh is None else build_mesh(values.mesh)
    placement = None if mesh is None else OnMesh(mesh, share)
    return Resources(
        flags.cache_dir(values), flags.limits(values), flags.baselines(values), placement
    )


def _train(values: FlagValues, recorder: Recorder | None, phases: Phases) -> dict[str, Any]:
    config = flags.config(values)
    check_selection_metric(config)
    if not config.eval.score_test:
        _check_baselines(values)
    share = share_of_process()
    resources = _resources(values, share)
    if recorder is not None:
        recorder.claim()
    run = RunDirectory(flags.workdir(values))
    wanted = tracking.wanted(values)
    earlier = None if values.warm_start is None else read_earlier(values.warm_start)
    with phases("reading"):
        dataset = flags.load(values, share=share)
        config = flags.config(values, content=dataset.has_content)
        identity = {
            **flags.data_identity(values),
            **identity_of(dataset),
            **config.to_flat(),
        }
    if earlier is not None:
        check_start(earlier, dataset, config)
        identity["warm_start"] = earlier.digest
    check_alike(identity | {"mesh": values.mesh})
    finished = on_process_zero(lambda: run.claim(identity).result())
    with run, contextlib.ExitStack() as stack:
        name = name_of_run(run.path)
        trackers = [stack.enter_context(make(run.path, identity, name)) for make in wanted]
        if finished is not None:
            on_process_zero(lambda: tell_finished(run, dataset))
            _tell_result(finished, trackers)
            return finished
        progress = Progress(config, phases, run)
        with recorder or contextlib.nullcontext():
            result = fit(
                dataset,
                config,
                run,
                resources,
                hooks=_hooks(progress, phases, trackers, recorder),
                whole=lambda: _whole(values, dataset, identity),
                earlier=earlier,
            )
        with phases("saving"):
            on_process_zero(lambda: leave_report(run.path, options_of, log=phases.log))
        _tell_result(result, trackers)
        return result


def _tell_result(result: dict[str, Any], trackers: Sequence[Tracker]) -> None:
    for tracker in trackers:
        tracker.on_result(result)


def _hooks(
    progress: Progress, phases: Phases, trackers: Sequence[Tracker], recorder: Recorder | None
) -> Hooks:
    watchers = [*(tracker.on_epoch for tracker in trackers), progress.on_epoch]

    def on_epoch(record: Record) -> None:
        for watcher in watchers:
            watcher(record)

    def on_setup(setup: TrainSetup) -> None:
        if recorder is not None and setup.edges.similarity is not None:
            recorder.walks = {"seconds": setup.edges_seconds, "cached": setup.edges.cached}

    watched = on_epoch if recorder is None else recorder.after(on_epoch)
    return Hooks(phases.log, on_setup, watched, phases)


def _whole(values: FlagValues, dataset: Dataset, identity: dict[str, Any]) -> Dataset:
    """The data set for what is left when a mesh has trained; read again where it was a share."""
    if dataset.share == ALONE:
        return dataset
    dataset = flags.load(values)
    if any(identity[name] != now for name, now in identity_of(dataset).items()):
        raise RunError(
            f"{dataset.name}: the data were changed while they were trained on; put them back, "
            "and the same command scores what was trained"
        )
    return dataset


def _check_baselines(values: FlagValues) -> None:
    if values["baselines"].present and flags.baselines(values).names():
        raise ConfigError(
            "--baselines: they are scored on the test split, which this run leaves alone; leave "
            "them out, or --noscore_test"
        )


def _evaluate(values: FlagValues, phases: Phases) -> dict[str, Any]:
    run = RunDirectory(flags.workdir(values))
    stored = run.config()
    if stored is None:
        raise RunError(f"{run.path}: there is no run to evaluate; train it first")
    if stored.get("model") not in [*MODELS]:
        raise RunError(f"{run.path}: its config.json names no model; train it again elsewhere")
    if REFIT_OF in stored:
        raise RunError(
            f"{run.path}: was trained again on all interactions, so nothing is left to score it "
            "by; its scores are those of the run that it repeats"
        )
    adopt(values, stored)
    if not stored_config(stored).eval.score_test:
        _check_baselines(values)
    with phases("reading"):
        dataset = flags.load(values)
    check_data(run, dataset)
    with run.claim(stored):
        resources = _resources(values, ALONE)
        result = score_again(
            dataset, stored_config(stored), run, resources, log=phases.log, phase=phases
        )
        if run.result() is not None:
            leave_report(run.path, options_of, log=phases.log)
        return result
