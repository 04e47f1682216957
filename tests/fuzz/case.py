"""One input to one reader, and what counts as a finding."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kdiffe_jax.errors import KDiffEError
from tests.fuzz.targets import Target

_LONGEST = 1000
# Events of sys.audit that no reader has a reason for.
_FORBIDDEN = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.chmod",
    "os.remove",
    "os.rmdir",
    "os.symlink",
    "shutil.",
    "socket.",
    "subprocess.",
    "ctypes.dlopen",
    "code.__new__",
    "exec",
    "marshal.loads",
)


class Finding(NamedTuple):
    """Something that must not happen; `where` is one for all inputs that show it."""

    what: str
    where: str


class _Watch(NamedTuple):
    """What was done, other than to files of `directory`."""

    directory: str
    events: list[tuple[str, str]]


_watching: list[_Watch] = []


class Case:
    """A target in a directory of its own.

    Args:
      target: the reader.
      directory: an empty one.
    """

    def __init__(self, target: Target, directory: Path):
        target.lay_out(directory)
        self._read = target.read
        self._directory = directory
        self._files = sorted(directory.iterdir())
        self._whole = {file: file.read_bytes() for file in self._files}

    def seeds(self) -> dict[str, bytes]:
        """An input for each file that leaves it as it is."""
        return {f.name: bytes([i]) + self._whole[f] for i, f in enumerate(self._files)}

    def run(self, content: bytes) -> Finding | None:
        """Reads the directory with one file replaced.

        Args:
          content: a byte that chooses the file, then what it holds.
        """
        file = self._files[content[0] % len(self._files)] if content else self._files[0]
        file.write_bytes(content[1:])
        try:
            return self._judged()
        finally:
            file.write_bytes(self._whole[file])

    def _judged(self) -> Finding | None:
        found = None
        with _watched(self._directory) as events:
            try:
                self._read(self._directory)
            except KDiffEError as error:
                found = _of_message(str(error))
            except Exception as error:
                found = Finding(f"{type(error).__name__}: {error}"[:300], _origin(error))
        if events:
            event, arguments = events[0]
            return Finding(f"did {event} {arguments}", event)
        left = sorted(set(self._directory.iterdir()) - set(self._files))
        if left:
            return Finding(f"left {left[0].name}", "files left")
        return found


def _of_message(message: str) -> Finding | None:
    if "\n" in message or not message.isprintable():
        return Finding(f"a message that is no line: {message[:300]!r}", "line")
    if len(message) > _LONGEST:
        return Finding(f"a message of {len(message)} letters: {message[:100]}", "length")
    return None


def _origin(error: Exception) -> str:
    """The last line of the package that the error went through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "kdiffe_jax" in f.filename or "launch" in f.filename]
    last = (own or frames)[-1]
    return f"{type(error).__name__} {Path(last.filename).name}:{last.lineno}"


@contextlib.contextmanager
def _watched(directory: Path) -> Iterator[list[tuple[str, str]]]:
    watch = _Watch(str(directory), [])
    _watching.append(watch)
    try:
        yield watch.events
    finally:
        _watching.remove(watch)


def _hook(event: str, arguments: tuple) -> None:
    if not _watching or not (event.startswith(_FORBIDDEN) or _writes(event, arguments)):
        return
    said = str(arguments)[:200]
    inside = event in ("open", "os.remove") and _watching[-1].directory in said
    if not (inside or _importing()):
        _watching[-1].events.append((event, said))


def _writes(event: str, arguments: tuple) -> bool:
    mode = arguments[1] if event == "open" else None
    return isinstance(mode, str) and bool(set(mode) & set("wax+"))


def _importing() -> bool:
    """Whether a module is being loaded, which runs code that is the program's own."""
    frame = sys._getframe()
    while frame is not None and "importlib._bootstrap" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None


sys.addaudithook(_hook)
