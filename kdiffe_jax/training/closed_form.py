"""A run of a model that is fitted, not trained: the same files as any other run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np

from kdiffe_jax.baselines.beside import Baselines
from kdiffe_jax.baselines.suite import score_baselines
from kdiffe_jax.config import Config
from kdiffe_jax.data.data_ablations import ablated
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.share import ALONE
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.evaluation.ranking import ranking_task
from kdiffe_jax.evaluation.split_scores import score_split
from kdiffe_jax.evaluation.top_k_lists import TopKLists
from kdiffe_jax.models.fitting import fit_closed_form
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, SavedModel, write_model
from kdiffe_jax.training.environment import write_environment
from kdiffe_jax.training.held_out import check_splits, splits_to_rank
from kdiffe_jax.training.phases import Phase
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.result_file import PerUser, assembled, best_scores, validated
from kdiffe_jax.training.saving import saved_model
from kdiffe_jax.training.selection import check_selection_metric


def finish_closed_form(
    dataset: Dataset,
    config: Config,
    run: RunDirectory,
    resources: Resources,
    *,
    log: Callable[[str], None],
    phase: Phase = nullcontext,
    write_result: bool = True,
) -> dict[str, Any]:
    """Fits the model, scores it and writes model, result and users' scores.

    Args:
      dataset: as read, whole.
      config: of a closed form.
      run: a claimed run directory.
      resources: limits and baselines.
      log: receives one line at a time.
      phase: of what it is at.
      write_result: False writes the model alone, as scoring a run again does.

    Raises:
      ConfigError: several devices or processes; a limit.
      DataError: a split to rank is empty.
    """
    if dataset.share != ALONE or resources.placement is not None:
        raise ConfigError(f"{config.model} is fitted by the host of one process; leave --mesh out")
    check_selection_metric(config)
    dataset = ablated(dataset, config.data_ablation)
    for note in dataset.notes:
        log(f"{dataset.name}: {note}")
    check_splits(dataset, config)
    data = _eval_data(dataset, config)
    training, fitted = _fitted(dataset, config, data, run, resources, phase)

    def score_beside() -> Baselines:
        cache_dir, of = resources.cache_dir, resources.baselines
        return score_baselines(data, of, cache_dir=cache_dir, log=log, phase=phase)

    with phase("scoring"):
        result, per_user = _scored(dataset, config, data, training, fitted.lists, score_beside)
    if write_result:
        write_environment(run)
        run.write_history([])
        if per_user is not None:
            run.write_per_user(per_user, np.asarray(data.test.users))
        run.write_result(result)
    return result


def save_fitted(
    dataset: Dataset,
    config: Config,
    run: RunDirectory,
    resources: Resources,
    *,
    phase: Phase = nullcontext,
) -> float:
    """Fits the model without choosing or scoring anything, and writes it: the seconds that took.

    Args:
      dataset: whose training split is all that it reads.
      config: of a closed form that is not tuned.
      run, resources, phase: as for `finish_closed_form`.

    Raises:
      ConfigError: a limit.
    """
    dataset = ablated(dataset, config.data_ablation)
    data = _eval_data(dataset, config)
    return _fitted(dataset, config, data, run, resources, phase)[0]["seconds"]


def _fitted(dataset, config, data, run, resources, phase) -> tuple[dict[str, Any], Any]:
    """Fits the model and writes it: how it was made, and what it gives."""
    begun, cpu_begun = time.perf_counter(), time.process_time()
    with phase("fitting"):
        chosen, fitted = fit_closed_form(config, data, limits=resources.limits)
    training = {
        "best_epoch": 0,
        "epochs": 0,
        "seconds": round(time.perf_counter() - begun, 3),
        "cpu_seconds": round(time.process_time() - cpu_begun, 3),
        "hyper_parameters": chosen,
    }
    with phase("saving"):
        write_model(_model(dataset, config, training, fitted.saved), run.path / MODEL)
    return training, fitted


def _model(
    dataset: Dataset, config: Config, training: dict[str, Any], saved: Mapping[str, np.ndarray]
) -> SavedModel:
    """Without the times, so that the same fit is the same file."""
    arrays = dict(saved)
    training = {name: training[name] for name in ("best_epoch", "epochs", "hyper_parameters")}
    users, items = arrays.pop("users"), arrays.pop("items")
    return saved_model(dataset, config, training, users=users, items=items, artifacts=arrays)


def _scored(
    dataset: Dataset,
    config: Config,
    data: EvalData,
    training: dict[str, Any],
    lists: TopKLists,
    score_beside: Callable[[], Baselines],
) -> tuple[dict[str, Any], PerUser | None]:
    """What result.json holds, and each test user's scores where the test split is scored."""
    if not config.eval.score_test:
        valid = score_split(lists, data.valid, data.popularity(), n_users=data.n_users)
        said = validated(config, dataset, data, training=training, valid=valid.means())
        return said, None
    found, per_user = best_scores(lists, data)
    scores = dict(training=training, found=found, per_user=per_user, baselines=score_beside())
    return assembled(config, dataset, data, **scores), per_user


def _eval_data(dataset: Dataset, config: Config) -> EvalData:
    of = dict(n_users=dataset.n_users, n_items=dataset.n_items)
    splits = splits_to_rank(dataset, config.eval)
    valid, test = (ranking_task(*split, n_users=dataset.n_users) for split in splits)
    return EvalData(dataset.train, **of, valid=valid, test=test, eval=config.eval)
