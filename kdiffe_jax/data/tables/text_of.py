"""The text of values, and whole numbers that are stored as floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.missing import without_nan

_EXACT = 2.0**53


def whole(values):
    """int64 of a pyarrow array of floats, null where one is no whole number below 2**53."""
    pa = arrow()
    values = values.cast(pa.float64())
    exact = pa.compute.less(pa.compute.abs(values), _EXACT)
    alike = pa.compute.and_(pa.compute.equal(values, pa.compute.floor(values)), exact)
    return pa.compute.if_else(alike, values, None).cast(pa.int64())


def text_of(values):
    """Values of a pyarrow array as text, whole numbers below 2**53 in full however they are stored.

    Lists become lists of text, empty where there are none. NaN is null.

    >>> import pyarrow
    >>> text_of(pyarrow.array([4006381333931.0, 0.5, None])).to_pylist()
    ['4006381333931', '0.5', None]
    >>> text_of(pyarrow.array([[1e12, None], None])).to_pylist()
    [['1000000000000', None], []]

    Raises:
      pyarrow.ArrowException: values of a type that has no text.
    """
    pa, types = arrow(), arrow().types
    values = without_nan(values)
    kind = values.type
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        lists = values.cast(pa.list_(kind.value_type))
        ends = np.cumsum(pa.compute.list_value_length(lists).fill_null(0).to_numpy())
        offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
        return pa.ListArray.from_arrays(offsets, text_of(lists.flatten()))
    texts = values.cast(pa.string())
    if not types.is_floating(kind):
        return texts
    return pa.compute.coalesce(whole(values).cast(pa.string()), texts)


def text_of_one(value: Any) -> Any:
    """A value of Python as `text_of` has it in a column; of a list the list, None of what is none.

    >>> text_of_one(2001.0), text_of_one(0.00001), text_of_one(True), text_of_one(float("nan"))
    ('2001', '0.00001', 'true', None)

    Raises:
      pyarrow.ArrowException: what has no text.
    """
    return text_of(arrow().array([value]))[0].as_py()
