"""result.json: the best epoch's scores, once, beside the baselines'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from kdiffe_jax.assessment import assess
from kdiffe_jax.baselines.bench import Bench
from kdiffe_jax.baselines.paired import paired_test
from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import PAIRED_METRIC, score_baselines
from kdiffe_jax.rankers import embedding_ranker
from kdiffe_jax.training.epoch import compile_parts
from kdiffe_jax.training.loop import Trained, load_best
from kdiffe_jax.training.planted import within_item_auc
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.saving import save_model
from kdiffe_jax.training.state import initial_state

Baselines = dict[str, dict[str, Any]]

def finish(
    problem: Problem, trained: Trained, run: RunDirectory, baselines: Baselines | None = None
) -> dict[str, Any]:
    """Scores validation and test with the best epoch; writes model, result and users' scores.

    Args:
      problem: data and parts.
      trained: the best epoch's model.
      run: a claimed run directory.
      baselines: from `score_baselines`; None scores the most popular items alone.
    """
    result, per_user = _scored(problem, trained, baselines)
    run.write_per_user(per_user, np.asarray(problem.test.users))
    save_model(problem, trained, run)
    run.write_result(result)
    return result


def rescore(
    problem: Problem,
    run: RunDirectory,
    baselines: Baselines | None = None,
    *,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Scores the best checkpoint of a run again, without training, and writes the model again.

    Raises:
      RunError: the run has no checkpoint.
    """
    trained = load_best(problem, run, say=say)
    save_model(problem, trained, run)
    return _scored(problem, trained, baselines)[0]


def bench_of(problem: Problem) -> Bench:
    """What the baselines of a problem receive."""
    dataset = problem.dataset
    return Bench(
        dataset.train,
        dataset.n_users,
        dataset.n_items,
        problem.valid,
        problem.test,
        problem.parts.config.eval,
    )


def _scored(
    problem: Problem, trained: Trained, baselines: Baselines | None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    bench, dataset = bench_of(problem), problem.dataset
    if baselines is None:
        settings = BaselineSettings(baselines="most_popular")
        baselines = score_baselines(bench, settings, cache_dir=None, say=lambda line: None)
    view = trained.view
    users, items = (table.astype(bench.eval.eval_precision) for table in view)
    rank = embedding_ranker(users, items, block=bench.eval.eval_block)
    valid, test = (
        assess(rank, task, bench.popularity(), n_users=bench.n_users)
        for task in (bench.valid, bench.test)
    )
    result: dict[str, Any] = {
        "dataset": dataset.name,
        "selection": bench.eval.selection,
        "selection_metric": bench.eval.selection_metric,
        "best_epoch": trained.best_epoch,
        "epochs": len(trained.history),
        "seconds": round(sum(record["seconds"] for record in trained.history), 3),
        "valid": valid.means(),
        "test": test.means(),
        "users_scored": {
            "valid": len(bench.valid.users),
            "test": len(bench.test.users),
            "of": dataset.n_users,
        },
        "cold": {"valid": valid.cold, "test": test.cold},
        "beyond_accuracy": test.beyond_accuracy,
        "baselines": {
            name: _beside(scores, test.per_user[PAIRED_METRIC])
            for name, scores in baselines.items()
        },
        "notes": list(dataset.notes),
    }
    if dataset.relevant is not None:
        result["planted"] = planted_truth(problem, trained.params)
    return result, test.per_user


def _beside(scores: dict[str, Any], model: np.ndarray) -> dict[str, Any]:
    """A baseline's scores with the test over users in place of each user's score."""
    if "left_out" in scores:
        return scores
    kept = {name: value for name, value in scores.items() if name != "per_user"}
    return kept | {"paired": paired_test(model, np.asarray(scores["per_user"]))}


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
