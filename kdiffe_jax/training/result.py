"""result.json: the best epoch's scores, once, beside the baselines'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from kdiffe_jax.baselines.most_popular import most_popular_view
from kdiffe_jax.ranking import evaluate, mean_metrics
from kdiffe_jax.training.epoch import compile_parts
from kdiffe_jax.training.loop import Trained, load_best, score, score_users
from kdiffe_jax.training.planted import within_item_auc
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.saving import save_model
from kdiffe_jax.training.state import initial_state


def finish(problem: Problem, trained: Trained, run: RunDirectory) -> dict[str, Any]:
    """Scores validation and test with the best epoch; writes model, result and users' scores."""
    result, per_user = _scored(problem, trained)
    run.write_per_user(per_user, np.asarray(problem.test.users))
    save_model(problem, trained, run)
    run.write_result(result)
    return result


def rescore(problem: Problem, run: RunDirectory, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Scores the best checkpoint of a run again, without training, and writes the model again.

    Raises:
      RunError: the run has no checkpoint.
    """
    trained = load_best(problem, run, say=say)
    save_model(problem, trained, run)
    return _scored(problem, trained)[0]


def _scored(problem: Problem, trained: Trained) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    config, dataset = problem.parts.config, problem.dataset
    view = trained.view
    per_user = score_users(problem, view, problem.test)
    result: dict[str, Any] = {
        "dataset": dataset.name,
        "selection": config.eval.selection,
        "selection_metric": config.eval.selection_metric,
        "best_epoch": trained.best_epoch,
        "epochs": len(trained.history),
        "seconds": round(sum(record["seconds"] for record in trained.history), 3),
        "valid": score(problem, view, problem.valid),
        "test": mean_metrics(per_user),
        "users_scored": {
            "valid": len(problem.valid.users),
            "test": len(problem.test.users),
            "of": dataset.n_users,
        },
        "baselines": {"most_popular": _most_popular(problem)},
        "notes": list(dataset.notes),
    }
    if dataset.relevant is not None:
        result["planted"] = planted_truth(problem, trained.params)
    return result, per_user


def _most_popular(problem: Problem) -> dict[str, Any]:
    dataset = problem.dataset
    view = most_popular_view(dataset.train, n_users=dataset.n_users, n_items=dataset.n_items)
    block = problem.parts.config.eval.eval_block
    valid, test = (
        mean_metrics(evaluate(view.users, view.items, task, block=block))
        for task in (problem.valid, problem.test)
    )
    return {**test, "test": test, "valid": valid}


def planted_truth(problem: Problem, params) -> dict[str, float]:
    """How well the denoiser ranks planted relevant triples over planted noise."""
    compiled = compile_parts(problem.parts)
    key = initial_state(problem.parts, problem.graphs).key
    values = compiled.score_triples(params, problem.graphs, key, jnp.int32(0))
    relevant = problem.dataset.relevant
    return {
        "relation_auc": within_item_auc(np.asarray(values), problem.dataset),
        "relevant_share": float(relevant.mean()),
    }
