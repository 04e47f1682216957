"""Ids that look alike: one thing written in two ways, or two things."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import numpy as np

from kdiffe_jax.data.tables.arrow import arrow

COLLIDING = "{} have ids that collide"
_DIFFERENCE = "blanks, case, Unicode form, invisible letters, leading zeros or a final .0"


def folded(names: Sequence[str]):
    """pyarrow text[n]: names without what hardly shows.

    Blanks around it, case, how Unicode composes a letter, letters that are not seen, zeros
    before a whole number and `.0` behind it.

    >>> folded(["a1", "A1 ", "a\\u200b1", "007", "7.0"]).to_pylist()
    ['a1', 'a1', 'a1', '7', '7']
    """
    pa = arrow()
    compute = pa.compute
    seen = compute.replace_substring_regex(pa.array(names, pa.string()), r"\p{Cf}", "")
    plain = compute.utf8_normalize(compute.utf8_lower(compute.utf8_trim_whitespace(seen)), "NFKC")
    return compute.replace_substring_regex(plain, r"^0*(\d+)(\.0+)?$", r"\1")


def collision_note(what: str, names: Sequence[str]) -> str:
    """Says that different names look alike; empty where none do.

    >>> collision_note("items", ["a1", "A1 ", "b"])
    "2 items have ids that collide but for blanks, case, Unicode form, invisible letters, leading \
zeros or a final .0, such as 'a1' and 'A1 '; they stay apart: if they are one, mend the source"
    """
    codes = folded(names).dictionary_encode().indices.to_numpy()
    sizes = np.bincount(codes) if len(codes) else np.zeros(0, np.int64)
    if not (sizes > 1).any():
        return ""
    first, second = np.flatnonzero(codes == np.argmax(sizes > 1))[:2].tolist()
    return (
        f"{sizes[sizes > 1].sum()} {COLLIDING.format(what)} but for {_DIFFERENCE}, such as "
        f"{names[first]!r} and {names[second]!r}; they stay apart: if they are one, mend the source"
    )


def twin_hint(unknown: Sequence[str], known: Sequence[str]) -> str:
    """Says that names which were found nowhere look like known ones; empty where none do.

    Empty too without pyarrow.

    >>> twin_hint(["7", "x"], ["007", "008"])
    "; 1 of them would be known but for blanks, case, Unicode form, invisible letters, leading \
zeros or a final .0, such as '7', which is '007' there"
    """
    if importlib.util.find_spec("pyarrow") is None:
        return ""
    pa = arrow()
    there = folded(known)
    at = pa.compute.index_in(folded(unknown), value_set=there).fill_null(-1).to_numpy()
    found = np.flatnonzero(at >= 0)
    if not len(found):
        return ""
    first, own = unknown[found[0]], known[at[found[0]]]
    return (
        f"; {len(found)} of them would be known but for {_DIFFERENCE}, such as {first[:60]!r}, "
        f"which is {own[:60]!r} there"
    )
