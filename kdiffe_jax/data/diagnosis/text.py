"""The diagnosis as text: a table a relation, statistics, and one item in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kdiffe_jax.data.closest_id import closest_id
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.diagnosis.reports import RelationReport, relation_reports, warnings_of
from kdiffe_jax.errors import DataError

_HEADS = (
    "relation",
    "triples",
    "entities",
    "coverage",
    "items per entity (min, quartiles, max)",
    "identical",
)


def diagnosis_text(dataset: Dataset) -> str:
    """Statistics, the table of relations and the warnings, ready to print."""
    reports = relation_reports(dataset)
    parts = [statistics_lines(dataset.statistics())]
    if reports:
        parts.append(relation_table(reports))
    warnings = warnings_of(dataset, reports)
    if warnings:
        parts.append("\n".join(f"warning: {line}" for line in warnings))
    return "\n\n".join(parts)


def statistics_lines(statistics: Mapping[str, float]) -> str:
    """One aligned line a number."""
    width = max(map(len, statistics))
    return "\n".join(
        f"{name.replace('_', ' '):<{width}}  {_number(value)}" for name, value in statistics.items()
    )


def relation_table(reports: list[RelationReport]) -> str:
    """A line a relation: items per entity are min / quartiles / max."""
    rows = [_HEADS]
    for report in reports:
        rows.append(
            (
                report.name,
                f"{report.triples:,}",
                f"{report.entities:,}",
                f"{report.coverage:.1%}",
                " / ".join(f"{q:,}" for q in report.items_per_entity),
                f"{report.identical:.1%}",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADS))]
    return "\n".join(_aligned(row, widths) for row in rows)


def item_in_words(dataset: Dataset, item: str) -> str:
    """An item's name and its entities by relation, in words.

    Args:
      item: the source's own id.

    Raises:
      DataError: no such item.
    """
    try:
        number = dataset.items_by_name().index(item)
    except ValueError:
        some = ", ".join(dataset.items_by_name()[:3])
        near = closest_id(item, dataset.items_by_name())
        raise DataError(
            f"{dataset.name}: no item {item!r}; items are called {some}, ...{near}"
        ) from None
    title = dataset.item_names[number] if dataset.item_names else ""
    names = dataset.entities_by_name()
    mine = dataset.triples[dataset.triples[:, 0] == number]
    lines = [f"item {item}" + (f": {title}" if title else "")]
    for relation in np.unique(mine[:, 1]).tolist():
        entities = mine[mine[:, 1] == relation, 2].tolist()
        lines.append(
            f"  {dataset.relation_names[relation]}: {'; '.join(names[e] for e in entities)}"
        )
    return "\n".join(lines if len(mine) else [*lines, "  no triples"])


def _aligned(row, widths) -> str:
    cells = [row[0].ljust(widths[0])]
    cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return "  ".join(cells)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
