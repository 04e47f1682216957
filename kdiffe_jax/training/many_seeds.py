"""Training of many seeds at once: every member stops by itself and keeps its own best."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.config import Config
from kdiffe_jax.phases import host_phase
from kdiffe_jax.ranking import mean_metrics
from kdiffe_jax.training.course import Course, Record, follow, last_epoch
from kdiffe_jax.training.epoch import Compiled, strengths_of
from kdiffe_jax.training.loop import (
    Trained,
    best_epoch,
    check_selection_metric,
    finite_means,
    fresh_start,
    out_of_patience,
    splits_ranked,
)
from kdiffe_jax.training.members import CompiledMembers, Members, compile_members
from kdiffe_jax.training.members_on_mesh import members_on_mesh, stacked
from kdiffe_jax.training.on_mesh import compile_problem, epoch_batches
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.shared_checkpoints import checkpoints_of
from kdiffe_jax.types import Batch


class TrainedMembers(NamedTuple):
    """The model of each member's best epoch, in the order of the seeds."""

    models: list[Trained]
    history: list[Record]


def train_members(
    problem: Problem,
    run: RunDirectory,
    *,
    on_epoch: Callable[[Record], None],
    say: Callable[[str], None],
    compiled: CompiledMembers | None = None,
) -> TrainedMembers:
    """Trains `num_seeds` members until each is out of patience or the epochs are over.

    Args:
      problem: data and parts.
      run: a claimed run directory; the training continues from its checkpoints.
      on_epoch: receives each epoch's record, as in metrics.jsonl.
      say: receives one line at a time.
      compiled: made for this machine where omitted.

    Raises:
      NonFiniteLossError: a loss term of a member is not finite; the last good checkpoint stays.
    """
    config = problem.parts.config
    check_selection_metric(config)
    single = compile_problem(problem)
    course = _course(problem, single, compiled or _compiled(problem, single))
    with checkpoints_of(run, say) as checkpoints:
        members, history = follow(
            course, config.train.epochs, run, checkpoints, on_epoch=on_epoch, say=say
        )
    return _trained(problem, single, members, history)


def load_members(
    problem: Problem, run: RunDirectory, *, say: Callable[[str], None]
) -> TrainedMembers:
    """The best model of every member of an existing run.

    Raises:
      RunError: the run has no readable checkpoint.
    """
    single = compile_problem(problem)
    course = _course(problem, single, _compiled(problem, single))
    members, history = last_epoch(course, run, say=say)
    return _trained(problem, single, members, history)


def member_history(history: list[Record], seed: int) -> list[Record]:
    """The records of one member, for the epochs that it trained."""
    return [
        {"epoch": record["epoch"], **own}
        for record in history
        for own in record["members"]
        if own["seed"] == seed
    ]


def _compiled(problem: Problem, single: Compiled) -> CompiledMembers:
    if problem.mesh is None:
        return compile_members(problem.parts)
    return members_on_mesh(problem, single)


def _course(problem: Problem, single: Compiled, compiled: CompiledMembers) -> Course:
    return Course(
        fresh=lambda: _fresh(problem, single),
        epoch=lambda members, history: _one_epoch(problem, compiled, members, history),
        over=lambda history: not _running(problem.parts.config, history).any(),
        # Each checkpoint carries the best parameters of every member: the newest are the best.
        scores=lambda history: [float(record["epoch"]) for record in history],
    )


def _fresh(problem: Problem, single: Compiled) -> Members:
    starts = [fresh_start(problem.of_seed(s), single) for s in problem.parts.config.train.seeds]
    state, kept = stacked(starts)
    return Members(state, kept, state.params)


def _running(config: Config, history: list[Record]) -> np.ndarray:
    own = (member_history(history, seed) for seed in config.train.seeds)
    return np.array([not out_of_patience(records, config) for records in own])


def _one_epoch(
    problem: Problem, compiled: CompiledMembers, members: Members, history: list[Record]
) -> tuple[Members, Record]:
    begun = time.perf_counter()
    config, epoch = problem.parts.config, len(history)
    running = _running(config, history)
    running_mask = jnp.asarray(running)
    with host_phase("batches"):
        batches = _batches(problem, epoch)
    state, terms = compiled.train(
        members.state,
        members.kept,
        running_mask,
        batches,
        problem.graphs,
        strengths_of(problem.parts),
    )
    tasks = {split: getattr(problem, split) for split in splits_ranked(config)}
    kept, metrics = compiled.rank(
        state, members.kept, running_mask, problem.graphs, tasks, jnp.int32(epoch + 1)
    )
    reports = jax.device_get((terms, metrics))
    record = {"epoch": epoch, "seconds": 0.0, "members": _records(config, reports, running, epoch)}
    improved = jnp.asarray(_improved(config, [*history, record]))
    best = compiled.keep_best(members.best, state.params, improved)
    record["seconds"] = round(time.perf_counter() - begun, 3)
    return Members(state, kept, best), record


def _batches(problem: Problem, epoch: int) -> Batch | list[Callable[[], Batch]]:
    """Those of all seeds, stacked; on a mesh, where seeds take turns, what lays each one's."""
    problems = [problem.of_seed(seed) for seed in problem.parts.config.train.seeds]
    if problem.mesh is not None:
        return [partial(epoch_batches, own, epoch) for own in problems]
    drawn = [own.sampler.epoch(epoch) for own in problems]
    return Batch(*(jnp.asarray(np.stack(arrays)) for arrays in zip(*drawn, strict=True)))


def _records(config: Config, reports, running: np.ndarray, epoch: int) -> list[Record]:
    records = []
    for member in np.flatnonzero(running):
        seed = config.train.seeds[member]
        terms, metrics = jax.tree.map(lambda a, m=member: a[m], reports)
        records.append(
            {"seed": seed}
            | finite_means(terms, where=f"epoch {epoch} of seed {seed}")
            | {split: _means(per_user) for split, per_user in metrics.items()}
        )
    return records


def _means(per_user: dict[str, np.ndarray]) -> dict[str, float]:
    return mean_metrics({name: np.asarray(v, np.float64) for name, v in per_user.items()})


def _improved(config: Config, history: list[Record]) -> np.ndarray:
    epoch = len(history) - 1
    own = (member_history(history, seed) for seed in config.train.seeds)
    return np.array([best_epoch(records, config) == epoch for records in own])


def _trained(
    problem: Problem, single: Compiled, members: Members, history: list[Record]
) -> TrainedMembers:
    models = []
    for member, seed in enumerate(problem.parts.config.train.seeds):
        params = jax.tree.map(lambda a, m=member: a[m], members.best)
        own = member_history(history, seed)
        best = best_epoch(own, problem.parts.config)
        view = single.whole(single.encode(params, problem.graphs))
        models.append(Trained(params, view, best, own))
    return TrainedMembers(models, history)
