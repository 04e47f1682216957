"""Things in a row, dealt to several takers in ranges."""

from __future__ import annotations


def range_of(number: int, of: int, size: int) -> range:
    """The part of `size` things that taker `number` of `of` has; the parts are all of them.

    >>> [range_of(number, 3, 8) for number in range(3)]
    [range(0, 2), range(2, 5), range(5, 8)]
    """
    return range(size * number // of, size * (number + 1) // of)
