"""Named arrays in one file with a header that lists them, read without pickle.

Texts are JSON in UTF-8 bytes. Every member carries a CRC-32, and the header lists the members
with their shapes, so damage is noticed when the file is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from kdiffe_jax.errors import DataError, RunError, one_line
from kdiffe_jax.storage.files import replacing
from kdiffe_jax.storage.stored_arrays import read_npz

_HEADER = "header"


def write_archive(
    file: Path, members: Mapping[str, np.ndarray], *, version: int, about: Mapping[str, Any]
) -> None:
    """Writes the file under a temporary name and renames it; equal content is equal bytes.

    Args:
      file: ends in .npz.
      members: none is called "header".
      version: of the format.
      about: what else the header says.

    Raises:
      RunError: it cannot be written.
    """
    shapes = {name: [str(array.dtype), *array.shape] for name, array in members.items()}
    header = {"format": version, "members": shapes, **about}
    try:
        with replacing(file) as draft, draft.open("wb") as stream:
            np.savez(stream, **members, **{_HEADER: packed(header)})
    except DataError as error:
        raise RunError(str(error)) from error


def read_archive(
    file: Path, *, version: int, remedy: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the members of a file.

    Args:
      file: of `write_archive`.
      version: of the format that is read.
      remedy: what a refusal ends in.

    Raises:
      RunError: another format.
      one of `stored_arrays.DAMAGED`: the file cannot be read, or is not what its header says.
    """
    stored = read_npz(file)
    header = unpacked(stored[_HEADER])
    if header["format"] != version:
        raise RunError(f"{file}: format {header['format']}, this program reads {version}; {remedy}")
    members = {name: stored[name] for name in header["members"]}
    for name, array in members.items():
        if [str(array.dtype), *array.shape] != header["members"][name]:
            raise ValueError(f"{name} has another shape than the header says")
    return header, members


def damaged(file: Path, error: BaseException, remedy: str) -> RunError:
    """The refusal of a file that cannot be read."""
    return RunError(f"{file}: damaged ({one_line(error, 120)}); {remedy}")


def packed(content: Any) -> np.ndarray:
    """What JSON can hold, as uint8[n]."""
    return np.frombuffer(json.dumps(content, ensure_ascii=False).encode(), np.uint8)


def unpacked(array: np.ndarray) -> Any:
    """Inverse of `packed`."""
    return json.loads(array.tobytes().decode())


def missing(run_dir: Path, name: str, remedy: str) -> RunError:
    """The refusal of a run directory that has no such file."""
    if not run_dir.is_dir():
        return RunError(f"{run_dir}: no such run directory; train one with python -m launch.main")
    if not (run_dir / "result.json").is_file():
        return RunError(f"{run_dir}: holds no finished run; train it to its end first")
    return RunError(f"{run_dir}: has no {name}; {remedy}")


def written_again(run_dir: Path) -> str:
    """The command that writes the files of a trained model anew."""
    return f"write it with python -m launch.main --mode=evaluate --workdir={quote(str(run_dir))}"
