""".npy and .npz files, read without pickle; what a file declares must be in it.

A header of a few bytes can declare petabytes, and an archive of a few kilobytes can unpack to
as many. Both are refused before there is room made for them.
"""

from __future__ import annotations

import io
import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

# What numpy, zipfile and zlib raise for damaged files; a header is parsed as Python text.
DAMAGED = (
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    OSError,
    MemoryError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
_RATIO, _ALWAYS_ALLOWED = 100, 1 << 26
_LONGEST_EMPTY = 1 << 16
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npy(file: Path) -> np.ndarray:
    """The array of a .npy file.

    Raises:
      one of `DAMAGED`: no file, no array, one of objects, or a header that declares more
        than the file holds.
    """
    with file.open("rb") as stream:
        return _read(stream, file.stat().st_size)


def read_npz(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by name.

    Raises:
      one of `DAMAGED`: as `read_npy`; no archive, or one that unpacks to more than 64 MiB
        and a hundred times its size.
    """
    with zipfile.ZipFile(file) as archive:
        declared = _declared(archive)
        if declared > max(_ALWAYS_ALLOWED, _RATIO * file.stat().st_size):
            raise ValueError(f"unpacks to {declared:,} bytes, which is too much for its size")
        arrays = {}
        for member in archive.infolist():
            with archive.open(member) as stream:
                arrays[member.filename.removesuffix(".npy")] = _read(stream, member.file_size)
    return arrays


def packed_npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A .npz file that `read_npz` takes: compressed, unless it packs more than that allows."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    with zipfile.ZipFile(packed) as archive:
        declared = _declared(archive)
    size = len(packed.getbuffer())
    if declared > max(_ALWAYS_ALLOWED, _RATIO * size):
        packed = io.BytesIO()
        np.savez(packed, **arrays)
    return packed.getvalue()


def shape_of_npy(file: Path) -> tuple[int, ...]:
    """What `read_npy` would give, by the header alone.

    Raises:
      one of `DAMAGED`: as `read_npy`.
    """
    with file.open("rb") as stream:
        return _header(stream, file.stat().st_size)


def _declared(archive: zipfile.ZipFile) -> int:
    """The bytes that all members say they unpack to."""
    return sum(member.file_size for member in archive.infolist())


def _read(stream: IO[bytes], size: int) -> np.ndarray:
    _header(stream, size)
    stream.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return np.lib.format.read_array(stream, allow_pickle=False)


def _header(stream: IO[bytes], size: int) -> tuple[int, ...]:
    """The shape, once it is clear that the content is there."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format is not read")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        shape, _, dtype = _HEADERS[version](stream)
    if dtype.hasobject:
        raise ValueError("an array of objects is not read")
    declared = math.prod(shape) * dtype.itemsize
    held = size - stream.tell()
    if min(shape, default=0) < 0 or declared > held:
        raise ValueError(f"declares {declared:,} bytes and holds {held:,}")
    if not declared and max(shape, default=0) > _LONGEST_EMPTY:
        raise ValueError(f"is empty and declares the shape {shape}")
    return shape
