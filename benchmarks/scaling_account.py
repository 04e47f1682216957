"""What 100 million users would take: bytes, communication, steps a second.

    python -m benchmarks.scaling_account

Prints the tables of benchmarks/results/hundred-million.md from `benchmarks.account`. Every size
and every rate of the machine is an option.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from benchmarks.account import (
    Catalogue,
    Machine,
    best_grid,
    between_epochs,
    device_bytes,
    fits,
    full_graph_step,
    grids,
    sampled_step,
    whole_bytes,
)
from benchmarks.written import Report, add_report


def main(argv: Sequence[str]) -> None:
    """Prints the tables; ends with one line where no grid holds the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    for group in (Catalogue, Machine):
        for field in dataclasses.fields(group):
            parser.add_argument(f"--{field.name}", default=field.default, type=type(field.default))
    add_report(parser)
    options = vars(parser.parse_args(argv))
    told = Report("benchmarks.scaling_account", __doc__, argv, options["report"])
    c, m = (
        kind(**{f.name: options[f.name] for f in dataclasses.fields(kind)})
        for kind in (Catalogue, Machine)
    )
    both = [dataclasses.replace(c, dim=dim) for dim in (c.dim, 2 * c.dim)]
    told.tell(_whole_table(both))
    told.tell(_grid_table(both, m))
    try:
        told.tell(_parts_table(both, m))
    except ValueError as error:
        raise SystemExit(f"error: {error}") from None


def _table(*rows: tuple) -> str:
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _whole_table(both: list[Catalogue]) -> str:
    columns = [whole_bytes(c) for c in both]
    rows = [(name, *(f"{column[name] / 1e9:,.1f}" for column in columns)) for name in columns[0]]
    return _table(("GB in all", *(f"d = {c.dim}" for c in both)), *rows)


def _grid_table(both: list[Catalogue], m: Machine) -> str:
    rows = [_grid_row(c, m, *grid) for c in both for grid in grids(m)]
    head = ("d, grid", "GB a device", "GB received a step", "s a step", "steps/s", "h an epoch", "")
    return _table(head, *rows)


def _grid_row(c: Catalogue, m: Machine, data: int, model: int) -> tuple:
    held, step = device_bytes(c, m, data, model), full_graph_step(c, m, data, model)
    seconds = sum(step.values())
    received = step["all_gather"] * m.link(data) / 1e9
    return (
        f"{c.dim}, data:{data},model:{model}",
        f"{sum(held.values()) / 1e9:.1f}",
        f"{received:.1f}",
        f"{seconds:.3f}",
        f"{1 / seconds:.2f}",
        f"{seconds * c.steps / 3600:.1f}",
        fits(c, m, data, model),
    )


def _parts_table(both: list[Catalogue], m: Machine) -> str:
    shown = []
    for c in both:
        data, model = best_grid(c, m)
        step = full_graph_step(c, m, data, model)
        shown.append((f"d = {c.dim}, data:{data},model:{model}", step))
        shown.append((f"d = {c.dim}, sampled", sampled_step(c, m)))
    names = list(dict.fromkeys(name for _, step in shown for name in step))
    rows = [(n, *(f"{1e3 * s[n]:.2f}" if n in s else "-" for _, s in shown)) for n in names]
    totals = [sum(step.values()) for _, step in shown]
    steps = both[0].steps
    rows += [
        ("steps/s", *(f"{1 / t:.1f}" for t in totals)),
        (f"h an epoch of {steps:,} steps", *(f"{t * steps / 3600:.2f}" for t in totals)),
    ]
    rows += _between_rows(both, m)
    return _table(("ms a step", *(name for name, _ in shown)), *rows)


def _between_rows(both: list[Catalogue], m: Machine) -> list[tuple]:
    columns = [between_epochs(c, m) for c in both for _ in range(2)]
    return [(f"{n}, s", *(f"{column[n]:,.0f}" for column in columns)) for n in columns[0]]


if __name__ == "__main__":
    main(sys.argv[1:])
