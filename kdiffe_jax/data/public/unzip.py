"""One file out of a zip archive, whatever else the archive claims."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path, PurePosixPath

from kdiffe_jax.data.public.fetch import part_of
from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.stored_arrays import DAMAGED

_CHUNK = 1 << 20


def unzip(archive: Path, target: Path, *, largest: int) -> None:
    """Writes the one member that is called like `target`, in whatever folder it is, there.

    Args:
      archive: a zip file.
      target: the file to be; it appears complete or not at all.
      largest: bytes that it may have; the sizes an archive declares are not believed.

    Raises:
      DataError: no readable zip file, a member whose path leaves the directory, not just
        one member of that name, more than `largest` bytes, no room.
    """
    part = part_of(target)
    try:
        with zipfile.ZipFile(archive) as content:
            member = _member(content, archive, target.name)
            with content.open(member) as source, part.open("wb") as file:
                _copy(source, file, archive, largest)
        os.replace(part, target)
    except OSError as error:
        raise DataError(f"{archive}: not unzipped: {error.strerror}") from error
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{archive}: no readable zip file: {reason}; remove it") from error
    finally:
        part.unlink(missing_ok=True)


def _member(content: zipfile.ZipFile, archive: Path, name: str) -> zipfile.ZipInfo:
    found = []
    for member in content.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in member.filename:
            raise DataError(
                f"{archive}: the path {member.filename!r} leaves the directory; refused"
            )
        if path.name == name and not member.is_dir():
            found.append(member)
    if len(found) != 1:
        raise DataError(f"{archive}: {len(found)} files called {name}; unzip the right one by hand")
    return found[0]


def _copy(source, file, archive: Path, largest: int) -> None:
    done = 0
    while chunk := source.read(_CHUNK):
        done += len(chunk)
        if done > largest:
            raise DataError(f"{archive}: unpacks to more than {largest:,} bytes; refused")
        file.write(chunk)
