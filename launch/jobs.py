"""Runs in processes beside this one: several at once, watched, ended with it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kdiffe_jax.config import Config
from kdiffe_jax.errors import RunError
from kdiffe_jax.models import registry
from kdiffe_jax.storage.run_directory import CHECKPOINTS, RunDirectory
from launch.command import DIVERGED
from launch.flags import DEFAULT_PRESET
from launch.worker import Worker

_SECONDS_BETWEEN_LOOKS = 0.1


class Job(NamedTuple):
    """One run of `launch.main`: what it is called, where it lies, and its configuration."""

    name: str
    workdir: Path
    config: Config


class Ended(NamedTuple):
    """How a job ended: its result, or None where it was stopped or diverged."""

    result: dict[str, Any] | None
    stopped: bool


def run_jobs(
    next_job: Callable[[], Job | None],
    on_end: Callable[[Job, Ended], None],
    *,
    data_flags: Sequence[str],
    parallel: int,
    should_stop: Callable[[Job], bool] = lambda job: False,
    shared: bool = True,
) -> None:
    """Runs jobs until there are no more; a finished run is not repeated.

    Args:
      next_job: the next job, None while or when there is none.
      data_flags: the flags of `launch.main` that say where the data are.
      should_stop: asked often; True ends the job's process.
      shared: whether jobs may follow one another in a process. What one of them compiles and holds
        then counts for the next, so where cost is told each needs a process of its own.

    Raises:
      RunError: a run failed otherwise than by a loss that is not finite; the others are
        ended, and continue when the command is given again.
    """
    running: dict[Worker, Job] = {}
    idle: list[Worker] = []
    try:
        while True:
            while len(running) < parallel and (job := next_job()) is not None:
                finished = finished_result(job)
                if finished is not None:
                    on_end(job, Ended(finished, False))
                    continue
                worker = _free(idle) or Worker(alone=parallel == 1)
                running[worker] = job
                _begin(worker, job, data_flags)
            if not running:
                return
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            for worker, job in list(running.items()):
                stopped = should_stop(job)
                status = None if stopped else worker.poll()
                if stopped or status is not None:
                    del running[worker]
                    if stopped or not shared or not worker.takes_more:
                        worker.kill()
                    else:
                        idle.append(worker)
                    on_end(job, _ended(status, job))
    finally:
        for worker in [*running, *idle]:
            worker.kill()


def finished_result(job: Job) -> dict[str, Any] | None:
    """The result of a finished run, None where there is none.

    Raises:
      RunError: the directory holds a run with other hyper-parameters.
    """
    run = RunDirectory(job.workdir)
    result, stored = run.result(), run.config() or {}
    if result is None:
        return None
    wanted = job.config.to_flat()
    other = [name for name, value in wanted.items() if stored.get(name) != value]
    if other:
        raise RunError(
            f"{run.path}: was finished with another {', '.join(other)}; choose another --out"
        )
    return result


def ended_text(job: Job, end: Ended) -> str:
    """What a run came to, in words; its checkpoints are of no more use, and are removed."""
    if end.result is None:
        return f"{job.name}: a loss is not finite; left out"
    shutil.rmtree(job.workdir / CHECKPOINTS, ignore_errors=True)
    metric, seconds = end.result["selection_metric"], end.result["seconds"]
    score = end.result["valid"][metric]
    return f"{job.name}: validation {metric} {score:.4f}, {seconds:.0f} s"


def option_flags(config: Config) -> list[str]:
    """A configuration as flags: its model, and the options that no flag at all might not give.

    >>> best = registry.preset(DEFAULT_PRESET, "lightgcn", content=False)
    >>> option_flags(registry.make_config({"model": "lightgcn", **best, "layers": 2}))[:3]
    ['--model=lightgcn', '--layers=2', '--neighbour_weight=0.0']
    """
    plain = {"model": config.model, **registry.preset(DEFAULT_PRESET, config.model)}
    unflagged = registry.make_config(plain).to_flat()
    values = config.to_flat()
    of_content = registry.options_of(config.model).keys() & set(registry.OF_CONTENT)
    given = [n for n, v in values.items() if v != unflagged[n] or n in of_content]
    return [f"--model={config.model}", *(f"--{name}={values[name]}" for name in given)]


def _free(idle: list[Worker]) -> Worker | None:
    """One that waits for a run and is still there; those that have ended meanwhile go."""
    while idle:
        worker = idle.pop()
        if worker.takes_more:
            return worker
        worker.kill()
    return None


def _begin(worker: Worker, job: Job, data_flags: Sequence[str]) -> None:
    _log(job).parent.mkdir(parents=True, exist_ok=True)
    words = [*option_flags(job.config), "--debug", *data_flags, f"--workdir={job.workdir}"]
    worker.start(words, _log(job))


def _ended(status: int | None, job: Job) -> Ended:
    """How a job ended; without a status it was stopped."""
    if status is None or status == DIVERGED:
        return Ended(None, stopped=status is None)
    if status:
        lines = _log(job).read_text(encoding="utf-8", errors="replace").splitlines()
        reason = lines[-1].removeprefix("error: ") if lines else "it said nothing"
        raise RunError(f"{job.name}: ended with status {status}: {reason}")
    return Ended(RunDirectory(job.workdir).result(), False)


def _log(job: Job) -> Path:
    return job.workdir.parent / f"{job.workdir.name}.log"
