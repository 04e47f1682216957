"""The table of `benchmarks.models`, and the same numbers as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_HEAD = (
    "model",
    "parameters",
    "first epoch s",
    "epoch s, median (range)",
    "torch epoch s, median (range)",
    "torch / ours (range of rounds)",
    "CPU s, ours and torch",
)


class Epochs(NamedTuple):
    """Seconds of each round."""

    wall: list[float]
    cpu: list[float]


class Row(NamedTuple):
    """One model. What was not measured is None."""

    model: str
    left_out: str | None = None  #: why it was not measured
    parameters: int | None = None
    first: float | None = None  #: s, the start and an epoch, compilation included
    ours: Epochs | None = None
    torch: Epochs | None = None
    torch_share: float | None = None  #: of the steps, that torch took
    torch_parameters: int | None = None

    @property
    def ratios(self) -> list[float]:
        """Torch's time over ours in every round."""
        if self.ours is None or self.torch is None:
            return []
        return [b / a for a, b in zip(self.ours.wall, self.torch.wall, strict=True)]


def head() -> str:
    """The lines above the rows."""
    return f"| {' | '.join(_HEAD)} |\n|{'---|' * len(_HEAD)}"


def line(row: Row) -> str:
    """A row of the table."""
    if row.ours is None:
        return _of_cells([row.model, f"left out: {row.left_out}"])
    cells = [row.model, f"{row.parameters:,}", f"{row.first:.1f}", _told(row.ours.wall)]
    if row.torch is None:
        return _of_cells([*cells, "-", "-", f"{np.median(row.ours.cpu):.2f}"])
    scaled = "" if row.torch_share == 1.0 else f", {row.torch_share:.0%} of the steps, scaled"
    cells += [_told(row.torch.wall) + scaled, _ratio(row)]
    cpu = (f"{np.median(epochs.cpu):.2f}" for epochs in (row.ours, row.torch))
    return _of_cells([*cells, ", ".join(cpu)])


def remarks(rows: Sequence[Row]) -> list[str]:
    """Forms whose parameters are not as many as the model's."""
    return [
        f"The form of {row.model} trains {row.torch_parameters:,} numbers."
        for row in rows
        if row.torch_parameters not in (None, row.parameters)
    ]


def write(file: Path, command: Sequence[str], machine: dict[str, Any], rows: Sequence[Row]) -> None:
    """Replaces the file by what was measured."""
    told = {"command": list(command), "machine": machine, "rows": list(map(_as_dict, rows))}
    draft = file.with_name(f"{file.name}.partial")
    draft.write_text(json.dumps(told, indent=1) + "\n")
    os.replace(draft, file)


def _as_dict(row: Row) -> dict[str, Any]:
    times = {
        name: None if epochs is None else epochs._asdict()
        for name, epochs in (("ours", row.ours), ("torch", row.torch))
    }
    return row._asdict() | times | {"ratios": row.ratios}


def _ratio(row: Row) -> str:
    ratio = np.median(row.torch.wall) / np.median(row.ours.wall)  # type: ignore[union-attr]
    return f"{ratio:.2f} ({min(row.ratios):.2f}-{max(row.ratios):.2f})"


def _told(seconds: Sequence[float]) -> str:
    return f"{np.median(seconds):.2f} ({min(seconds):.2f}-{max(seconds):.2f})"


def _of_cells(cells: list[str]) -> str:
    return f"| {' | '.join(cells + (len(_HEAD) - len(cells)) * ['-'])} |"
