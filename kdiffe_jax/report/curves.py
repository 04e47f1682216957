"""Learning curves: every loss term and every validation metric, with the chosen epoch."""

from __future__ import annotations

import math
from collections.abc import Callable

from kdiffe_jax.report.charts import COLOURS, Line, line_chart
from kdiffe_jax.report.markup import Markup, details, element, note, section
from kdiffe_jax.report.run_files import Record, RunFiles

_SPLITS = {"valid": "Validation", "test": "Test"}
_NO_TERM = ("epoch", "seconds", "seed", "members", *_SPLITS)
_TERMS = {
    "loss": "loss: the whole objective (eq. 14)",
    "bpr": "BPR (eq. 15)",
    "softmax": "softmax over drawn items",
    "elbo": "ELBO of the denoiser (eq. 12)",
    "info_nce_users": "InfoNCE over users (eq. 13)",
    "info_nce_items": "InfoNCE over items (eq. 13)",
    "squared_norm": "squared norm of the parameters",
}


def curves(run: RunFiles) -> list[Markup]:
    """The sections with curves of losses and of the metrics of each ranked split."""
    courses = run.courses()
    first = next(iter(courses.values()))[0]
    if not first:
        return []
    said = "The chosen epoch is marked. Point at a chart to read its values."
    if len(courses) > COLOURS:
        said = f"One line a seed, {len(courses)} in all. {said}"
    losses = [_chart(courses, _TERMS.get(n, n), lambda r, n=n: r[n]) for n in _terms(first[0])]
    parts = [section("losses", "Losses by epoch", note(said), _grid(losses))]
    chosen_by = run.result["selection_metric"].partition("@")[2]
    for split in _SPLITS:
        if split in first[0]:
            parts.append(_metrics(courses, split, first[0][split], chosen_by))
    return parts


def _terms(record: Record) -> list[str]:
    names = [name for name in record if name not in _NO_TERM]
    known = list(_TERMS)
    return sorted(names, key=lambda n: known.index(n) if n in known else len(known))


def _metrics(courses: dict, split: str, names: dict[str, float], cutoff: str) -> Markup:
    by_cutoff: dict[str, list[str]] = {}
    for name in sorted(names, key=_in_order):
        by_cutoff.setdefault(name.partition("@")[2], []).append(name)
    title = f"{_SPLITS[split]} metrics by epoch"
    if len(courses) == 1:
        kinds = list(dict.fromkeys(name.partition("@")[0] for name in sorted(names, key=_in_order)))
        charts = [_cutoffs(courses, split, kind, list(by_cutoff)) for kind in kinds]
        return section(f"curves-{split}", title, _grid(charts))
    charts = {k: [_metric(courses, split, name) for name in n] for k, n in by_cutoff.items()}
    shown = _grid(charts.pop(cutoff))
    others = (details(f"At {k}", _grid(each)) for k, each in charts.items())
    return section(f"curves-{split}", title, shown, *others)


def _in_order(name: str) -> tuple[int, int]:
    kind, _, cutoff = name.partition("@")
    order = ("recall", "ndcg", "precision", "hit", "mrr", "map")
    return order.index(kind) if kind in order else len(order), int(cutoff)


def _cutoffs(courses: dict, split: str, kind: str, cutoffs: list[str]) -> Markup | None:
    records, best = next(iter(courses.values()))
    lines = [Line(f"at {k}", [r[split][f"{kind}@{k}"] for r in records], best) for k in cutoffs]
    return _drawn(kind, lines)


def _metric(courses: dict, split: str, name: str) -> Markup | None:
    return _chart(courses, name, lambda record: record[split][name])


def _chart(courses: dict, title: str, value: Callable[[Record], float]) -> Markup | None:
    lines = [
        Line(name or title.partition(":")[0], [value(record) for record in records], best)
        for name, (records, best) in courses.items()
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
