"""Reads pickled scipy sparse matrices without letting the file run code.

Only the classes and functions listed here are reachable from the file; everything
else is refused by name before anything is built. Names of old scipy modules
(`scipy.sparse.coo`, gone in SciPy 2) and of numpy before 2 are translated.
"""

from __future__ import annotations

import pickle
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import scipy.sparse as sp

from kdiffe_jax.errors import DataError

_FORMATS = ("coo", "csr", "csc")


def _admitted() -> dict[tuple[str, str], object]:
    names = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        # Protocol-2 pickles spell bytes as text encoded in latin1.
        ("_codecs", "encode"): _latin1_bytes,
        ("__builtin__", "bytes"): _empty_bytes,
    }
    rebuild_array, rebuild_scalar = _numpy_rebuilders()
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        names[module, "_reconstruct"] = rebuild_array
        names[module, "scalar"] = rebuild_scalar
    frombuffer = np.array(0.0).__reduce_ex__(5)[0]
    for module in ("numpy.core.numeric", "numpy._core.numeric"):
        names[module, "_frombuffer"] = frombuffer
    for kind in _FORMATS:
        for suffix in ("matrix", "array"):
            name = f"{kind}_{suffix}"
            for module in ("scipy.sparse", f"scipy.sparse.{kind}", f"scipy.sparse._{kind}"):
                names[module, name] = getattr(sp, name)
    return names


def _empty_bytes() -> bytes:
    return b""


def _latin1_bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text encoding {encoding!r} is not admitted")
    return text.encode("latin1")


def _numpy_rebuilders():
    rebuild_array = np.array(0.0).__reduce__()[0]
    rebuild_scalar = np.float64(0.0).__reduce__()[0]
    return rebuild_array, rebuild_scalar


class _RestrictedUnpickler(pickle.Unpickler):
    _names = _admitted()

    def find_class(self, module: str, name: str):
        try:
            return self._names[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which is not admitted"
            ) from None


_LOAD_FAILURES = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    MemoryError,
    ImportError,
    OSError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_sparse(path: str | Path) -> sp.coo_array:
    """The sparse matrix in a file, as COO without duplicates or stored zeros.

    Args:
      path: a pickle of a scipy COO, CSR or CSC matrix or array, or of a 2-d numpy array;
        or, by its suffix, an .npz of `scipy.sparse.save_npz`.

    Returns:
      `scipy.sparse.coo_array` with float64 values, rows sorted.

    Raises:
      DataError: missing or truncated file, a class that is not admitted (nothing is
        executed), another type of content, non-finite or negative values.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty; fetch it again")
    with path.open("rb") as file:
        if file.read(8) == b"version ":
            raise DataError(f"{path}: a Git LFS pointer, not the data; run `git lfs pull`")
        file.seek(0)
        try:
            content = _load(file, path.suffix)
        except _LOAD_FAILURES as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{path}: refused as a stored sparse matrix: {reason}") from error
    return _as_binary_ready_coo(content, path)


def _load(file: BinaryIO, suffix: str):
    return sp.load_npz(file) if suffix == ".npz" else _RestrictedUnpickler(file).load()


def _as_binary_ready_coo(content, path: Path) -> sp.coo_array:
    if not (sp.issparse(content) or isinstance(content, np.ndarray)):
        raise DataError(f"{path}: holds a {type(content).__name__}, expected a sparse matrix")
    try:
        if len(content.shape) != 2 or content.dtype.kind not in "biuf":
            raise ValueError(f"shape {content.shape}, {content.dtype}: expected a numeric matrix")
        if sp.issparse(content):
            if content.format in ("csr", "csc"):
                content.check_format(full_check=True)
            content.data = content.data.astype(np.float64)
        else:
            content = content.astype(np.float64)
        matrix = sp.coo_array(content)
        if matrix.nnz and (
            min(matrix.row.min(), matrix.col.min()) < 0
            or matrix.row.max() >= matrix.shape[0]
            or matrix.col.max() >= matrix.shape[1]
        ):
            raise ValueError("an index lies outside the shape")
        values = matrix.data.astype(np.float64)
        matrix = sp.csr_array((values, (matrix.row, matrix.col)), shape=matrix.shape)
    except (AttributeError, ValueError, TypeError) as error:
        raise DataError(f"{path}: not a consistent sparse matrix: {error}") from error
    bad = ~np.isfinite(matrix.data) | (matrix.data < 0)
    if bad.any():
        row = int(matrix.tocoo().row[np.argmax(bad)])
        raise DataError(f"{path}: row {row}: a negative, NaN or infinite value; mend or drop it")
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix.tocoo()
