"""A fitted model as a directory: the run's files, and what its frames and data were.

model.npz parameters.npz   the model (`storage/`)
config.json result.json …  the run
frames.json                columns and kinds of ids, kind of frames
data/                      the data set, as `launch.prepare` writes it
source/                    the tables that it was made of, as `launch.prepare` reads them
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from kdiffe_jax.api.dataset import Data
from kdiffe_jax.api.frames import KINDS, default_kind
from kdiffe_jax.api.ids import KINDS_OF_IDS, IdColumn
from kdiffe_jax.api.source import read_source_directory
from kdiffe_jax.data.readers.prepared import read_prepared, write_prepared
from kdiffe_jax.errors import RunError, one_line
from kdiffe_jax.storage.files import new_directory
from kdiffe_jax.storage.run_directory import RESULT
from kdiffe_jax.storage.saved_model import MODEL, SavedModel, write_model

_FRAMES, _DATA, _SOURCE = "frames.json", "data", "source"
_OF_RUN = ("*.json", "*.jsonl", "*.npz", "report.html")

Columns = tuple[IdColumn, IdColumn, str]


class Saved(NamedTuple):
    """What is saved beside a run: columns of users and items, the kind of frames, the data."""

    columns: Columns
    data: Data | None


def write_saved(saved: Saved, model: SavedModel, run_dir: Path, directory: Path) -> None:
    """Writes everything under a temporary name, then renames the directory.

    Args:
      saved: see `Saved`.
      model: in place of that of the run, with what was added since.
      run_dir: whose files are copied.
      directory: must not exist.

    Raises:
      DataError: it exists, or cannot be written.
      RunError: the run is gone.
    """
    if not (run_dir / RESULT).is_file():
        raise RunError(
            f"{run_dir}: the run of this model is no longer there, and what is saved without it "
            "has no scores; keep the directory of a run until the model is saved"
        )
    with new_directory(directory) as draft:
        for file in (file for pattern in _OF_RUN for file in run_dir.glob(pattern)):
            if file.name not in (MODEL, _FRAMES):
                shutil.copy2(file, draft / file.name)
        write_model(model, draft / MODEL)
        users, items, frame = saved.columns
        if saved.data is not None:
            write_prepared(saved.data.dataset, draft / _DATA)
            if saved.data.source is not None:
                saved.data.source.write(draft / _SOURCE)
        beside = [name for name in (_DATA, _SOURCE) if (draft / name).is_dir()]
        about = {"users": users._asdict(), "items": items._asdict(), "frame": frame}
        text = json.dumps(about | {"directories": beside}, indent=2) + "\n"
        (draft / _FRAMES).write_text(text, encoding="utf-8")


def read_saved(directory: Path) -> Saved:
    """What `write_saved` wrote; of a run of the command, columns called user and item.

    Raises:
      RunError: frames.json or the tables are damaged, or a directory is missing.
      DataError: the data are.
    """
    columns = _read_columns(directory / _FRAMES)
    if not (directory / _DATA).is_dir():
        return Saved(columns, None)
    data = Data(
        read_prepared(directory / _DATA),
        *columns,
        read_source_directory(directory / _SOURCE),
    )
    return Saved(columns, data)


def _read_columns(file: Path) -> Columns:
    if not file.is_file() and not (file.parent / _DATA).is_dir():
        return IdColumn("user"), IdColumn("item"), default_kind()
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        columns = IdColumn(**about["users"]), IdColumn(**about["items"]), about["frame"]
        _check(columns, [file.parent / name for name in about["directories"]])
        return columns
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file}: damaged ({one_line(error)}); save the model again") from error


def _check(columns: Columns, directories: list[Path]) -> None:
    users, items, frame = columns
    for directory in directories:
        if not directory.is_dir():
            raise ValueError(f"{directory.name} is missing")
    if not {users.kind, items.kind} <= KINDS_OF_IDS or frame not in KINDS:
        raise ValueError(f"unknown kinds {users.kind!r}, {items.kind!r} or {frame!r}")
