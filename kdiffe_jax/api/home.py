"""Directories: one that is given, and one for runs that nobody keeps."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

from kdiffe_jax.errors import ConfigError


class Home:
    """A directory that is removed once no model needs it, at the latest when the program ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="kdiffe-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def path_of(directory: Any) -> Path:
    """What was given, as a path that stays right when the program changes its directory.

    Raises:
      ConfigError: it is none.
    """
    try:
        return Path(directory).absolute()
    except TypeError as error:
        raise ConfigError(f"{directory!r} is no path; give that of a directory") from error
