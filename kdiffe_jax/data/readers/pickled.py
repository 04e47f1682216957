"""What a pickled matrix may name: stand-ins that keep what the file says and do nothing else.

Nothing of numpy or scipy is reached from the file. It fills the stand-ins below; arrays are
made of them afterwards, when their parts are known to fit one another.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

_TYPES = re.compile(r"[<>=|]?(b1|[iu][1248]|f[248])")
_FORMATS = ("coo", "csr", "csc")


class _StandIn:
    """Base of all that a file can name; setting attributes is refused."""

    def __setstate__(self, state):
        raise pickle.UnpicklingError(f"{type(self).__name__} takes no state")


class _Bytes(_StandIn):
    """`_codecs.encode(text, "latin1")`, by which protocol 2 spells bytes, and `bytes()`."""

    def __new__(cls, text: str = "", encoding: str = "latin1") -> bytes:
        if encoding != "latin1":
            raise pickle.UnpicklingError(f"text encoding {encoding!r} is not admitted")
        return text.encode("latin1")


class _ArrayName(_StandIn):
    """`numpy.ndarray`, which is named and never called."""

    def __init__(self):
        raise pickle.UnpicklingError("numpy.ndarray is called, which is not admitted")


class _Type(_StandIn):
    """`numpy.dtype(name, align, copy)` of numbers, then its byte order."""

    def __init__(self, name: str, *flags):
        if not (isinstance(name, str) and _TYPES.fullmatch(name)):
            raise pickle.UnpicklingError(f"values of type {str(name)[:40]!r} are not admitted")
        self.dtype = np.dtype(name)

    def __setstate__(self, state):
        order, *parts = state[1:]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in parts[:3]):
            raise pickle.UnpicklingError("a type with fields is not admitted")
        self.dtype = self.dtype.newbyteorder(order)


class Array(_StandIn):
    """`numpy.core.multiarray._reconstruct(...)`, then its content."""

    def __init__(self, *arguments):
        self._rows: np.ndarray | None = None

    def __setstate__(self, state):
        _, shape, kind, fortran, content = state
        self._rows = _filled(content, kind, shape, "F" if fortran else "C")

    @property
    def rows(self) -> np.ndarray:
        """The array; ValueError where the file gave it no content."""
        if self._rows is None:
            raise ValueError("an array without content")
        return self._rows


class _Filled(_StandIn):
    """`numpy.core.numeric._frombuffer(content, dtype, shape, order)`, of protocol 5."""

    def __new__(cls, content, kind, shape, order) -> Array:
        array = Array()
        array._rows = _filled(content, kind, shape, order)
        return array


class _Scalar(_StandIn):
    """`numpy.core.multiarray.scalar(dtype, content)`."""

    def __new__(cls, kind, content):
        return _filled(content, kind, (1,), "C")[0].item()


class Sparse(_StandIn):
    """A scipy matrix: its attributes, as the file gives them."""

    format = ""

    def __init__(self):
        self.attributes: Mapping[str, Any] = {}

    def __setstate__(self, state):
        self.attributes = state[0] if isinstance(state, tuple) else state
        if not isinstance(self.attributes, dict):
            raise pickle.UnpicklingError("a matrix without attributes")


def _filled(content, kind, shape, order) -> np.ndarray:
    if not isinstance(kind, _Type):
        raise pickle.UnpicklingError("an array without a type")
    return np.frombuffer(content, kind.dtype).reshape(shape, order=order)


def _admitted() -> dict[tuple[str, str], type]:
    """Names of numpy before and after 2, of scipy before and after 1.8, and of Python 2."""
    names: dict[tuple[str, str], type] = {
        ("numpy", "ndarray"): _ArrayName,
        ("numpy", "dtype"): _Type,
        ("_codecs", "encode"): _Bytes,
        ("__builtin__", "bytes"): _Bytes,
    }
    for core in ("numpy.core", "numpy._core"):
        names[f"{core}.multiarray", "_reconstruct"] = Array
        names[f"{core}.multiarray", "scalar"] = _Scalar
        names[f"{core}.numeric", "_frombuffer"] = _Filled
    for kind in _FORMATS:
        stand_in = type(f"Sparse_{kind}", (Sparse,), {"format": kind})
        for module in ("scipy.sparse", f"scipy.sparse.{kind}", f"scipy.sparse._{kind}"):
            names[module, f"{kind}_matrix"] = names[module, f"{kind}_array"] = stand_in
    return names


class _Unpickler(pickle.Unpickler):
    _names = _admitted()

    def find_class(self, module: str, name: str):
        try:
            return self._names[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which is not admitted"
            ) from None


def unpickled(content: bytes) -> Any:
    """What a pickle holds, arrays and matrices as stand-ins.

    Raises:
      pickle.UnpicklingError and whatever else a malformed pickle leads to.
    """
    for opcode, argument, _ in pickletools.genops(content):
        # The C implementation would make room for as many objects.
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > len(content):
            raise pickle.UnpicklingError(f"it numbers an object {argument}")
    return _Unpickler(io.BytesIO(content)).load()
