"""result.json: the best epoch's scores, once, beside the baselines'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.baselines.most_popular import most_popular_view
from kdiffe_jax.ranking import evaluate, mean_metrics
from kdiffe_jax.training.epoch import compile_parts
from kdiffe_jax.training.loop import Trained, load_best, score, score_users
from kdiffe_jax.training.planted import kept_relevant_share, within_item_auc
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.saving import save_model
from kdiffe_jax.training.state import initial_state


def finish(problem: Problem, trained: Trained, run: RunDirectory) -> dict[str, Any]:
    """Scores the best epoch; with the test split, writes the model and users' scores too."""
    result, per_user = _scored(problem, trained)
    if per_user:
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
    own, per_user = best_scores(problem, trained)
    seconds = round(sum(record["seconds"] for record in trained.history), 3)
    result = assembled(
        problem,
        best_epoch=trained.best_epoch,
        epochs=len(trained.history),
        seconds=seconds,
        **own,
    )
    if problem.dataset.relevant is not None:
        score_triples = compile_parts(problem.parts).score_triples
        result["planted"] = planted_truth(problem, trained.params, score_triples)
    return result, per_user


def best_scores(
    problem: Problem, trained: Trained
) -> tuple[dict[str, dict[str, float]], dict[str, np.ndarray]]:
    """Mean metrics on "valid" and "test", and those of each test user; none without test scores."""
    valid = {"valid": score(problem, trained.view, problem.valid)}
    if not problem.parts.config.eval.score_test:
        return valid, {}
    per_user = score_users(problem, trained.view, problem.test)
    return valid | {"test": mean_metrics(per_user)}, per_user


def assembled(problem: Problem, **own) -> dict[str, Any]:
    """result.json: what a training found, beside what is known of its problem."""
    config, dataset = problem.parts.config, problem.dataset
    return {
        "dataset": dataset.name,
        "selection": config.eval.selection,
        "selection_metric": config.eval.selection_metric,
        **own,
        "users_scored": {
            "valid": len(problem.valid.users),
            "test": len(problem.test.users),
            "of": dataset.n_users,
        },
        "baselines": {"most_popular": _most_popular(problem)},
        "notes": list(dataset.notes),
    }


def _most_popular(problem: Problem) -> dict[str, Any]:
    dataset = problem.dataset
    view = most_popular_view(dataset.train, n_users=dataset.n_users, n_items=dataset.n_items)
    settings = problem.parts.config.eval
    scores = {
        split: mean_metrics(
            evaluate(view.users, view.items, getattr(problem, split), block=settings.eval_block)
        )
        for split in (("valid", "test") if settings.score_test else ("valid",))
    }
    return {**scores.get("test", {}), **scores}


def planted_truth(
    problem: Problem, params, score_triples: Callable[..., jax.Array]
) -> dict[str, float]:
    """How well the denoiser ranks planted relevant triples over planted noise.

    Args:
      problem: with planted data.
      params: encoder and denoiser.
      score_triples: of `Compiled`.
    """
    key = initial_state(problem.parts, problem.graphs).key
    values = score_triples(params, problem.graphs, key, jnp.int32(0))
    relevant = problem.dataset.relevant
    q = problem.parts.config.diffusion.top_q
    return {
        "relation_auc": within_item_auc(np.asarray(values), problem.dataset),
        "kept_relevant_share": kept_relevant_share(np.asarray(values), problem.dataset, q),
        "relevant_share": float(relevant.mean()),
    }
