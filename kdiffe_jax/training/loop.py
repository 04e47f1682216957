"""Training from the first epoch, or from where a run stopped, to the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.config import Config
from kdiffe_jax.errors import ConfigError, NonFiniteLossError, RunError
from kdiffe_jax.metrics import METRICS
from kdiffe_jax.model.encoder import View
from kdiffe_jax.phases import host_phase
from kdiffe_jax.ranking import CUTOFFS, evaluate, mean_metrics
from kdiffe_jax.rebuild import Kept
from kdiffe_jax.training.checkpoints import Checkpoints
from kdiffe_jax.training.epoch import Compiled, compile_parts, strengths_of
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.state import TrainState, initial_state
from kdiffe_jax.types import Batch, RankingTask

Record = dict[str, Any]


class Carried(NamedTuple):
    """What passes from one epoch to the next, and into a checkpoint."""

    state: TrainState
    kept: Kept


class Trained(NamedTuple):
    """The model of the best epoch."""

    params: dict[str, Any]
    view: View
    best_epoch: int
    history: list[Record]


def train(
    problem: Problem,
    run: RunDirectory,
    *,
    on_epoch: Callable[[Record], None],
    say: Callable[[str], None],
) -> Trained:
    """Trains until the epochs are over or patience is, resuming where `run` has checkpoints.

    Args:
      problem: data and parts.
      run: a claimed run directory.
      on_epoch: receives each epoch's record, as in metrics.jsonl.
      say: receives one line at a time.

    Returns:
      The best epoch's model. The test split is not looked at, unless it selects.

    Raises:
      NonFiniteLossError: a loss term is not finite; the last good checkpoint stays.
    """
    config = problem.parts.config
    check_selection_metric(config)
    compiled = compile_parts(problem.parts)
    with Checkpoints(run.checkpoints, say) as checkpoints:
        carried, history = _begin(problem, compiled, checkpoints, say)
        run.write_history(history)
        while len(history) < config.train.epochs and not _out_of_patience(history, config):
            with host_phase("epoch"):
                carried, record = _one_epoch(problem, compiled, carried, epoch=len(history))
                history.append(record)
                with host_phase("checkpoint"):
                    scores = [selection_score(r, config) for r in history]
                    checkpoints.save(carried, history, scores)
                    run.write_history(history)
            on_epoch(record)
        return _best(problem, compiled, checkpoints, carried, history)


def load_best(problem: Problem, run: RunDirectory, *, say: Callable[[str], None]) -> Trained:
    """The best epoch's model of an existing run.

    Raises:
      RunError: the run has no readable checkpoint.
    """
    compiled = compile_parts(problem.parts)
    if not run.checkpoints.is_dir():
        raise RunError(f"{run.path}: no epoch was finished; train it first")
    with Checkpoints(run.checkpoints, say) as checkpoints:
        carried, history = _begin(problem, compiled, checkpoints, lambda line: None)
        if not history:
            raise RunError(f"{run.path}: no epoch was finished; train it first")
        return _best(problem, compiled, checkpoints, carried, history)


def _best(
    problem: Problem,
    compiled: Compiled,
    checkpoints: Checkpoints,
    like: Carried,
    history: list[Record],
) -> Trained:
    best = best_epoch(history, problem.parts.config)
    params = checkpoints.restore(best, like).arrays.state.params
    return Trained(params, compiled.encode(params, problem.graphs), best, history)


def selection_score(record: Record, config: Config) -> float:
    """The number by which an epoch is chosen: the configured metric on the configured split."""
    return record[config.eval.selection][config.eval.selection_metric]


def check_selection_metric(config: Config) -> None:
    """Refuses a selection metric that no epoch will have.

    Raises:
      ConfigError: a metric that is not computed.
    """
    name, _, cutoff = config.eval.selection_metric.partition("@")
    if name not in METRICS or cutoff not in {str(k) for k in CUTOFFS}:
        raise ConfigError(
            f"selection_metric = {config.eval.selection_metric!r}: expected one of "
            f"{', '.join(METRICS)} at one of {', '.join(map(str, CUTOFFS))}, such as recall@20"
        )


def best_epoch(history: list[Record], config: Config) -> int:
    """The epoch with the highest selection score, the earliest of equals."""
    best = max(history, key=lambda r: (selection_score(r, config), -r["epoch"]))
    return best["epoch"]


def _out_of_patience(history: list[Record], config: Config) -> bool:
    if not history:
        return False
    return len(history) - 1 - best_epoch(history, config) >= config.train.patience


def _begin(
    problem: Problem, compiled: Compiled, checkpoints: Checkpoints, say
) -> tuple[Carried, list[Record]]:
    state = initial_state(problem.parts, problem.graphs)
    kept = compiled.rebuild(state.params, problem.graphs, state.key, jnp.int32(0))
    fresh = Carried(state, kept)
    snapshot = checkpoints.restore_latest(fresh)
    if snapshot is None:
        return fresh, []
    say(f"resuming after epoch {snapshot.epoch}")
    return snapshot.arrays, snapshot.history


def _one_epoch(
    problem: Problem, compiled: Compiled, carried: Carried, *, epoch: int
) -> tuple[Carried, Record]:
    begun = time.perf_counter()
    with host_phase("batches"):
        batches = Batch(*(jnp.asarray(a) for a in problem.sampler.epoch(epoch)))
    state, terms = compiled.epoch(
        carried.state, batches, problem.graphs, carried.kept, strengths_of(problem.parts)
    )
    losses = _finite_means(terms, epoch)
    kept = compiled.rebuild(state.params, problem.graphs, state.key, jnp.int32(epoch + 1))
    view = compiled.encode(state.params, problem.graphs)
    selection = problem.parts.config.eval.selection
    record: Record = {"epoch": epoch, "seconds": 0.0, **losses}
    for split in sorted({"valid", selection}, reverse=True):
        metrics = score(problem, view, getattr(problem, split))
        record[split] = metrics
    record["seconds"] = round(time.perf_counter() - begun, 3)
    return Carried(state, kept), record


def score(problem: Problem, view: View, task: RankingTask) -> dict[str, float]:
    """Mean metrics of a view on a ranking task."""
    with host_phase("evaluation"):
        return mean_metrics(score_users(problem, view, task))


def score_users(problem: Problem, view: View, task: RankingTask) -> dict[str, np.ndarray]:
    """Every user's metrics, ranked in the configured precision."""
    settings = problem.parts.config.eval
    users, items = (table.astype(settings.eval_precision) for table in view)
    return evaluate(users, items, task, block=settings.eval_block)


def _finite_means(terms, epoch: int) -> dict[str, float]:
    """The epoch's mean of each term; stops on the first step with a non-finite one."""
    terms = jax.device_get(terms)
    for name, term in terms.items():
        bad = ~np.isfinite(term.total)
        if bad.any():
            raise NonFiniteLossError(
                f"loss term {name} is not finite at epoch {epoch}, step {int(np.argmax(bad))}; "
                "the last good checkpoint is kept; lower --learning_rate or raise --temperature"
            )
    sums = {
        n: (t.total.sum(dtype=np.float64), t.count.sum(dtype=np.float64)) for n, t in terms.items()
    }
    return {name: float(total / max(count, 1.0)) for name, (total, count) in sums.items()}
