"""The ids by which a resumed run finds itself again on the other side."""

from __future__ import annotations

import json
from pathlib import Path

from kdiffe_jax.errors import RunError
from kdiffe_jax.storage.run_directory import RunDirectory


def read_id(run_dir: Path, file: str, group: str) -> str | None:
    """The id of the run in a project or experiment; None where it has none yet.

    Raises:
      RunError: the file is damaged.
    """
    return _ids(run_dir / file).get(group)


def write_id(run_dir: Path, file: str, group: str, run_id: str) -> None:
    """Keeps an id beside those of other projects.

    Raises:
      RunError: the file is damaged, or cannot be written.
    """
    ids = _ids(run_dir / file) | {group: run_id}
    RunDirectory(run_dir).write(file, (json.dumps(ids, indent=2) + "\n").encode())


def _ids(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    try:
        ids = json.loads(file.read_text(encoding="utf-8"))
        if not all(isinstance(run_id, str) for run_id in ids.values()):
            raise ValueError("ids are texts")
        return ids
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(
            f"{file}: not readable: {error}; remove it, and the run is logged as a new one"
        ) from error
