"""The parameters that a training ended with, as arrays by name, to start another training from.

parameters.npz holds what the best epoch's checkpoint holds of the model itself, without the
optimiser. It is read as model.npz is: no pickle, checksums, a header that lists its members.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kdiffe_jax.storage.archive import (
    damaged,
    missing,
    read_archive,
    write_archive,
    written_again,
)
from kdiffe_jax.storage.stored_arrays import DAMAGED

PARAMETERS = "parameters.npz"
FORMAT_VERSION = 1
_LEAF = "parameters/"


def write_parameters(parameters: Mapping[str, np.ndarray], file: Path) -> None:
    """Writes the file under a temporary name and renames it.

    Args:
      parameters: the path of each leaf, as "encoder/user_embedding" -> array.
      file: in a run directory.

    Raises:
      RunError: it cannot be written.
    """
    members = {_LEAF + name: np.asarray(array) for name, array in parameters.items()}
    write_archive(file, members, version=FORMAT_VERSION, about={})


def read_parameters(run_dir: str | Path) -> dict[str, np.ndarray]:
    """Reads and checks the parameters of a run directory.

    Raises:
      RunError: no such directory, no parameters in it, a damaged file or one of another format.
    """
    file, remedy = Path(run_dir) / PARAMETERS, written_again(Path(run_dir))
    if not file.is_file():
        raise missing(Path(run_dir), PARAMETERS, remedy)
    try:
        _, members = read_archive(file, version=FORMAT_VERSION, remedy=remedy)
    except DAMAGED as error:
        raise damaged(file, error, remedy) from error
    return {name.removeprefix(_LEAF): array for name, array in members.items()}
