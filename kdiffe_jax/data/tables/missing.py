"""Words for a missing value: `nan`, `NA`, `null` and their like."""

from __future__ import annotations

from collections.abc import Collection

from kdiffe_jax.data.tables.arrow import arrow

WORDS = "NA, N/A, #N/A, <NA>, nan, NaT, None, null, \\N, -"


def missing_words(text: str) -> frozenset[str]:
    """The words of a comma-separated list, in lower case.

    >>> sorted(missing_words("NA, \\\\N"))
    ['\\\\n', 'na']
    """
    return frozenset(word.strip().lower() for word in text.split(",")) - {""}


def is_missing(values, words: Collection[str]):
    """pyarrow bool[n]: which texts are one of the words, whatever their case; False where null.

    Args:
      values: pyarrow array of text.
      words: in lower case.
    """
    pa = arrow()
    plain = pa.compute.utf8_lower(pa.compute.utf8_trim_whitespace(values))
    return pa.compute.is_in(plain, value_set=pa.array(sorted(words), values.type))


def without_missing(values, words: Collection[str]):
    """Text with null for each of the words, numbers with null for NaN; all else as it is."""
    pa = arrow()
    values = without_nan(values)
    if not words or not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values
    return pa.compute.if_else(is_missing(values, words), None, values)


def without_nan(values):
    """Numbers with null for NaN; values of another type as they are."""
    pa = arrow()
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if not pa.types.is_floating(values.type):
        return values
    return pa.compute.if_else(pa.compute.is_nan(values), None, values)
