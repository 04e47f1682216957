"""A directory for runs that nobody keeps."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path


class Home:
    """A directory that is removed once no model needs it, at the latest when the program ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="kdiffe-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
