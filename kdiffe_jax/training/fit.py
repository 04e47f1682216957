"""A whole run: a data set and a configuration -> a finished run directory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.models.registry import is_trained
from kdiffe_jax.parallel.processes import on_process_zero
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.closed_form import finish_closed_form
from kdiffe_jax.training.environment import write_environment
from kdiffe_jax.training.many_seeds import train_seeds
from kdiffe_jax.training.phases import Phase
from kdiffe_jax.training.placement import OneDevice
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.result import eval_data_of, finish, rescore
from kdiffe_jax.training.selection import Record
from kdiffe_jax.training.setup import TrainSetup, build_setup
from kdiffe_jax.training.warm_start import Earlier, check_start, warm_started


class Hooks(NamedTuple):
    """Who is told what while a run goes on."""

    log: Callable[[str], None] = lambda line: None  #: one line at a time
    on_setup: Callable[[TrainSetup], None] = lambda setup: None  #: before the first epoch
    on_epoch: Callable[[Record], None] = lambda record: None  #: after each, as in metrics.jsonl
    phase: Phase = nullcontext  #: a block that has a name, see `Phases`


def fit(
    dataset: Dataset,
    config: Config,
    run: RunDirectory,
    resources: Resources,
    *,
    hooks: Hooks = Hooks(),  # noqa: B008  immutable
    whole: Callable[[], Dataset] | None = None,
    earlier: Earlier | None = None,
) -> dict[str, Any]:
    """Trains every seed, or fits a closed form, scores it once and writes all files of the run.

    Args:
      dataset: as read; where processes share it, this process's part.
      config: of any model of the registry.
      run: a claimed run directory; a training continues from its checkpoints.
      resources: what it may use.
      hooks: who is told.
      whole: reads the data set whole, where `dataset` is a part.
      earlier: the finished run whose parameters every seed begins from; see `warm_start`.

    Returns:
      What result.json holds.

    Raises:
      ConfigError, DataError: of what it is given; those of `check_start` before anything is made.
    """
    if earlier is not None:
        check_start(earlier, dataset, config)
    build = partial(
        build_setup,
        config=config,
        cache_dir=resources.cache_dir,
        limits=resources.limits,
    )
    if not is_trained(config.model):
        return finish_closed_form(dataset, config, run, resources, log=hooks.log, phase=hooks.phase)
    placement = resources.placement or OneDevice()
    with hooks.phase("preparing"):
        setup: Any = build(dataset, log=hooks.log, placement=placement)
        if earlier is not None:
            setup = warm_started(setup, dataset, earlier, log=hooks.log)
    hooks.on_setup(setup)
    with hooks.phase("training"):
        trained = train_seeds(setup, run, on_epoch=hooks.on_epoch, log=hooks.log, phase=hooks.phase)
    if not placement.alone:
        setup = None  # what lies on the mesh makes room for the whole

    def score() -> dict[str, Any]:
        write_environment(run, placement.devices)
        read = whole if whole is not None else lambda: dataset
        on_one = setup or build(read(), log=lambda line: None)
        beside = _baselines(on_one, resources, hooks.log, hooks.phase)
        return finish(on_one, trained, run, beside, phase=hooks.phase)

    with hooks.phase("scoring"):
        return on_process_zero(score)


def score_again(
    dataset: Dataset,
    config: Config,
    run: RunDirectory,
    resources: Resources,
    *,
    log: Callable[[str], None],
    phase: Phase = nullcontext,
) -> dict[str, Any]:
    """The result of a run's best checkpoints, scored again; writes the model file alone."""
    if not is_trained(config.model):
        return finish_closed_form(
            dataset, config, run, resources, log=log, phase=phase, write_result=False
        )
    with phase("preparing"):
        setup = build_setup(
            dataset, config, cache_dir=resources.cache_dir, log=log, limits=resources.limits
        )
    with phase("scoring"):
        return rescore(setup, run, _baselines(setup, resources, log, phase), log=log)


def _baselines(setup: TrainSetup, resources: Resources, log: Callable[[str], None], phase: Phase):
    """Their scores; None where the test split is left alone, which they would be scored on."""
    if not setup.config.eval.score_test:
        return None
    data = eval_data_of(setup)
    cache_dir = resources.cache_dir
    return score_baselines(data, resources.baselines, cache_dir=cache_dir, log=log, phase=phase)
