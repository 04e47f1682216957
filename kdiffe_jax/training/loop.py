"""Training from the first epoch, or from where a run stopped, to the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.config import Config
from kdiffe_jax.errors import ConfigError, NonFiniteLossError
from kdiffe_jax.metrics import METRICS
from kdiffe_jax.model.encoder import View
from kdiffe_jax.parallel.evaluation import evaluate_split
from kdiffe_jax.phases import host_phase
from kdiffe_jax.ranking import CUTOFFS, evaluate, mean_metrics
from kdiffe_jax.rebuild import Kept
from kdiffe_jax.training.checkpoints import Checkpoints
from kdiffe_jax.training.course import Course, Record, follow, last_epoch
from kdiffe_jax.training.epoch import Compiled, strengths_of
from kdiffe_jax.training.on_mesh import compile_problem, epoch_batches
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.shared_checkpoints import SharedCheckpoints, checkpoints_of
from kdiffe_jax.training.state import TrainState, initial_state
from kdiffe_jax.training.step import Term


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
    check_selection_metric(problem.parts.config)
    compiled = compile_problem(problem)
    course = _course(problem, compiled)
    with checkpoints_of(run, say) as checkpoints:
        epochs = problem.parts.config.train.epochs
        carried, history = follow(course, epochs, run, checkpoints, on_epoch=on_epoch, say=say)
        return _best(problem, compiled, checkpoints, carried, history)


def load_best(problem: Problem, run: RunDirectory, *, say: Callable[[str], None]) -> Trained:
    """The best epoch's model of an existing run.

    Raises:
      RunError: the run has no readable checkpoint.
    """
    compiled = compile_problem(problem)
    carried, history = last_epoch(_course(problem, compiled), run, say=say)
    with Checkpoints(run.checkpoints, say) as checkpoints:
        return _best(problem, compiled, checkpoints, carried, history)


def _best(
    problem: Problem,
    compiled: Compiled,
    checkpoints: Checkpoints | SharedCheckpoints,
    like: Carried,
    history: list[Record],
) -> Trained:
    best = best_epoch(history, problem.parts.config)
    params = checkpoints.restore(best, like).arrays.state.params
    view = compiled.whole(compiled.encode(params, problem.graphs))
    return Trained(params, view, best, history)


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


def out_of_patience(history: list[Record], config: Config) -> bool:
    """Whether as many epochs as patience allows went by without a better one."""
    if not history:
        return False
    return len(history) - 1 - best_epoch(history, config) >= config.train.patience


def _course(problem: Problem, compiled: Compiled) -> Course:
    config = problem.parts.config
    return Course(
        fresh=lambda: fresh_start(problem, compiled),
        epoch=lambda carried, history: _one_epoch(problem, compiled, carried, epoch=len(history)),
        over=lambda history: out_of_patience(history, config),
        scores=lambda history: [selection_score(record, config) for record in history],
    )


def fresh_start(problem: Problem, compiled: Compiled) -> Carried:
    """What the first epoch begins with."""
    state = initial_state(problem.parts, problem.graphs)
    return Carried(state, compiled.rebuild(state.params, problem.graphs, state.key, jnp.int32(0)))


def _one_epoch(
    problem: Problem, compiled: Compiled, carried: Carried, *, epoch: int
) -> tuple[Carried, Record]:
    begun = time.perf_counter()
    with host_phase("batches"):
        batches = epoch_batches(problem, epoch)
    state, terms = compiled.epoch(
        carried.state, batches, problem.graphs, carried.kept, strengths_of(problem.parts)
    )
    losses = finite_means(jax.device_get(terms), where=f"epoch {epoch}")
    kept = compiled.rebuild(state.params, problem.graphs, state.key, jnp.int32(epoch + 1))
    view = compiled.encode(state.params, problem.graphs)
    record: Record = {"epoch": epoch, "seconds": 0.0, **losses}
    for split in splits_ranked(problem.parts.config):
        metrics = score(problem, view, getattr(problem, split))
        record[split] = metrics
    record["seconds"] = round(time.perf_counter() - begun, 3)
    return Carried(state, kept), record


def score(problem: Problem, view: View, task: Any) -> dict[str, float]:
    """Mean metrics of a view on a ranking task."""
    with host_phase("evaluation"):
        return mean_metrics(score_users(problem, view, task))


def score_users(problem: Problem, view: View, task: Any) -> dict[str, np.ndarray]:
    """Every user's metrics, ranked in the configured precision.

    Args:
      problem: data and parts.
      view: of `Compiled.encode`.
      task: of the problem, or made as the problem's are.
    """
    settings = problem.parts.config.eval
    users, items = (table.astype(settings.eval_precision) for table in view)
    if problem.mesh is None:
        return evaluate(users, items, task, block=settings.eval_block)
    n_items, block = problem.parts.encoder.n_items, settings.eval_block
    return evaluate_split(problem.mesh, users, items, task, n_items=n_items, block=block)


def splits_ranked(config: Config) -> list[str]:
    """The splits whose metrics an epoch has: validation, and the one that selects."""
    return sorted({"valid", config.eval.selection}, reverse=True)


def finite_means(terms: dict[str, Term], *, where: str) -> dict[str, float]:
    """An epoch's mean of each term.

    Args:
      terms: arrays of one value a step, on the host.
      where: names the epoch in a refusal.

    Raises:
      NonFiniteLossError: names the first step with a value that is not finite.
    """
    for name, term in terms.items():
        bad = ~np.isfinite(term.total)
        if bad.any():
            raise NonFiniteLossError(
                f"loss term {name} is not finite at {where}, step {int(np.argmax(bad))}; "
                "the last good checkpoint is kept; lower --learning_rate or raise --temperature"
            )
    sums = {
        n: (t.total.sum(dtype=np.float64), t.count.sum(dtype=np.float64)) for n, t in terms.items()
    }
    return {name: float(total / max(count, 1.0)) for name, (total, count) in sums.items()}
