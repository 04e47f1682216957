"""A vocabulary of 100,000 entities trains, with a column of the denoiser for each and with fewer.

    python -m benchmarks.large.wide --out=DIR

Prepares the large synthetic data with a wider knowledge graph: every item has entities that
no other has, and three of the others. Trains 20 steps by `launch.main` for each number of
columns, in a process of its own, and prints seconds and peak memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
from pathlib import Path

import numpy as np

from benchmarks.large.stages import command_of
from benchmarks.large.tables import write_tables
from benchmarks.large.watched import watch
from benchmarks.written import Report, add_report
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.data.readers.prepared import write_prepared
from kdiffe_jax.data.rows import sorted_unique

_SHARED = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--items", type=int, default=10_000, help="and users")
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument("--columns", type=int, nargs="+", default=(0, 4096))
    parser.add_argument("--limit_gb", type=float, default=24.0)
    add_report(parser)
    options = parser.parse_args()
    told = Report("benchmarks.large.wide", __doc__, sys.argv[1:], options.report)
    _prepare(options)
    told.tell("| columns | s | core s | s of the epoch | peak GB |\n|---|---|---|---|---|")
    for columns in options.columns:
        told.tell_row(_trained(options, columns))
    told.tell_machine()
    return 0


def with_entities(dataset: Dataset, n_entities: int) -> Dataset:
    """The data set with triples of as many entities, each of which has an item."""
    rng = np.random.default_rng(0)
    entities = np.arange(n_entities)
    items = np.repeat(np.arange(dataset.n_items), _SHARED)
    drawn = (n_entities * rng.random(len(items)) ** 3).astype(np.int64)
    own = np.stack([entities % dataset.n_items, np.zeros_like(entities), entities], axis=1)
    shared = np.stack([items, np.ones_like(items), drawn], axis=1)
    return dataclasses.replace(
        dataset,
        triples=sorted_unique(np.concatenate([own, shared])),
        n_entities=n_entities,
        relation_names=("own", "shared"),
        entity_names=tuple(f"entity {entity}" for entity in range(n_entities)),
    )


def _prepare(options: argparse.Namespace) -> None:
    if (options.out / "wide").exists():
        return
    write_tables(options.out / "raw", options.items)
    command, log = command_of("prepare", options.out, options.items), options.out / "prepare.log"
    if watch(command, log=log, limit_gb=options.limit_gb).status:
        sys.exit(f"preparation failed; see {log}")
    dataset = read_dataset(options.out / "dataset", name="wide")
    write_prepared(with_entities(dataset, options.entities), options.out / "wide")


def _trained(options: argparse.Namespace, columns: int) -> str:
    run, log = options.out / f"run-{columns}", options.out / f"train-{columns}.log"
    shutil.rmtree(run, ignore_errors=True)
    where = [f"--data_dir={options.out / 'wide'}", f"--cache_dir={options.out / 'cache'}"]
    flags = [f"--denoiser_columns={columns}", "--preset=paper", "--epochs=1", "--epoch_steps=20"]
    command = [sys.executable, "-m", "launch.main", "--dataset=wide", f"--workdir={run}", *where]
    found = watch([*command, *flags, "--score_test=False"], log=log, limit_gb=options.limit_gb)
    if found.status:
        return f"| {columns} | ended with status {found.status}; see {log} | | | |"
    record = json.loads((run / "metrics.jsonl").read_text(encoding="utf-8"))
    epoch = record["seconds"]
    return (
        f"| {columns or options.entities:,} | {found.seconds:.0f} | {found.core_seconds:.0f} | "
        f"{epoch:.0f} | {found.peak_gb:.2f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
