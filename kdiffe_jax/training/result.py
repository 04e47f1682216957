"""result.json: the best epoch's scores, once, beside the baselines'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.assessment import assess
from kdiffe_jax.baselines.bench import Bench
from kdiffe_jax.baselines.paired import paired_test
from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.baselines.suite import PAIRED_METRIC, score_baselines
from kdiffe_jax.rankers import embedding_ranker
from kdiffe_jax.training.epoch import compile_parts
from kdiffe_jax.training.loop import Trained, load_best, score
from kdiffe_jax.training.planted import kept_relevant_share, within_item_auc
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.saving import save_model
from kdiffe_jax.training.state import initial_state

Baselines = dict[str, dict[str, Any]]


def finish(
    problem: Problem, trained: Trained, run: RunDirectory, baselines: Baselines | None = None
) -> dict[str, Any]:
    """Scores validation and test with the best epoch; writes model, result and users' scores.

    Where the test split is not to be scored, validation is all there is, and only the result
    is written.

    Args:
      problem: data and parts.
      trained: the best epoch's model.
      run: a claimed run directory.
      baselines: from `score_baselines`; None scores the most popular items alone.
    """
    if not problem.parts.config.eval.score_test:
        result = validated(problem, trained)
        run.write_result(result)
        return result
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
    if not problem.parts.config.eval.score_test:
        return validated(problem, trained)
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


def validated(problem: Problem, trained: Trained) -> dict[str, Any]:
    """result.json of a run that leaves the test split alone, baselines included."""
    config = problem.parts.config
    result = {
        "dataset": problem.dataset.name,
        "selection": config.eval.selection,
        "selection_metric": config.eval.selection_metric,
        **_training(trained),
        "valid": score(problem, trained.view, problem.valid),
        "users_scored": {"valid": len(problem.valid.users), "of": problem.dataset.n_users},
        "baselines": {},
        "notes": list(problem.dataset.notes),
    }
    return result | _planted(problem, trained)


def _training(trained: Trained) -> dict[str, Any]:
    return {
        "best_epoch": trained.best_epoch,
        "epochs": len(trained.history),
        "seconds": round(sum(record["seconds"] for record in trained.history), 3),
    }


def _planted(problem: Problem, trained: Trained) -> dict[str, Any]:
    if problem.dataset.relevant is None:
        return {}
    score_triples = compile_parts(problem.parts).score_triples
    return {"planted": planted_truth(problem, trained.params, score_triples)}


def _scored(
    problem: Problem, trained: Trained, baselines: Baselines | None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    found, per_user = best_scores(problem, trained)
    scores = per_user[PAIRED_METRIC]
    result = assembled(problem, _training(trained), found, scores, baselines)
    return result | _planted(problem, trained), per_user


def best_scores(problem: Problem, trained: Trained) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What the best epoch's model scores, and each test user's metrics.

    Returns:
      "valid" and "test" with mean metrics, "cold", "beyond_accuracy"; metric name -> f64[n].
    """
    bench, settings = bench_of(problem), problem.parts.config.eval
    users, items = (table.astype(settings.eval_precision) for table in trained.view)
    rank = embedding_ranker(users, items, block=settings.eval_block)
    valid, test = (
        assess(rank, task, bench.popularity(), n_users=bench.n_users)
        for task in (bench.valid, bench.test)
    )
    found = {
        "valid": valid.means(),
        "test": test.means(),
        "cold": {"valid": valid.cold, "test": test.cold},
        "beyond_accuracy": test.beyond_accuracy,
    }
    return found, test.per_user


def assembled(
    problem: Problem,
    training: dict[str, Any],
    found: dict[str, Any],
    scores: np.ndarray,
    baselines: Baselines | None,
) -> dict[str, Any]:
    """result.json: how training went and what it found, beside the baselines.

    Args:
      problem: data and parts.
      training: best epoch, epochs, seconds.
      found: see `best_scores`.
      scores: each test user's paired metric.
      baselines: from `score_baselines`; None scores the most popular items alone.
    """
    bench, dataset = bench_of(problem), problem.dataset
    if baselines is None:
        settings = BaselineSettings(baselines="most_popular")
        baselines = score_baselines(bench, settings, cache_dir=None, say=lambda line: None)
    return {
        "dataset": dataset.name,
        "selection": bench.eval.selection,
        "selection_metric": bench.eval.selection_metric,
        **training,
        "valid": found["valid"],
        "test": found["test"],
        "users_scored": {
            "valid": len(bench.valid.users),
            "test": len(bench.test.users),
            "of": dataset.n_users,
        },
        "cold": found["cold"],
        "beyond_accuracy": found["beyond_accuracy"],
        "baselines": {name: _beside(theirs, scores) for name, theirs in baselines.items()},
        "notes": list(dataset.notes),
    }


def _beside(scores: dict[str, Any], model: np.ndarray) -> dict[str, Any]:
    """A baseline's scores with the test over users in place of each user's score."""
    if "left_out" in scores:
        return scores
    kept = {name: value for name, value in scores.items() if name != "per_user"}
    return kept | {"paired": paired_test(model, np.asarray(scores["per_user"]))}


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
    q = problem.parts.config.diffusion.top_q
    return {
        "relation_auc": within_item_auc(np.asarray(values), problem.dataset),
        "kept_relevant_share": kept_relevant_share(np.asarray(values), problem.dataset, q),
        "relevant_share": float(np.mean(problem.dataset.relevant)),
    }
