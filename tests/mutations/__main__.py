"""Breaks the program on purpose and shows that the suite notices: python -m tests.mutations.

Each breakage is applied alone, to a temporary copy of the tree; the tests named for it must
then fail, and must pass without it. What was judged is kept in build/mutations and not tried
again while source and tests stay as they are. Arguments are words: only breakages whose name
or file has one of them are tried.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.mutations.breakages import BREAKAGES, Breakage
from tests.mutations.copy import Copy
from tests.mutations.journal import Journal

ROOT = Path(__file__).parents[2]
KILLED = "killed"
_NAMED = {0: "survived", 1: KILLED}  # pytest's; all others mean that no test was judged


def main(words: Sequence[str]) -> int:
    """Tries the breakages one after another.

    Returns:
      0 where the suite noticed all, 1 where one survived or could not be tried.
    """
    chosen = [b for b in BREAKAGES if not words or any(w in f"{b.file}: {b.what}" for w in words)]
    if not chosen:
        print("nothing to try")
        return 1
    kept = ROOT / "build" / "mutations"
    with tempfile.TemporaryDirectory() as directory, Journal(kept, ROOT) as journal:
        copy = Copy(ROOT, Path(directory), compiled=kept / "compiled")
        outcomes = [_judged(copy, journal, breakage) for breakage in chosen]
    counted = ", ".join(f"{number} {name}" for name, number in Counter(outcomes).most_common())
    print(f"{len(chosen)} breakages: {counted}")
    return 0 if set(outcomes) == {KILLED} else 1


def _judged(copy: Copy, journal: Journal, breakage: Breakage) -> str:
    begun = time.monotonic()
    outcome = journal.outcome(breakage)
    if outcome is None:
        outcome = _try(copy, breakage)
        journal.keep(breakage, outcome)
    print(f"{outcome:14} {time.monotonic() - begun:4.0f} s  {breakage.what}", flush=True)
    return outcome


def _try(copy: Copy, breakage: Breakage) -> str:
    whole = copy.passes(breakage.tests)
    if not whole:
        return "fails whole"
    with copy.broken(breakage) as found:
        if not found:
            return "text not found"
        status = copy.pytest(breakage.tests)
    return _NAMED.get(status, f"pytest: {status}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
