"""Directories: one that is given, and one for runs that nobody keeps."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any, Self

from kdiffe_jax.errors import ConfigError

_LONGEST_NAME = 255  # bytes, of what file systems hold


class Home:
    """A directory that is removed once no model needs it, at the latest when the program ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="kdiffe-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself, so that a copy of a model needs the directory as well."""
        return self


def path_of(directory: Any) -> Path:
    """What was given, as a path that stays right when the program changes its directory.

    `~` is the user's home.

    Raises:
      ConfigError: it is none.
    """
    try:
        path = Path(directory).expanduser().absolute()
        names = [os.fsencode(part) for part in path.parts]
    except (TypeError, ValueError, RuntimeError) as error:
        raise _no_path(directory) from error
    if any(len(name) > _LONGEST_NAME or 0 in name for name in names):
        raise _no_path(str(directory))
    return path


def _no_path(given: Any) -> ConfigError:
    return ConfigError(f"{given!r:.80} is no path; give that of a directory")
