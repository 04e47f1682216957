"""Learning curves: every loss term and every validation metric, with the chosen epoch."""

from __future__ import annotations

import math
from collections.abc import Callable

from kdiffe_jax.report.charts import COLOURS, Line, line_chart
from kdiffe_jax.report.markup import Markup, details, element, note, section
from kdiffe_jax.report.run_files import Record, RunFiles, losses_of
from kdiffe_jax.report.words import SPLITS

Histories = dict[str, tuple[list[Record], int]]


def curves(run: RunFiles) -> list[Markup]:
    """The sections with curves of losses and of the metrics of each ranked split."""
    histories = run.histories()
    if not histories:
        return []
    first = next(iter(histories.values()))[0][0]
    said = "The chosen epoch is marked. Point at a chart to read its values."
    if len(histories) > COLOURS:
        said = f"One line a seed, {len(histories)} in all. {said}"
    names = sorted(losses_of(first), key=lambda name: (name != "loss", name))
    losses = [_chart(histories, name, lambda record, name=name: record[name]) for name in names]
    parts = [section("losses", "Losses by epoch", note(said), _grid(losses))]
    chosen_by = run.result["selection_metric"].partition("@")[2]
    for split in SPLITS:
        if split in first:
            parts.append(_metrics(histories, split, first[split], chosen_by))
    return parts


def _metrics(histories: Histories, split: str, names: dict[str, float], cutoff: str) -> Markup:
    by_cutoff: dict[str, list[str]] = {}
    for name in sorted(names, key=_in_order):
        by_cutoff.setdefault(name.partition("@")[2], []).append(name)
    title = f"{SPLITS[split].capitalize()} metrics by epoch"
    if len(histories) == 1:
        kinds = list(dict.fromkeys(name.partition("@")[0] for name in sorted(names, key=_in_order)))
        charts = [_cutoffs(histories, split, kind, list(by_cutoff)) for kind in kinds]
        return section(f"curves-{split}", title, _grid(charts))
    charts = {k: [_metric(histories, split, name) for name in n] for k, n in by_cutoff.items()}
    shown = _grid(charts.pop(cutoff))
    others = (details(f"At {k}", _grid(each)) for k, each in charts.items())
    return section(f"curves-{split}", title, shown, *others)


def _in_order(name: str) -> tuple[int, int]:
    kind, _, cutoff = name.partition("@")
    order = ("recall", "ndcg", "precision", "hit", "mrr", "map")
    return order.index(kind) if kind in order else len(order), int(cutoff)


def _cutoffs(histories: Histories, split: str, kind: str, cutoffs: list[str]) -> Markup | None:
    records, best = next(iter(histories.values()))
    lines = [Line(f"at {k}", [r[split][f"{kind}@{k}"] for r in records], best) for k in cutoffs]
    return _drawn(kind, lines)


def _metric(histories: Histories, split: str, name: str) -> Markup | None:
    return _chart(histories, name, lambda record: record[split][name])


def _chart(histories: Histories, title: str, value: Callable[[Record], float]) -> Markup | None:
    lines = [
        Line(name or title, [value(record) for record in records], best)
        for name, (records, best) in histories.items()
    ]
    return _drawn(title, lines)


def _drawn(title: str, lines: list[Line]) -> Markup | None:
    """The chart; None where no value is a number, as of a split without users."""
    if not any(math.isfinite(value) for line in lines for value in line.values):
        return None
    return line_chart(title, lines)


def _grid(charts: list[Markup | None]) -> Markup:
    drawn = [chart for chart in charts if chart is not None]
    return element("div", *drawn, class_="charts") if drawn else note("There is nothing to draw.")
