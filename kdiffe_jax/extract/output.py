"""The output directory of an extraction: held by one process, made with one set of options."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.files import DRAFT, replacing

OPTIONS = "extract.json"
_LOCK = ".lock"


@contextlib.contextmanager
def claimed(
    output: Path, options: Mapping[str, Any], versions: Mapping[str, str]
) -> Iterator[None]:
    """Holds the directory for this process, in the block.

    Args:
      output: made where it is not there.
      options: all that the rows depend on; kept in extract.json.
      versions: of the libraries at the beginning; kept there too, not compared.

    Raises:
      DataError: the directory holds something else, or an extraction with other options
        (the first that differs is named), is in use, or can't be written, now or later.
    """
    stored = _stored_options(output)
    if stored is None:
        _refuse_foreign(output)
    else:
        _refuse_other(output, stored, dict(options))
    try:
        output.mkdir(parents=True, exist_ok=True)
        with (output / _LOCK).open("w") as lock:
            _take(lock, output)
            for draft in output.rglob(f"*{DRAFT}"):
                draft.unlink()
            if stored is None:
                content = {"options": dict(options), "versions": dict(versions)}
                write_whole(output / OPTIONS, (json.dumps(content, indent=2) + "\n").encode())
            yield
    except OSError as error:
        raise DataError(f"{output}: can't be written: {error.strerror or error}") from error


def write_whole(file: Path, content: bytes) -> None:
    """Writes a file that is there with all its content, or not at all."""
    with replacing(file) as draft:
        draft.write_bytes(content)


def _stored_options(output: Path) -> dict[str, Any] | None:
    file = output / OPTIONS
    if not file.is_file():
        return None
    try:
        return dict(json.loads(file.read_text(encoding="utf-8"))["options"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file}: not readable; take another --output") from error


def _refuse_foreign(output: Path) -> None:
    """An extraction killed before its first file has left a lock or a draft at most."""
    foreign = output.is_file() or (
        output.is_dir()
        and any(path.name != _LOCK and path.suffix != DRAFT for path in output.iterdir())
    )
    if foreign:
        raise DataError(f"{output}: not empty and no extraction; take another --output")


def _refuse_other(output: Path, stored: dict[str, Any], options: dict[str, Any]) -> None:
    for name in sorted(stored.keys() | options.keys()):
        there, now = stored.get(name), options.get(name)
        if there != now:
            raise DataError(
                f"{output}: was begun with {name} = {there!r}, not {now!r}; "
                "continue with the same options, or take another --output"
            )


def _take(lock, output: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError(f"{output}: another process extracts into it; wait for it") from error
