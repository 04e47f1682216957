"""--refit: a finished run trained again on every interaction."""

from __future__ import annotations

from typing import Any

from absl.flags import FlagValues

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import options_of
from kdiffe_jax.report.page import leave_report
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.fit import Hooks
from kdiffe_jax.training.phases import Phases
from kdiffe_jax.training.progress import Progress
from kdiffe_jax.training.refit import check_data, config_of, read_scored, refit
from kdiffe_jax.training.resources import Resources
from launch import flags, tracking
from launch.adopted import adopt
from launch.finished import tell_finished

_NOT_WITH = ("mesh", "coordinator", "num_processes", "process_id", "warm_start", "profile")


def check_alone(values: FlagValues) -> None:
    """Refuses flags that say nothing of such a training.

    Raises:
      ConfigError: the first of them.
    """
    given = [n for n in (*_NOT_WITH, *tracking.FLAGS) if values[n].present and values[n].value]
    if values["baselines"].present and flags.baselines(values).names():
        given.append("baselines")
    if given:
        raise ConfigError(f"--{given[0]} does not go with --refit; leave one of them out")


def train_again(values: FlagValues, phases: Phases) -> dict[str, Any]:
    """Trains the run that --refit names again: what result.json holds.

    Raises:
      RunError: no such run, other options or data than it has, or a directory with another run.
    """
    scored = read_scored(values.refit)
    adopt(values, scored.stored)
    with phases("reading"):
        dataset = flags.load(values)
    check_data(scored.run, dataset)
    run = RunDirectory(flags.workdir(values))
    with run.claim(scored.identity):
        if (finished := run.result()) is not None:
            tell_finished(run, dataset)
            return finished
        resources = Resources(flags.cache_dir(values), flags.limits(values))
        progress = Progress(config_of(scored), phases)
        hooks = Hooks(phases.log, on_epoch=progress.on_epoch, phase=phases)
        result = refit(dataset, scored, run, resources, hooks=hooks)
        leave_report(run.path, options_of, log=phases.log)
        return result
