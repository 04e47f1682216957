"""Bytes as text tables need them: unpacked while they are read, a long separator as one letter."""

from __future__ import annotations

import bz2
import gzip
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from kdiffe_jax.data.tables.arrow import arrow

ENDINGS = ("", ".gz", ".bz2", ".zst")
FIELD = "\x1f"  #: stands in place of a separator of several letters
DAMAGED = (OSError, EOFError, zlib.error)  #: what unpacking raises
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


def without_ending(name: str) -> str:
    """A file's name as it was before it was packed.

    >>> without_ending("ratings.csv.bz2")
    'ratings.csv'
    """
    return next((name.removesuffix(e) for e in ENDINGS[1:] if name.endswith(e)), name)


def unpacked(file: BinaryIO) -> Any:
    """A stream of what a file holds: unpacked where its first bytes say gzip, bzip2 or Zstandard.

    Args:
      file: at its start; it stays there.
    """
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.open(file)
    if magic.startswith(b"BZh"):
        return bz2.open(file)
    if magic == _ZSTANDARD:
        pa = arrow()
        return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
    return file


def first_bytes(path: Path, size: int) -> bytes:
    """The first bytes of what a file holds, unpacked.

    Raises:
      one of `DAMAGED`: packed, and broken.
    """
    with path.open("rb") as file:
        return unpacked(file).read(size)


class OneLetter:
    """A stream of bytes in which every separator of several letters is `FIELD`.

    >>> import io
    >>> OneLetter(io.BytesIO(b"1::2:3::4"), "::").read(20)
    b'1\\x1f2:3\\x1f4'
    """

    def __init__(self, stream: Any, separator: str):
        self._stream, self._separator = stream, separator.encode()
        self._ready = self._held = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        """As many bytes, fewer only at the end."""
        while len(self._ready) < size and not self._ended:
            self._fill(size)
        content, self._ready = self._ready[:size], self._ready[size:]
        return content

    def _fill(self, size: int) -> None:
        """Reads on; what may be the beginning of a separator is held back."""
        content = self._stream.read(size)
        self._ended = not content
        *whole, last = (self._held + content).split(self._separator)
        held = 0 if self._ended else self._begun(last)
        self._held = last[len(last) - held :]
        self._ready += FIELD.encode().join([*whole, last[: len(last) - held]])

    def _begun(self, text: bytes) -> int:
        """How many letters at the end of a text are the beginning of a separator."""
        lengths = range(len(self._separator) - 1, 0, -1)
        return next((n for n in lengths if text.endswith(self._separator[:n])), 0)

    def close(self) -> None:
        self._stream.close()
