"""Trials that differ in continuous hyper-parameters alone, trained side by side in one program.

They share the data, the seed and every compiled shape. Each has its own strengths and its
own values of the Laplacian, stops by itself, and leaves a validation curve; no model is
kept and the test split is not scored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.config import Config
from kdiffe_jax.errors import ConfigError, NonFiniteLossError
from kdiffe_jax.graph.build import build_laplacian
from kdiffe_jax.ranking import mean_metrics
from kdiffe_jax.training.checkpoints import Checkpoints
from kdiffe_jax.training.course import Course, Record, follow
from kdiffe_jax.training.epoch import compile_parts, strengths_of
from kdiffe_jax.training.loop import Carried, finite_means, fresh_start, out_of_patience
from kdiffe_jax.training.members import Weights, compile_members, weights_of, with_weights
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.shapes import CONTINUOUS, shape_of
from kdiffe_jax.types import Batch, Strengths

DIVERGED = "diverged"
Curve = tuple[float, ...]


class Trials(NamedTuple):
    """What the trials of one program have of their own, stacked."""

    configs: list[Config]
    strengths: Strengths
    weights: Weights | None


def trials_of(problem: Problem, configs: Sequence[Config]) -> Trials:
    """The trials of a problem.

    Args:
      problem: of any of the configurations.
      configs: one a trial.

    Raises:
      ConfigError: the configurations need different shapes.
    """
    if len({shape_of(config) for config in configs}) > 1:
        raise ConfigError(f"trials of one program differ in {', '.join(CONTINUOUS)} alone")
    strengths = [strengths_of(problem.parts._replace(config=config)) for config in configs]
    weights = None
    if len({config.graph.xi for config in configs}) > 1:
        dataset = problem.dataset
        laplacian_of = partial(
            build_laplacian,
            dataset.train,
            problem.similarity,
            n_users=dataset.n_users,
            n_items=dataset.n_items,
        )
        weights = _stack(weights_of(laplacian_of(config=config.graph)) for config in configs)
    return Trials(list(configs), _stack(strengths), weights)


def train_trials(
    problem: Problem,
    trials: Trials,
    run: RunDirectory,
    *,
    goes_on: Callable[[Curve], bool],
    on_epoch: Callable[[Record], None],
    say: Callable[[str], None],
    at_once: int | None = None,
) -> list[Record]:
    """Trains every trial until it is out of patience, diverges or `goes_on` says no.

    Args:
      problem: data and parts.
      trials: of `trials_of`.
      run: a claimed run directory; the training continues from its checkpoints.
      goes_on: whether a trial with this validation curve is worth another epoch.
      on_epoch: receives each epoch's record, as in metrics.jsonl.
      say: receives one line at a time.
      at_once: trials whose steps run side by side; see `compile_members`.

    Returns:
      The records of all epochs; "members" has one a trial that trained in it.
    """
    config = problem.parts.config
    side_by_side = at_once or (1 if jax.default_backend() == "cpu" else len(trials.configs))
    compiled = compile_members(problem.parts, at_once=side_by_side)

    def fresh() -> Carried:
        single = compile_parts(problem.parts)
        graphs = (
            with_weights(problem.graphs, jax.tree.map(lambda a, t=trial: a[t], trials.weights))
            for trial in range(len(trials.configs))
        )
        problems = (problem._replace(graphs=own) for own in graphs)
        return _stack(fresh_start(own, single) for own in problems)

    def epoch(carried: Carried, history: list[Record]) -> tuple[Carried, Record]:
        begun = time.perf_counter()
        number, running = len(history), _running(trials, history, goes_on)
        drawn = (np.stack([a] * len(running)) for a in problem.sampler.epoch(number))
        mask = jnp.asarray(running)
        state, terms = compiled.train(
            carried.state,
            carried.kept,
            mask,
            Batch(*map(jnp.asarray, drawn)),
            problem.graphs,
            trials.strengths,
            trials.weights,
        )
        kept, metrics = compiled.rank(
            state,
            carried.kept,
            mask,
            problem.graphs,
            {"valid": problem.valid},
            jnp.int32(number + 1),
            trials.weights,
        )
        terms, valid = jax.device_get((terms, metrics["valid"]))
        members = _records(terms, valid, running)
        seconds = round(time.perf_counter() - begun, 3)
        return Carried(state, kept), {"epoch": number, "seconds": seconds, "members": members}

    course = Course(
        fresh=fresh,
        epoch=epoch,
        over=lambda history: not _running(trials, history, goes_on).any(),
        scores=lambda history: [float(record["epoch"]) for record in history],
    )
    with Checkpoints(run.checkpoints, say) as checkpoints:
        epochs = config.train.epochs
        return follow(course, epochs, run, checkpoints, on_epoch=on_epoch, say=say)[1]


def trial_history(history: list[Record], trial: int) -> list[Record]:
    """The records of one trial, for the epochs that it trained and did not diverge in."""
    return [
        {"epoch": record["epoch"], **own}
        for record in history
        for own in record["members"]
        if own["trial"] == trial and DIVERGED not in own
    ]


def has_diverged(history: list[Record], trial: int) -> bool:
    """Whether a loss of the trial became NaN or infinite."""
    return any(DIVERGED in m for r in history for m in r["members"] if m["trial"] == trial)


def curve_of(history: list[Record], trial: int, metric: str) -> Curve:
    """A trial's validation metric by epoch."""
    return tuple(record["valid"][metric] for record in trial_history(history, trial))


def _running(trials: Trials, history: list[Record], goes_on) -> np.ndarray:
    def runs(trial: int, config: Config) -> bool:
        own = trial_history(history, trial)
        if not history:
            return True
        if has_diverged(history, trial) or out_of_patience(own, config):
            return False
        return goes_on(curve_of(history, trial, config.eval.selection_metric))

    return np.array([runs(trial, config) for trial, config in enumerate(trials.configs)])


def _records(terms, metrics, running: np.ndarray) -> list[Record]:
    records = []
    for trial in np.flatnonzero(running).tolist():
        own = jax.tree.map(lambda a, t=trial: a[t], terms)
        try:
            losses = finite_means(own, where=f"trial {trial}")
        except NonFiniteLossError as error:
            records.append({"trial": trial, DIVERGED: str(error)})
            continue
        valid = mean_metrics({n: np.asarray(v[trial], np.float64) for n, v in metrics.items()})
        records.append({"trial": trial, **losses, "valid": valid})
    return records


def _stack(trees):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)
