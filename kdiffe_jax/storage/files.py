"""Files and directories that appear under their name only when they are complete."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from kdiffe_jax.errors import DataError

DRAFT = ".partial"  #: ends temporary names
_SECONDS_OF_A_DAY = 86_400


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A temporary name beside `file`, renamed to it at the end of the block.

    Where the block raises, nothing is left and an older file stays as it was.

    Raises:
      DataError: the file cannot be written.
    """
    with _written(file), _draft_of(file, 0o666) as draft:
        yield draft


@contextlib.contextmanager
def replacing_in_cache(file: Path) -> Iterator[Path]:
    """`replacing`, with a directory that is made and a file that is its owner's alone.

    Raises:
      DataError: the file cannot be written; names the flag that chooses another place.
    """
    with _written(file, "choose another --cache_dir"):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_old_drafts(file.parent)
        with _draft_of(file, 0o600) as draft:
            yield draft


@contextlib.contextmanager
def new_directory(directory: Path) -> Iterator[Path]:
    """A temporary directory, renamed to `directory` at the end of the block.

    Raises:
      DataError: there is something already, or it cannot be written.
    """
    if directory.exists():
        raise DataError(f"{directory}: exists already; choose another directory or remove it")
    with _written(directory):
        directory.parent.mkdir(parents=True, exist_ok=True)
        draft = _free_name(directory.parent)
        draft.mkdir()
        try:
            yield draft
            os.rename(draft, directory)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def _draft_of(file: Path, mode: int) -> Iterator[Path]:
    """A file of that mode, less what the user's umask takes away."""
    draft = _free_name(file.parent)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    try:
        yield draft
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _free_name(directory: Path) -> Path:
    return directory / f"{secrets.token_hex(8)}{DRAFT}"


def _remove_old_drafts(directory: Path) -> None:
    """What killed processes left; nobody writes one file for a day."""
    for draft in directory.glob(f"*{DRAFT}"):
        with contextlib.suppress(FileNotFoundError):  # renamed or removed meanwhile
            if time.time() - draft.stat().st_mtime > _SECONDS_OF_A_DAY:
                draft.unlink()


@contextlib.contextmanager
def _written(path: Path, remedy: str = "nothing was left") -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path}: cannot be written: {reason}; {remedy}") from error
