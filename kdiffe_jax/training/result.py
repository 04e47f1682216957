"""result.json of a trained model: the best epoch's scores, once, beside the baselines'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from types import MappingProxyType
from typing import Any

import numpy as np

from kdiffe_jax.baselines.beside import Baselines, beside
from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.feature_rows import shown_name
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.evaluation.split_scores import score_split
from kdiffe_jax.evaluation.spread import spread
from kdiffe_jax.evaluation.top_k_lists import TopKLists, lists_by_embeddings
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.cost import how_it_went
from kdiffe_jax.training.findings import findings_of, planted_truth
from kdiffe_jax.training.loop import Trained, score
from kdiffe_jax.training.many_seeds import load_seeds
from kdiffe_jax.training.phases import Phase
from kdiffe_jax.training.saving import save_model
from kdiffe_jax.training.selection import selection_score
from kdiffe_jax.training.setup import TrainSetup

PerUser = dict[str, np.ndarray]
_NONE: Mapping[str, str] = MappingProxyType({})
_OF_SPLITS = ("valid", "test", "cold", "beyond_accuracy")


def finish(
    setup: TrainSetup,
    trained: list[Trained],
    run: RunDirectory,
    baselines: Baselines | None = None,
    *,
    phase: Phase = nullcontext,
) -> dict[str, Any]:
    """Scores validation and test with the best epochs; writes model, result and users' scores.

    Where the test split is not to be scored, validation is all there is, and only the result
    is written. test_per_user.npz holds `users` and each metric, as [seeds, users] and with
    `seeds` where there are several; model.npz the seed with the best selection score.

    Args:
      setup: data and model, on one device.
      trained: the best epoch's model of every seed.
      run: a claimed run directory.
      baselines: from `score_baselines`; None scores the most popular items alone.
      phase: of "saving".
    """
    findings = findings_of(setup, trained)
    result, per_user = _scored(setup, trained, findings, baselines)
    with phase("saving"):
        if per_user is not None:
            run.write_per_user(per_user, np.asarray(setup.test.users))
            save_model(*_best_seed(setup, trained, findings), run)
        run.write_result(result)
    return result


def rescore(
    setup: TrainSetup,
    run: RunDirectory,
    baselines: Baselines | None = None,
    *,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Scores the best checkpoints of a run again, without training, and writes the model again.

    Raises:
      RunError: the run has no checkpoint.
    """
    trained = load_seeds(setup, run, log=log)
    findings = findings_of(setup, trained)
    if setup.config.eval.score_test:
        save_model(*_best_seed(setup, trained, findings), run)
    return _scored(setup, trained, findings, baselines)[0]


def eval_data_of(setup: TrainSetup) -> EvalData:
    """What the baselines of a setup receive."""
    dataset = setup.dataset
    return EvalData(
        dataset.train,
        dataset.n_users,
        dataset.n_items,
        setup.valid,
        setup.test,
        setup.config.eval,
    )


def best_scores(lists: TopKLists, data: EvalData) -> tuple[dict[str, Any], PerUser]:
    """What a model scores on both splits, and each test user's metrics.

    Args:
      lists: of the model.
      data: the splits.

    Returns:
      "valid" and "test" with mean metrics, "cold", "beyond_accuracy"; metric name -> f64[n].
    """
    valid, test = (
        score_split(lists, task, data.popularity(), n_users=data.n_users)
        for task in (data.valid, data.test)
    )
    found = {
        "valid": valid.means(),
        "test": test.means(),
        "cold": {"valid": valid.cold, "test": test.cold},
        "beyond_accuracy": test.beyond_accuracy,
    }
    return found, test.per_user


def _scored(
    setup: TrainSetup,
    trained: list[Trained],
    findings: list[dict[str, Any]],
    baselines: Baselines | None,
) -> tuple[dict[str, Any], PerUser | None]:
    if not setup.config.eval.score_test:
        return _validated(setup, trained[0]), None
    scored, per_seed = zip(*(_of_seed(setup, one) for one in trained), strict=True)
    found = [own | more for own, more in zip(scored, findings, strict=True)]
    per_user = {name: np.stack([own[name] for own in per_seed]) for name in per_seed[0]}
    means = _mean(*found)
    result = assembled(
        setup.config,
        setup.dataset,
        eval_data_of(setup),
        training=how_it_went(trained),
        found=means,
        per_user={name: values.mean(axis=0) for name, values in per_user.items()},
        baselines=baselines,
        stand_ins=setup.stand_ins,
    )
    if len(found) == 1:
        return result, {name: values[0] for name, values in per_user.items()}
    seeds = setup.config.train.seeds
    result["seeds"] = [
        {"seed": seed, "best_epoch": one.best_epoch, "epochs": len(one.history), **own}
        for seed, one, own in zip(seeds, trained, found, strict=True)
    ]
    result["over_seeds"] = {
        split: {name: spread([own[split][name] for own in found]) for name in found[0][split]}
        for split in ("valid", "test")
    }
    return result, {"seeds": np.array(seeds), **per_user}


def assembled(
    config: Config,
    dataset: Dataset,
    data: EvalData,
    *,
    training: dict[str, Any],
    found: dict[str, Any],
    per_user: PerUser,
    baselines: Baselines | None,
    stand_ins: Mapping[str, str] = _NONE,
) -> dict[str, Any]:
    """result.json of any model: how it was made and what it scores, beside the baselines.

    Args:
      config, dataset, data: of the run.
      training: best epoch, epochs, seconds, and what else was chosen.
      found: of `best_scores`, and what else the model says of itself.
      per_user: metric -> f64[n], each test user's.
      baselines: from `score_baselines`; None scores the most popular items alone.
      stand_ins: what each modality is, where the data have no features.
    """
    return (
        head(config, dataset, stand_ins)
        | training
        | {name: found[name] for name in ("valid", "test")}
        | {
            "users_scored": {
                "valid": len(data.valid.users),
                "test": len(data.test.users),
                "of": dataset.n_users,
            }
        }
        | {name: found[name] for name in ("cold", "beyond_accuracy")}
        | {"baselines": beside(baselines, per_user, data)}
        | {"notes": list(dataset.notes)}
        | {name: found[name] for name in found if name not in _OF_SPLITS}
    )


def head(config: Config, dataset: Dataset, stand_ins: Mapping[str, str] = _NONE) -> dict[str, Any]:
    """What result.json begins with."""
    return {
        "model": config.model,
        "shown_as": shown_name(config.model, stand_ins),
        "dataset": dataset.name,
        "selection": config.eval.selection,
        "selection_metric": config.eval.selection_metric,
    }


def _of_seed(setup: TrainSetup, trained: Trained) -> tuple[dict[str, Any], PerUser]:
    settings = setup.config.eval
    users, items = (table.astype(settings.eval_precision) for table in trained.view)
    lists = lists_by_embeddings(users, items, block=settings.eval_block)
    found, per_user = best_scores(lists, eval_data_of(setup))
    return found | planted_truth(setup, trained), per_user


def _validated(setup: TrainSetup, trained: Trained) -> dict[str, Any]:
    """result.json of a run that leaves the test split alone, baselines included."""
    return (
        head(setup.config, setup.dataset, setup.stand_ins)
        | how_it_went([trained])
        | {"valid": score(setup, trained.view, setup.valid)}
        | {"users_scored": {"valid": len(setup.valid.users), "of": setup.dataset.n_users}}
        | {"baselines": {}, "notes": list(setup.dataset.notes)}
        | planted_truth(setup, trained)
    )


def _best_seed(
    setup: TrainSetup, trained: list[Trained], findings: list[dict[str, Any]]
) -> tuple[TrainSetup, Trained, dict[str, Any]]:
    scores = [selection_score(one.history[one.best_epoch], setup.config) for one in trained]
    best = int(np.argmax(scores))
    return setup.of_seed(setup.config.train.seeds[best]), trained[best], findings[best]


def _mean(*values: Any) -> Any:
    """The mean of figures of the same names; counts are those of the data, the same for all."""
    first = values[0]
    if isinstance(first, dict):
        return {name: _mean(*(value[name] for value in values)) for name in first}
    return first if isinstance(first, int) else float(np.mean(values))
