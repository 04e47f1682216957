"""Labels: class scores -> the likeliest classes of each item as entities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kdiffe_jax.data.content.dense import row_blocks, rows_with_content
from kdiffe_jax.data.plain_files import read_names
from kdiffe_jax.data.relation import Relation
from kdiffe_jax.data.rows import position_in_group
from kdiffe_jax.data.settings import LabelSettings
from kdiffe_jax.errors import DataError

# Half-precision probabilities of 20,000 classes still sum to 1 within this.
_SUM_TOLERANCE = 0.01


def read_class_names(names: Path, n_classes: int) -> tuple[str, ...]:
    """The classes' names from a UTF-8 text file, one a line.

    Raises:
      DataError: a missing file, another number of names than classes, an empty name.
    """
    if not names.is_file():
        raise DataError(f"{names}: no such file; write the name of one class a line")
    lines = [" ".join(line.split()) for line in read_names(names)]
    while lines and not lines[-1]:
        lines.pop()
    if "" in lines:
        raise DataError(f"{names}, line {lines.index('') + 1}: an empty class name; name the class")
    if len(lines) != n_classes:
        raise DataError(
            f"{names}: {len(lines)} class names for {n_classes} columns of class scores; one a "
            "column is needed"
        )
    return tuple(lines)


def label_relation(
    name: str,
    scores: np.ndarray,
    class_names: Sequence[str],
    settings: LabelSettings,
    *,
    item_ids: Sequence[str] = (),
) -> Relation:
    """An item's entities are its likeliest classes, none below the smallest probability.

    Args:
      scores: float[J, C], a row of zeros where an item has none. Probabilities are taken
        as they are and need not sum to 1 if the settings say what they are; by "auto"
        they must, and all other rows are logits.
      class_names: C names; those of several classes get the class number beside them.
      settings: labels of an item, smallest probability, what the scores are.
      item_ids: one an item, by which a refusal names it; else by its row.

    Returns:
      The relation, its weights the float32 probabilities; of equal ones the lower class
      comes first. Its note counts items without a label.

    Raises:
      DataError: no matrix, a NaN or infinite score, another number of names, or
        probabilities outside 0..1; by "auto" also rows within 0..1 that sum to another
        number than 1.
    """
    items = rows_with_content(name, scores)
    if len(class_names) != scores.shape[1]:
        raise DataError(
            f"{name}: {len(class_names)} class names for {scores.shape[1]} columns of scores; "
            "one a column is needed"
        )
    logits = _are_logits(name, scores, items, settings.label_scores, item_ids)
    parts = [_block_labels(scores, items[:0], logits, settings)]
    for block in row_blocks(len(items), scores.shape[1]):
        parts.append(_block_labels(scores, items[block], logits, settings))
    of_items, classes, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    names = _distinct(class_names)
    covered, used = len(np.unique(of_items)), len(np.unique(classes))
    note = (
        f"{name}: {used} labels of {covered} items from {'logits' if logits else 'probabilities'}"
        f"; {len(scores) - len(items)} items have no scores, {len(items) - covered} no label of "
        f"probability {settings.labels_min_probability:g} or more"
    )
    return Relation(name, of_items, classes, names, weights, note=note)


def _block_labels(
    scores: np.ndarray, items: np.ndarray, logits: bool, settings: LabelSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Items, classes and probabilities of the labels of these items."""
    rows = _wide(scores[items])
    if logits:
        rows = np.exp(rows - rows.max(axis=1, keepdims=True))
        rows /= rows.sum(axis=1, keepdims=True)
    likely = (rows >= settings.labels_min_probability) & (rows > 0)
    row, classes = np.nonzero(likely)
    weights = rows[likely].astype(np.float32)
    order = np.lexsort((classes, -weights, row))
    best = np.sort(order[position_in_group(row[order]) < settings.labels_per_item])
    return items[row[best]].astype(np.int32), classes[best].astype(np.int32), weights[best]


def _are_logits(
    name: str, scores: np.ndarray, items: np.ndarray, kind: str, item_ids: Sequence[str]
) -> bool:
    if kind == "logits":
        return True
    inside, sum_to_1, percent = (np.ones(len(items), bool) for _ in range(3))
    for block in row_blocks(len(items), scores.shape[1]):
        rows = _wide(scores[items[block]])
        inside[block] = ((rows >= 0) & (rows <= 1 + _SUM_TOLERANCE)).all(axis=1)
        sums = rows.sum(axis=1)
        sum_to_1[block] = np.abs(sums - 1) <= _SUM_TOLERANCE
        percent[block] = (rows >= 0).all(axis=1) & (np.abs(sums / 100 - 1) <= _SUM_TOLERANCE)
    if kind == "probabilities" and not inside.all():
        which = _called(items[np.argmin(inside)], item_ids)
        raise DataError(f"labels {name!r}, {which}: a probability outside 0..1; are these logits?")
    if kind == "auto" and inside.all() and not sum_to_1.all():
        which = _called(items[np.argmin(sum_to_1)], item_ids)
        raise DataError(
            f"labels {name!r}, {which}: scores within 0..1 that do not sum to 1; say whether "
            "they are probabilities or logits with --label_scores"
        )
    if kind == "auto" and len(items) and percent.all():
        raise DataError(
            f"labels {name!r}: every row sums to 100, so these may be percentages; divide them by "
            "100, or say --label_scores=logits"
        )
    return kind == "auto" and not inside.all()


def _called(item: int, item_ids: Sequence[str]) -> str:
    return f"item {item_ids[item]!r}" if item_ids else f"row {item} (counted from 0)"


def _wide(rows: np.ndarray) -> np.ndarray:
    """In single precision at least."""
    return rows.astype(np.result_type(rows, np.float32))


def _distinct(class_names: Sequence[str]) -> tuple[str, ...]:
    times = Counter(class_names)
    return tuple(
        name if times[name] == 1 else f"{name} (class {number})"
        for number, name in enumerate(class_names)
    )
