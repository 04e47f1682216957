"""result.json of many seeds: every member's scores, and their spread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kdiffe_jax.training.epoch import compile_parts
from kdiffe_jax.training.loop import selection_score
from kdiffe_jax.training.many_seeds import TrainedMembers, load_members
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.result import assembled, best_scores, planted_truth
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.saving import save_model
from kdiffe_jax.training.spread import spread

PerUser = dict[str, np.ndarray]


def finish_members(problem: Problem, trained: TrainedMembers, run: RunDirectory) -> dict[str, Any]:
    """Scores every member's best epoch; writes one model, the result and each user's scores.

    test_per_user.npz holds `users`, `seeds`, and each metric as [seeds, users]; model.npz
    the member with the best selection score.
    """
    result, per_user = _scored(problem, trained)
    seeds = np.array(problem.parts.config.train.seeds)
    if per_user:
        run.write_per_user({"seeds": seeds, **per_user}, np.asarray(problem.test.users))
        _save_best(problem, trained, run)
    run.write_result(result)
    return result


def rescore_members(
    problem: Problem, run: RunDirectory, *, say: Callable[[str], None]
) -> dict[str, Any]:
    """Scores the best models of a run again, without training, and writes the model again.

    Raises:
      RunError: the run has no checkpoint.
    """
    trained = load_members(problem, run, say=say)
    _save_best(problem, trained, run)
    return _scored(problem, trained)[0]


def _save_best(problem: Problem, trained: TrainedMembers, run: RunDirectory) -> None:
    config = problem.parts.config
    scores = [selection_score(m.history[m.best_epoch], config) for m in trained.models]
    best = int(np.argmax(scores))
    save_model(problem.of_seed(config.train.seeds[best]), trained.models[best], run)


def _scored(problem: Problem, trained: TrainedMembers) -> tuple[dict[str, Any], PerUser]:
    members, per_user = _each(problem, trained)
    splits = [split for split in ("valid", "test") if split in members[0]]
    over_seeds = {split: _spreads([m[split] for m in members]) for split in splits}
    means = {
        split: {name: found["mean"] for name, found in metrics.items()}
        for split, metrics in over_seeds.items()
    }
    result = assembled(
        problem,
        best_epoch=float(np.mean([member["best_epoch"] for member in members])),
        epochs=len(trained.history),
        seconds=round(sum(record["seconds"] for record in trained.history), 3),
        **means,
    )
    result |= {"members": members, "over_seeds": over_seeds}
    if problem.dataset.relevant is not None:
        planted = [member["planted"] for member in members]
        result["planted"] = {
            name: float(np.mean([p[name] for p in planted])) for name in planted[0]
        }
    return result, per_user


def _each(problem: Problem, trained: TrainedMembers) -> tuple[list[dict[str, Any]], PerUser]:
    """The scores of every member, and each metric of every test user as [members, users]."""
    score_triples = compile_parts(problem.parts).score_triples
    members, of_users = [], []
    for seed, model in zip(problem.parts.config.train.seeds, trained.models, strict=True):
        own, per_user = best_scores(problem, model)
        member = {"seed": seed, "best_epoch": model.best_epoch, "epochs": len(model.history), **own}
        if problem.dataset.relevant is not None:
            member["planted"] = planted_truth(problem.of_seed(seed), model.params, score_triples)
        members.append(member)
        of_users.append(per_user)
    return members, {name: np.stack([p[name] for p in of_users]) for name in of_users[0]}


def _spreads(metrics: list[dict[str, float]]) -> dict[str, dict[str, Any]]:
    return {name: spread([own[name] for own in metrics]) for name in metrics[0]}
