"""`refit`: a model that was scored -> the same training on all interactions, for use."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from shlex import quote

from kdiffe_jax.api.fitted import FittedModel
from kdiffe_jax.api.home import Home, path_of
from kdiffe_jax.api.words import in_python, spoken_in_python
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import options_of
from kdiffe_jax.report.page import leave_report
from kdiffe_jax.storage.cache_dir import default_cache_dir
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.compiled_programs import keep_compiled
from kdiffe_jax.training.fit import Hooks
from kdiffe_jax.training.phases import Phases
from kdiffe_jax.training.progress import Progress
from kdiffe_jax.training.refit import (
    check_data,
    config_of,
    everything_trains,
    read_scored,
)
from kdiffe_jax.training.refit import (
    refit as train_again,
)
from kdiffe_jax.training.resources import Resources


def refit(
    model: FittedModel, *, workdir: str | Path | None = None, progress: bool = True
) -> FittedModel:
    """Trains a model again on all interactions, those of validation and test among them.

    It takes the options of the model and as many epochs as validation chose. Nothing is left to
    score the new model by, so `valid`, `test` and the report stay those of the old one. What was
    added by `with_users` or `with_items` does not train.

    Args:
      model: of `fit` or `load`, with the data it was trained on.
      workdir: where the run is kept; else it lives as long as the model, unless it is saved.
      progress: as for `fit`.

    Raises:
      ConfigError: it came without its data, began from another model, or was refitted already.
      RunError: the directory holds another run.
    """
    with spoken_in_python():
        if model.data is None:
            raise ConfigError(
                "the model came without its data, so there is nothing to train on; refit a model "
                "of fit, or one that was saved in Python, or a run of the command by "
                f"python -m launch.main --refit={quote(str(model.directory))}"
            )
        scored = read_scored(model.directory)
        check_data(scored.run, model.data.dataset)
        home = Home() if workdir is None else None
        path = home.path / "run" if home else path_of(workdir)
        run, cache_dir = RunDirectory(path, option="workdir"), default_cache_dir()
        keep_compiled(cache_dir)
        with run.claim(scored.identity), Phases(shown=progress) as phases:
            if run.result() is None:
                told = Progress(config_of(scored), phases)
                hooks = Hooks(
                    lambda line: phases.log(in_python(line)), on_epoch=told.on_epoch, phase=phases
                )
                train_again(model.data.dataset, scored, run, Resources(cache_dir), hooks=hooks)
                leave_report(run.path, options_of, log=phases.log)
        dataset = everything_trains(model.data.dataset)
        return FittedModel.of_run(path, dataclasses.replace(model.data, dataset=dataset), home)
