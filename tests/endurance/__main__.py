"""Long runs: python -m tests.endurance [training sweep server] [--epochs=200] [--trials=50].

A training of many epochs compiles nothing and holds no more after its first ones; a sweep of
many trials leaves neither processes nor open files, and its own process does not grow; a
server loses no request of another process and answers bad ones with 4xx.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tests.quick_compile import XLA_FLAGS

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", XLA_FLAGS)

_PARTS = ("training", "sweep", "server")
_MEGABYTES = 16.0


def main(argv: Sequence[str]) -> int:
    """Runs the parts that are named, all by default.

    Returns:
      0 where nothing grew and nothing was lost, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.endurance")
    parser.add_argument("parts", nargs="*", help=", ".join(_PARTS))
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--requests", type=int, default=20_000)
    given = parser.parse_args(argv)
    if unknown := set(given.parts) - set(_PARTS):
        parser.error(f"no part {sorted(unknown)[0]!r}")
    held = [_run(part, given) for part in given.parts or _PARTS]
    return 0 if all(held) else 1


def _run(part: str, given: argparse.Namespace) -> bool:
    if part == "training":
        from tests.endurance.training import early_and_late, long_training

        seen = early_and_late(long_training(given.epochs))
        whole = all(len(set(seen[name])) == 1 for name in ("compiled", "arrays"))
    elif part == "sweep":
        from tests.endurance.sweep import long_sweep

        seen = long_sweep(given.trials)
        whole = seen["trials"] == given.trials and not seen["processes"]
    else:
        from tests.endurance.server import loaded_server

        seen = loaded_server(given.requests)
        whole = seen["answered"] == seen["sent"] and not seen["wrong"]
    print(f"{part}: {seen}", flush=True)
    (early, late), (files, files_late) = seen["megabytes"], seen["files"]
    return whole and late - early < _MEGABYTES and files == files_late


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
