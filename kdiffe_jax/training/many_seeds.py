"""Several seeds: one after another over one compiled program, each a run of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from itertools import zip_longest

from kdiffe_jax.parallel.processes import on_process_zero
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.loop import Log, Trained, compile_setup, load_best, train
from kdiffe_jax.training.phases import FIRST_EPOCH, Phase
from kdiffe_jax.training.selection import TIMES, Record
from kdiffe_jax.training.setup import TrainSetup


def train_seeds(
    setup: TrainSetup,
    run: RunDirectory,
    *,
    on_epoch: Callable[[Record], None],
    log: Log,
    phase: Phase = nullcontext,
) -> list[Trained]:
    """Trains every seed of the configuration; a finished seed is not trained again.

    Each seed has a part of the run directory, with its own history and checkpoints. A run of one
    seed is its own part. With several, metrics.jsonl holds all of them in the end.

    Args:
      setup: data and model.
      run: a claimed run directory; the training continues from its checkpoints.
      on_epoch: receives each epoch's record; of several seeds it names its own.
      log: receives one line at a time.
      phase: of `FIRST_EPOCH`, which lasts until the first epoch is over.

    Returns:
      One model a seed, in their order.
    """
    seeds, compiled, first_epoch = setup.config.train.seeds, compile_setup(setup), ExitStack()

    def of_seed(seed: int) -> Trained:
        def report(record: Record) -> None:
            first_epoch.close()
            on_epoch(record if len(seeds) == 1 else {"seed": seed, **record})

        return train(
            setup.of_seed(seed),
            part_of_seed(run, seed, seeds),
            on_epoch=report,
            log=log,
            compiled=compiled,
        )

    with first_epoch:
        first_epoch.enter_context(phase(FIRST_EPOCH))
        trained = [of_seed(seed) for seed in seeds]
    if len(seeds) > 1:
        history = merged_history([one.history for one in trained], seeds)
        on_process_zero(lambda: run.write_history(history))
    return trained


def load_seeds(setup: TrainSetup, run: RunDirectory, *, log: Log) -> list[Trained]:
    """The best model of every seed of an existing run.

    Raises:
      RunError: the run has no readable checkpoint.
    """
    seeds, compiled = setup.config.train.seeds, compile_setup(setup)
    return [
        load_best(setup.of_seed(seed), part_of_seed(run, seed, seeds), log=log, compiled=compiled)
        for seed in seeds
    ]


def part_of_seed(run: RunDirectory, seed: int, seeds: range) -> RunDirectory:
    """Where one seed trains: `seed<k>` of the run, or the run itself where it is the only one."""
    return run if len(seeds) == 1 else run.part(f"seed{seed}")


def merged_history(histories: list[list[Record]], seeds: range) -> list[Record]:
    """The records of all seeds by epoch: "seeds" has one for each that trained in it."""
    merged = []
    for number, records in enumerate(zip_longest(*histories)):
        own = [
            {"seed": seed} | {n: v for n, v in record.items() if n not in ("epoch", *TIMES)}
            for seed, record in zip(seeds, records, strict=True)
            if record is not None
        ]
        there = [record for record in records if record is not None]
        times = {name: round(sum(record.get(name, 0.0) for record in there), 3) for name in TIMES}
        merged.append({"epoch": number, **times, "seeds": own})
    return merged
