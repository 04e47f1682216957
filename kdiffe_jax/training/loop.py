"""Training of one seed from the first epoch, or from where a run stopped, to its best epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kdiffe_jax.errors import Preempted, RunError
from kdiffe_jax.evaluation.ranking import mean_metrics
from kdiffe_jax.models.arrays import Carry, Params, View
from kdiffe_jax.ops.trace_phases import host_phase
from kdiffe_jax.parallel.processes import on_process_zero
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.batches_ahead import BatchesAhead, batches_of
from kdiffe_jax.training.behind import Behind, copied, is_small
from kdiffe_jax.training.checkpoints import Checkpoints
from kdiffe_jax.training.finite import check_params, finite_means
from kdiffe_jax.training.placement import Compiled
from kdiffe_jax.training.plain_keys import without_keys
from kdiffe_jax.training.preemption import PreemptionNotice
from kdiffe_jax.training.selection import (
    Record,
    check_selection_metric,
    out_of_patience,
    selection_scores,
    splits_ranked,
)
from kdiffe_jax.training.setup import TrainSetup
from kdiffe_jax.training.shared_checkpoints import SharedCheckpoints, checkpoints_of
from kdiffe_jax.training.step import TrainState, initial_state

Log = Callable[[str], None]


class Carried(NamedTuple):
    """What passes from one epoch to the next, and into a checkpoint."""

    state: TrainState
    carry: Carry  #: what the next epoch begins with, of `Model.refresh`


class Trained(NamedTuple):
    """The model of the best epoch; its arrays are on process 0 alone."""

    params: Params
    carry: Carry
    view: View
    best_epoch: int
    history: list[Record]


def train(
    setup: TrainSetup,
    run: RunDirectory,
    *,
    on_epoch: Callable[[Record], None],
    log: Log,
    compiled: Compiled | None = None,
) -> Trained:
    """Trains until the epochs are over or patience is, resuming where `run` has checkpoints.

    Args:
      setup: data and model.
      run: a claimed run directory, or the part of one that a seed has.
      on_epoch: receives each epoch's record, as in metrics.jsonl.
      log: receives one line at a time.
      compiled: of `compile_setup`, where several seeds share it.

    Returns:
      The best epoch's model. The test split is not looked at, unless it selects.

    Raises:
      NonFiniteLossError: a loss term is not finite; the last good checkpoint stays.
      Preempted: SIGTERM came to this or another process; the epoch that it came in was
        finished and saved.
    """
    check_selection_metric(setup.config)
    compiled = compiled or compile_setup(setup)
    with checkpoints_of(run, log) as checkpoints:
        carried, like, history = _begin(setup, compiled, checkpoints, log)
        on_process_zero(lambda: run.write_history(history))
        ahead = batches_of(setup, ahead=True)
        with Behind() as behind, ahead as batches, PreemptionNotice() as notice:
            while len(history) < setup.config.train.epochs and not out_of_patience(
                history, setup.config
            ):
                with host_phase("epoch"):
                    carried, record = one_epoch(
                        setup, compiled, carried, epoch=len(history), batches=batches
                    )
                    history.append(record)
                    with host_phase("checkpoint"):
                        whole = setup.placement.gathered(carried, like)
                        _save(setup, checkpoints, whole, history, behind)
                        on_process_zero(lambda: run.write_history(history))
                on_epoch(record)
                if notice.given_to_any():
                    behind.wait()
                    raise Preempted(
                        f"ended by SIGTERM after epoch {record['epoch']}, which is saved"
                    )
        return _best(setup, compiled, checkpoints, like, history)


def load_best(
    setup: TrainSetup, run: RunDirectory, *, log: Log, compiled: Compiled | None = None
) -> Trained:
    """The best epoch's model of an existing run.

    Raises:
      RunError: the run has no readable checkpoint.
    """
    compiled = compiled or compile_setup(setup)
    if run.checkpoints.is_dir():
        with Checkpoints(run.checkpoints, log) as checkpoints:
            _, like, history = _begin(setup, compiled, checkpoints, lambda line: None)
            if history:
                return _best(setup, compiled, checkpoints, like, history)
    raise RunError(f"{run.path}: no epoch was finished; train it first")


def compile_setup(setup: TrainSetup) -> Compiled:
    """The functions that the loop calls once an epoch; all seeds share them."""
    return setup.placement.compiled(
        setup.model, setup.sampler, setup.inputs, partial(initial_state, setup.model)
    )


def fresh_start(setup: TrainSetup, compiled: Compiled) -> Carried:
    """What the first epoch begins with."""
    return _refreshed(setup, compiled, untouched(setup, compiled))


def untouched(setup: TrainSetup, compiled: Compiled) -> Carried:
    """Before the first `Model.refresh`, which changes no shape."""
    state = compiled.initial(setup.inputs, setup.config.train.seed)
    if setup.start is not None:
        state = _changed(setup, compiled, state, setup.start)
    return Carried(state, setup.model.first_carry(setup.inputs))


def _refreshed(setup: TrainSetup, compiled: Compiled, carried: Carried) -> Carried:
    state, carry = carried
    first = compiled.refresh(state.params, setup.inputs, carry, state.key, jnp.int32(0))
    return Carried(state, first)


def one_epoch(
    setup: TrainSetup,
    compiled: Compiled,
    carried: Carried,
    *,
    epoch: int,
    batches: BatchesAhead | None = None,
) -> tuple[Carried, Record]:
    """Trains one more epoch and ranks what it gave, if anything is: the next state, its record."""
    begun, cpu_begun = time.perf_counter(), time.process_time()
    batches = batches or batches_of(setup)
    with host_phase("batches"):
        drawn = batches.take(epoch)
    state, terms = compiled.epoch(carried.state, drawn, setup.inputs, carried.carry, setup.traced())
    if epoch + 1 < setup.config.train.epochs:
        batches.begin(epoch + 1)
    where = f"epoch {epoch} of seed {setup.config.train.seed}"
    losses = finite_means(jax.device_get(terms), where=where)
    check_params(state.params, where=where)
    carry = compiled.refresh(
        state.params, setup.inputs, carried.carry, state.key, jnp.int32(epoch + 1)
    )
    record: Record = {"epoch": epoch, "seconds": 0.0, "cpu_seconds": 0.0, **losses}
    if setup.valid is not None:
        view = compiled.view(state.params, setup.inputs, carry)
        for split in splits_ranked(setup.config):
            record[split] = score(setup, view, getattr(setup, split))
    record["seconds"] = round(time.perf_counter() - begun, 3)
    record["cpu_seconds"] = round(time.process_time() - cpu_begun, 3)
    return Carried(state, carry), record


def score(setup: TrainSetup, view: View, task: Any) -> dict[str, float]:
    """Mean metrics of a view of `Compiled.view` on a ranking task of the setup's placement."""
    with host_phase("evaluation"):
        return mean_metrics(setup.placement.evaluate(view, task, setup.config.eval))


def _changed(
    setup: TrainSetup, compiled: Compiled, state: TrainState, start: Callable[[Params], Params]
) -> TrainState:
    like = compiled.like(Carried(state, ()))
    drawn = setup.placement.gathered(Carried(state, ()), like).state
    begun = Carried(drawn._replace(params=start(drawn.params)), ())
    return setup.placement.laid(begun, like).state


def _begin(
    setup: TrainSetup, compiled: Compiled, checkpoints: Checkpoints | SharedCheckpoints, log: Log
) -> tuple[Carried, Carried, list[Record]]:
    """What the next epoch begins with, what checkpoints are like, and the epochs before."""
    fresh = untouched(setup, compiled)
    like = compiled.like(fresh)
    snapshot = checkpoints.restore_latest(like)
    if snapshot is None:
        return _refreshed(setup, compiled, fresh), like, []
    log(f"resuming after epoch {snapshot.epoch}")
    return setup.placement.laid(snapshot.arrays, like), like, snapshot.history


def _save(
    setup: TrainSetup,
    checkpoints: Checkpoints | SharedCheckpoints,
    arrays: Any,
    history: list[Record],
    behind: Behind,
) -> None:
    """Saves the last epoch; where its arrays are small, while the next one trains."""
    of_epoch = [*history], selection_scores(history, setup.config)
    if jax.process_count() == 1 and is_small(plain := without_keys(arrays)):
        behind.begin(partial(checkpoints.save, copied(plain), *of_epoch))
    else:
        checkpoints.save(arrays, *of_epoch)


def _best(
    setup: TrainSetup,
    compiled: Compiled,
    checkpoints: Checkpoints | SharedCheckpoints,
    like: Carried,
    history: list[Record],
) -> Trained:
    best = checkpoints.restore_best(selection_scores(history, setup.config), like)
    stored = best.arrays
    state, carry = setup.placement.laid(stored, like)
    view = compiled.view(state.params, setup.inputs, carry)
    whole = setup.placement.whole(view, setup.model.sizes)
    if stored is None:
        return Trained(None, None, whole, best.epoch, history)
    return Trained(stored.state.params, stored.carry, whole, best.epoch, history)
