"""result.json of many seeds: every member's scores, and their spread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from kdiffe_jax.baselines.suite import PAIRED_METRIC
from kdiffe_jax.training.epoch import compile_parts
from kdiffe_jax.training.loop import selection_score
from kdiffe_jax.training.many_seeds import TrainedMembers, load_members
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.result import Baselines, assembled, best_scores, planted_truth
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.saving import save_model
from kdiffe_jax.training.spread import spread

PerUser = dict[str, np.ndarray]


def finish_members(
    problem: Problem,
    trained: TrainedMembers,
    run: RunDirectory,
    baselines: Baselines | None = None,
) -> dict[str, Any]:
    """Scores every member's best epoch; writes one model, the result and each user's scores.

    test_per_user.npz holds `users`, `seeds`, and each metric as [seeds, users]; model.npz
    the member with the best selection score.
    """
    result, per_user = _scored(problem, trained, baselines)
    seeds = np.array(problem.parts.config.train.seeds)
    run.write_per_user({"seeds": seeds, **per_user}, np.asarray(problem.test.users))
    _save_best(problem, trained, run)
    run.write_result(result)
    return result


def rescore_members(
    problem: Problem,
    run: RunDirectory,
    baselines: Baselines | None = None,
    *,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Scores the best models of a run again, without training, and writes the model again.

    Raises:
      RunError: the run has no checkpoint.
    """
    trained = load_members(problem, run, say=say)
    _save_best(problem, trained, run)
    return _scored(problem, trained, baselines)[0]


def _save_best(problem: Problem, trained: TrainedMembers, run: RunDirectory) -> None:
    config = problem.parts.config
    scores = [selection_score(m.history[m.best_epoch], config) for m in trained.models]
    best = int(np.argmax(scores))
    save_model(problem.of_seed(config.train.seeds[best]), trained.models[best], run)


def _scored(
    problem: Problem, trained: TrainedMembers, baselines: Baselines | None
) -> tuple[dict[str, Any], PerUser]:
    found, per_user = _each(problem, trained)
    training = {
        "best_epoch": float(np.mean([model.best_epoch for model in trained.models])),
        "epochs": len(trained.history),
        "seconds": round(sum(record["seconds"] for record in trained.history), 3),
    }
    means = jax.tree.map(_mean, *found)
    of_users = per_user[PAIRED_METRIC].mean(axis=0)
    result = assembled(problem, training, means, of_users, baselines)
    seeds = problem.parts.config.train.seeds
    result["members"] = [
        {"seed": seed, "best_epoch": model.best_epoch, "epochs": len(model.history), **own}
        for seed, model, own in zip(seeds, trained.models, found, strict=True)
    ]
    result["over_seeds"] = {s: _spreads([own[s] for own in found]) for s in ("valid", "test")}
    if "planted" in means:
        result["planted"] = means["planted"]
    return result, per_user


def _each(problem: Problem, trained: TrainedMembers) -> tuple[list[dict[str, Any]], PerUser]:
    """What every member scores, and each metric of every test user as [members, users]."""
    score_triples = compile_parts(problem.parts).score_triples
    found, of_users = [], []
    for seed, model in zip(problem.parts.config.train.seeds, trained.models, strict=True):
        own, per_user = best_scores(problem, model)
        if problem.dataset.relevant is not None:
            own["planted"] = planted_truth(problem.of_seed(seed), model.params, score_triples)
        found.append(own)
        of_users.append(per_user)
    return found, {name: np.stack([p[name] for p in of_users]) for name in of_users[0]}


def _mean(*values: float) -> float:
    """Counts are those of the data, and the same for all members."""
    return values[0] if isinstance(values[0], int) else float(np.mean(values))


def _spreads(metrics: list[dict[str, float]]) -> dict[str, dict[str, Any]]:
    return {name: spread([own[name] for own in metrics]) for name in metrics[0]}
