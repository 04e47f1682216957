"""Ways to propagate over a real graph: orders of its nodes, wide products, shorter numbers.

python -m benchmarks.sparse_products --dataset=DIR [--dim=64] [--rounds=20] [--report=FILE.md]

A case is two layers over the graph of users and items and their gradient. An order numbers users
and items anew, so that rows which are read together lie together: by the number of interactions,
or by Cuthill and McKee's walk through the graph. "Drawn" is an order without any sense. Three
streams are three tables of d columns over one graph.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.ceilings import measure_ceilings
from benchmarks.harness import Case, measure, rows_of
from benchmarks.parts.propagation import propagation_work
from benchmarks.written import Report, add_report
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.numbering import by_neighbourhood
from kdiffe_jax.data.readers.prepared import read_prepared
from kdiffe_jax.graph.laplacian import normalised_laplacian
from kdiffe_jax.ops.propagate import propagate
from kdiffe_jax.ops.sparse import laplacian_blocks
from kdiffe_jax.ops.sparse_types import Laplacian

LAYERS, STREAMS = 2, 3
Order = Callable[[Dataset], tuple[np.ndarray, np.ndarray]]


def as_numbered(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Users and items as the data set has them."""
    return np.arange(dataset.n_users), np.arange(dataset.n_items)


def drawn(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """A random order."""
    rng = np.random.default_rng(0)
    return rng.permutation(dataset.n_users), rng.permutation(dataset.n_items)


def by_interactions(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Those of most interactions first."""
    users, items = dataset.train.T
    return (
        np.argsort(-np.bincount(users, minlength=dataset.n_users), kind="stable"),
        np.argsort(-np.bincount(items, minlength=dataset.n_items), kind="stable"),
    )


def as_neighbours(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """As `--numbering=neighbourhood` has it."""
    return by_neighbourhood(*dataset.train.T, dataset.n_users, dataset.n_items)


ORDERS: dict[str, Order] = {
    "as numbered": as_numbered,
    "drawn": drawn,
    "by interactions": by_interactions,
    "by neighbourhood": as_neighbours,
}


def laplacian_in(dataset: Dataset, order: Order) -> Laplacian:
    """The Laplacian with nodes numbered in that order."""
    places = [np.argsort(nodes) for nodes in order(dataset)]
    users, items = (of[ids] for of, ids in zip(places, dataset.train.T, strict=True))
    sizes = dict(n_users=dataset.n_users, n_items=dataset.n_items)
    ones = jnp.ones(len(users))
    return laplacian_blocks(
        normalised_laplacian(users, items, ones, ones, **sizes), n_users=dataset.n_users
    )


def with_gradient(
    laplacian: Laplacian, tables: list[tuple[jax.Array, jax.Array]], kept_as: Any = jnp.float32
):
    """Calls two layers over each pair of tables, and their gradient, in one program."""
    tables = jax.tree.map(lambda table: table.astype(kept_as), tables)

    @jax.jit
    def both(laplacian, tables):
        def layers(tables):
            wide = jax.tree.map(lambda table: table.astype(jnp.float32), tables)
            return [propagate(laplacian, *pair, layers=LAYERS) for pair in wide]

        value, pull = jax.vjp(layers, tables)
        return value, pull(value)

    return lambda: both(laplacian, tables)


def cases(dataset: Dataset, dim: int) -> list[Case]:
    """Every way; the first is what all others are told against."""
    rng = np.random.default_rng(0)

    def tables(width: int) -> tuple[jax.Array, jax.Array]:
        sizes = (dataset.n_users, dataset.n_items)
        users, items = (jnp.asarray(rng.normal(size=(n, width)), jnp.float32) for n in sizes)
        return users, items

    n_nodes, entries = dataset.n_users + dataset.n_items, 2 * len(dataset.train)
    work = propagation_work(n_nodes, entries, dim=dim, layers=LAYERS)
    plain, one = laplacian_in(dataset, as_numbered), tables(dim)
    found = [
        Case(f"nodes {name}", with_gradient(laplacian_in(dataset, order), [one]), not i, work)
        for i, (name, order) in enumerate(ORDERS.items())
    ]
    streams = [tables(dim) for _ in range(STREAMS)]
    return [
        *found,
        Case("bfloat16 tables, widened to be read", with_gradient(plain, [one], jnp.bfloat16)),
        Case("three streams, one by one", with_gradient(plain, streams), work=work.times(STREAMS)),
        Case(
            "three streams, one wide table",
            with_gradient(plain, [tables(STREAMS * dim)]),
            work=work.times(STREAMS),
        ),
    ]


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    options = _options(argv)
    dataset, ceilings = read_prepared(options.dataset), measure_ceilings()
    report = Report("benchmarks.sparse_products", __doc__, argv, options.report)
    report.tell_machine()
    sizes = f"{dataset.n_users:,} users, {dataset.n_items:,} items, {len(dataset.train):,}"
    report.tell(f"{dataset.name}: {sizes} interactions, d = {options.dim}, {LAYERS} layers")
    ways = cases(dataset, options.dim)
    rows = rows_of(ways, measure(ways, rounds=options.rounds, seconds=options.seconds), ceilings)
    report.tell("| way | ms | CPU ms | times as fast | of the ceiling |\n|---|---|---|---|---|")
    for row in rows:
        low, high = row.speed_range or (1.0, 1.0)
        reached = "-" if row.reached is None else f"{100 * row.reached:.0f} %"
        speed = f"{row.speed:.2f} ({low:.2f}-{high:.2f})"
        report.tell_row(f"| {row.name} | {row.median:.1f} | {row.cpu:.1f} | {speed} | {reached} |")
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    add_report(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
