"""A run's history, scores and page, as a notebook shows them."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kdiffe_jax.api.home import path_of
from kdiffe_jax.report.words import refit_words
from kdiffe_jax.storage.files import replacing

_HEIGHT = 640
_SHOWN = ("recall@10", "ndcg@10", "mrr@10", "recall@20", "ndcg@20", "mrr@20")


def history_columns(history: Iterable[Mapping[str, Any]]) -> dict[str, list]:
    """A row an epoch, and of several seeds one for each of them.

    >>> history_columns([{"epoch": 0, "bpr": 0.6, "valid": {"recall@20": 0.1}}])
    {'epoch': [0], 'bpr': [0.6], 'valid_recall@20': [0.1]}
    """
    rows = [_flat(row) for record in history for row in _of_seeds(record)]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def score_columns(result: Mapping[str, Any]) -> dict[str, list]:
    """A row for the model, and one for each baseline: `_SHOWN` of both splits.

    An ensemble comes first, and then the mean of its seeds.
    """
    rows = [{"model": result["shown_as"], **_flat(_of_splits(result))}]
    if "ensemble" in result:
        name = f"{result['shown_as']}, ensemble of {result['ensemble']['models']}"
        rows.insert(0, {"model": name, **_flat(_of_splits(result["ensemble"]))})
    for name, found in result["baselines"].items():
        rows.append({"model": name.replace("_", " "), **_flat(_of_splits(found))})
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def result_in_words(result: Mapping[str, Any]) -> str:
    """The model, its data and its main scores in one line."""
    scored = result.get("ensemble", result)
    scores = ", ".join(
        f"{split} {metric} {scored[split][metric]:.4f}"
        for split in ("valid", "test")
        if split in scored
        for metric in ("recall@20", "ndcg@20")
    )
    again = f"; {refit_words(result['refit'])}" if "refit" in result else ""
    return f"{result['shown_as']} on {result['dataset']}: {scores}{again}"


@dataclasses.dataclass(frozen=True, repr=False)
class Page:
    """An HTML page that a notebook shows in a frame of its own."""

    html: str

    def write(self, file: str | Path) -> None:
        """Writes the page; an older one is replaced.

        Raises:
          DataError: it cannot be written.
          ConfigError: no path.
        """
        with replacing(path_of(file)) as draft:
            draft.write_text(self.html, encoding="utf-8")

    def __repr__(self) -> str:
        return f"a page of {len(self.html):,} letters; .write(file) keeps it"

    def _repr_html_(self) -> str:
        page = html.escape(self.html)
        style = f"width:100%;height:{_HEIGHT}px;border:0"
        return f'<iframe srcdoc="{page}" style="{style}"></iframe>'


def _of_seeds(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "seeds" not in record:
        return [record]
    epoch = {name: value for name, value in record.items() if name != "seeds"}
    return [{**epoch, **own} for own in record["seeds"]]


def _of_splits(result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        split: {metric: result[split][metric] for metric in _SHOWN}
        for split in ("test", "valid")
        if split in result
    }


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            found |= {f"{name}_{metric}": number for metric, number in value.items()}
        else:
            found[name] = value
    return found
