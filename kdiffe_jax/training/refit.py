"""A finished run trained again on every interaction, to be used.

Validation has chosen the options and the number of epochs, and the test split is scored. What
both held out may then be learned from too. Nothing is left to score such a model by: it keeps
the scores of the run that it repeats, which are of the same training on fewer interactions.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.config import Config
from kdiffe_jax.data.data_ablations import ablated
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.identity import identity_of
from kdiffe_jax.data.plain_files import sha256
from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.models.registry import changed, is_trained, options_of
from kdiffe_jax.storage.run_directory import PER_USER, RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, SavedModel, read_model
from kdiffe_jax.training.closed_form import save_fitted
from kdiffe_jax.training.ensemble import ensemble_of
from kdiffe_jax.training.environment import write_environment
from kdiffe_jax.training.findings import findings_of
from kdiffe_jax.training.fit import Hooks
from kdiffe_jax.training.many_seeds import train_seeds
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.result import eval_data_of
from kdiffe_jax.training.saving import save_ensemble, save_model
from kdiffe_jax.training.setup import TrainSetup, build_sampler, build_setup
from kdiffe_jax.training.stored_config import stored_config

REFIT_OF = "refit_of"  #: in config.json: the SHA-256 of the repeated run's model.npz


class Scored(NamedTuple):
    """A finished run, as it is trained again."""

    run: RunDirectory
    stored: Mapping[str, Any]  #: its config.json
    result: Mapping[str, Any]  #: its result.json
    model: SavedModel

    @property
    def identity(self) -> dict[str, Any]:
        """What config.json of the new run holds."""
        return dict(self.stored) | {REFIT_OF: sha256(self.run.path / MODEL)}

    @property
    def best_epochs(self) -> list[int]:
        """The epoch that validation chose, of each seed that the model is made of."""
        if "ensemble" in self.model.about:
            return [seed["best_epoch"] for seed in self.result["seeds"]]
        return [self.model.about["best_epoch"]]


def read_scored(run_dir: str | Path) -> Scored:
    """Reads a finished run to train it again.

    Raises:
      RunError: no such run, an unfinished one, or a damaged file of it.
      ConfigError: it is such a model itself, began from another run, or adds walks to its score.
    """
    model, run = read_model(run_dir), RunDirectory(run_dir)
    stored, result = run.config(), run.result()
    if stored is None or result is None:
        raise RunError(f"{run_dir}: holds no finished run; train it to its end first")
    if REFIT_OF in stored:
        raise ConfigError("this model was trained on all interactions already, by a refit")
    if "warm_start" in stored:
        raise ConfigError(
            "this model began from another run, so its epochs say nothing of a training from the "
            "start; train it from the start first, by fit on its data or without --warm_start"
        )
    walks = stored.get("added_score", "none") != "none"  # or the model is made of item weights
    if walks and any(name.startswith("item_weights.") for name in model.artifacts):
        raise ConfigError(
            f"{run_dir} adds walks to its score, which validation chose; train it with "
            "--added_score=none first"
        )
    return Scored(run, stored, result, model)


def check_data(run: RunDirectory, dataset: Dataset) -> None:
    """Refuses other data than a run was trained on.

    Raises:
      RunError: they are others.
    """
    stored = run.config() or {}
    if any(stored.get(name) != now for name, now in identity_of(dataset).items()):
        raise RunError(
            f"{run.path}: was trained on other data than {dataset.name} holds now; name its data "
            "by --dataset and --data_dir, as when it was trained"
        )


def refit(
    dataset: Dataset,
    scored: Scored,
    run: RunDirectory,
    resources: Resources,
    *,
    hooks: Hooks = Hooks(),  # noqa: B008  immutable
) -> dict[str, Any]:
    """Trains a run's model on all of its interactions and writes all files of the new run.

    Of several seeds the one in use is trained, of an ensemble each. All take as many epochs as
    validation chose, the mean over the seeds. Nothing is ranked, and the last epoch is kept.

    Args:
      dataset: that the run was trained on, as read.
      scored: the run.
      run: a claimed run directory; the training continues from its checkpoints.
      resources: what it may use, on one device.
      hooks: who is told.

    Returns:
      What result.json holds: that of the scored run, and "refit" with the numbers of
      "interactions" and "epochs", the "seconds" of these and the name of the run, "of".
    """
    config, every = config_of(scored), everything_trains(dataset)
    if is_trained(config.model):
        epochs, seconds = _train(dataset, every, config, run, resources, hooks)
    else:
        epochs, seconds = 0, save_fitted(every, config, run, resources, phase=hooks.phase)
        write_environment(run)
    run.write_history(scored.run.history())
    if (per_user := scored.run.path / PER_USER).is_file():
        shutil.copyfile(per_user, run.path / PER_USER)
    trained_on = len(ablated(every, config.data_ablation).train)
    said = {"of": scored.run.path.resolve().name, "interactions": trained_on, "epochs": epochs}
    result = dict(scored.result) | {"refit": said | {"seconds": seconds}}
    run.write_result(result)
    return result


def config_of(scored: Scored) -> Config:
    """The options of the model in use, with all that validation chose."""
    config = stored_config(scored.model.config)
    if is_trained(config.model):
        return changed(config, {"epochs": round(float(np.mean(scored.best_epochs))) + 1})
    chosen = dict(scored.model.about["hyper_parameters"])
    tuned = "tuned" in options_of(config.model)
    return changed(config, chosen | {"tuned": False} if tuned else chosen)


def everything_trains(dataset: Dataset) -> Dataset:
    """The data set with all interactions in the training split.

    >>> from kdiffe_jax.data.synthetic import planted_dataset
    >>> data = planted_dataset()
    >>> len(data.train), len(everything_trains(data).train), len(everything_trains(data).valid)
    (14400, 16800, 0)
    """
    pairs = np.concatenate([dataset.train, dataset.valid, dataset.test])
    none = pairs[:0]
    ordered = pairs[np.lexsort(pairs.T[::-1])]
    return dataclasses.replace(dataset, train=ordered, valid=none, test=none)


def _train(dataset, every, config, run, resources, hooks) -> tuple[int, float]:
    """Trains, and saves the model: epochs and seconds."""
    with hooks.phase("preparing"):
        setup = build_setup(
            every,
            config,
            cache_dir=resources.cache_dir,
            log=hooks.log,
            limits=resources.limits,
            ranked=False,
        )
        setup = _of_as_many_passes(setup, dataset)
    with hooks.phase("training"):
        trained = train_seeds(setup, run, on_epoch=hooks.on_epoch, log=hooks.log, phase=hooks.phase)
    with hooks.phase("saving"):
        if len(trained) > 1:
            together = ensemble_of([one.view for one in trained], eval_data_of(setup))
            save_ensemble(setup, trained, 0, together, run)
        else:
            save_model(setup, trained[0], findings_of(setup, trained[0]), None, run)
    write_environment(run, setup.placement.devices)
    seconds = sum(record["seconds"] for one in trained for record in one.history)
    return setup.config.train.epochs, round(seconds, 3)


def _of_as_many_passes(setup: TrainSetup, before: Dataset) -> TrainSetup:
    """More epochs where an epoch is a part of a pass and passes have become longer."""
    train = setup.config.train
    if not train.epoch_steps:
        return setup
    old = build_sampler(before, train, setup.model).epochs_of_pass
    epochs = -(-train.epochs * setup.sampler.epochs_of_pass // old)
    return setup._replace(config=changed(setup.config, {"epochs": epochs}))
