"""One configuration on data -> a finished run and its model."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from kdiffe_jax.api.dataset import Data
from kdiffe_jax.api.fitted import FittedModel
from kdiffe_jax.api.home import Home, path_of
from kdiffe_jax.api.words import in_python
from kdiffe_jax.baselines.settings import NAMES, BaselineSettings
from kdiffe_jax.config import Config, Limits
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.identity import identity_of
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import options_of
from kdiffe_jax.report.page import leave_report
from kdiffe_jax.storage.cache_dir import default_cache_dir
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.trackers.named import name_of_run, named_trackers
from kdiffe_jax.trackers.tracker import Tracker
from kdiffe_jax.training.compiled_programs import keep_compiled
from kdiffe_jax.training.fit import Hooks, fit
from kdiffe_jax.training.phases import Phases
from kdiffe_jax.training.progress import Progress
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.warm_start import Earlier


class Around(NamedTuple):
    """What is around a run and no part of its configuration; see `api.fit.fit`."""

    workdir: str | Path | None = None
    baselines: str | Sequence[str] = "most_popular"
    progress: bool = True
    log_to: Mapping[str, Any] = MappingProxyType({})


def run_config(
    data: Data, config: Config, around: Around, earlier: Earlier | None = None
) -> FittedModel:
    """Runs one configuration, or reads the finished run of it, and gives its model.

    Args:
      data: to train on.
      config: all options.
      around: where it is kept, what stands beside it, and who is told.
      earlier: the run whose parameters it begins with.

    Raises:
      ConfigError: no such baseline or tracker, no path, or a limit.
      RunError: the directory holds another run.
    """
    home, path = None, around.workdir
    if path is None:
        home = Home()
        path = home.path / "run"
    run = RunDirectory(path_of(path), option="workdir")
    wanted = named_trackers(around.log_to)
    if home is not None and "tensorboard" in around.log_to:
        raise ConfigError(
            "log_to: tensorboard writes into the run directory, which goes with the model; give a "
            "workdir"
        )
    resources = _resources(around)
    identity = {
        "dataset": data.dataset.name,
        **identity_of(data.dataset),
        **({} if earlier is None else {"warm_start": earlier.digest}),
        **config.to_flat(),
    }
    with run.claim(identity), contextlib.ExitStack() as stack:
        phases = stack.enter_context(Phases(shown=around.progress))
        for note in data.untold:
            phases.log(in_python(f"{data.dataset.name}: {note}"))
        if (finished := run.result()) is None:
            name = name_of_run(run.path)
            trackers = [stack.enter_context(make(run.path, identity, name)) for make in wanted]
            hooks = _hooks(data.dataset, phases, [*trackers, Progress(config, phases, run)])
            result = fit(data.dataset, config, run, resources, hooks=hooks, earlier=earlier)
            leave_report(run.path, options_of, log=phases.log)
            for tracker in trackers:
                tracker.on_result(result)
        else:
            _tell_baselines_left_out(finished, resources, phases.log)
    return FittedModel.of_run(run.path, data, home)


def _resources(around: Around) -> Resources:
    cache_dir, names = default_cache_dir(), around.baselines
    keep_compiled(cache_dir)
    several = isinstance(names, Iterable) and not isinstance(names, str)
    listed: list[Any] = list(names) if several else [names]
    if not all(isinstance(name, str) for name in listed):
        raise ConfigError(f"baselines = {names!r}: give some of {', '.join(NAMES)}, all or none")
    text = ",".join(listed)
    return Resources(cache_dir, Limits(), BaselineSettings(baselines=text or "none"))


def _tell_baselines_left_out(
    result: Mapping[str, Any], resources: Resources, log: Callable[[str], None]
) -> None:
    """Says which baselines were asked for and are not in the result of a finished run."""
    absent = [
        name for name in resources.baselines.names() if name not in result.get("baselines", ())
    ]
    if absent and "test" in result:
        log(
            f"the run was finished before, without {', '.join(absent)} beside it; for these give "
            "another workdir"
        )


def _hooks(dataset: Dataset, phases: Phases, watchers: Sequence[Tracker | Progress]) -> Hooks:
    def on_epoch(record: dict[str, Any]) -> None:
        for watcher in watchers:
            watcher.on_epoch(record)

    return Hooks(_told_once(dataset, phases.log), on_epoch=on_epoch, phase=phases)


def _told_once(dataset: Dataset, log: Callable[[str], None]) -> Callable[[str], None]:
    """Passes on what the data set does not say itself."""
    known = {f"{dataset.name}: {note}" for note in dataset.notes}

    def tell(line: str) -> None:
        if line not in known:
            log(in_python(line))

    return tell
