"""Kills a real training again and again: python -m tests.kills --kills=200 [--model=sgl].

Each round trains in a directory of its own with caches of its own. An attempt is ended by
SIGKILL or SIGTERM at a random moment, or at a random change of a file (checkpoints and the
cache of S included), and its clock is off by up to a year; now and then the newest checkpoint
is damaged as well. Then one attempt is let go to its end, and all that it leaves (parameters,
optimiser, key, step, what is carried, history, result, model) must be that of a run that was
never killed, bit for bit, but for seconds.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.quick_compile import XLA_FLAGS

ROOT = Path(__file__).parents[2]


def main(argv: Sequence[str]) -> int:
    """Runs rounds until there were as many kills.

    Returns:
      0 where every round ended like the unbroken run, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.kills")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--kills_a_round", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--many_seeds", action="store_true", help="train two models in turn")
    parser.add_argument("--model", default="kdiffe")
    given = parser.parse_args(argv)
    _settle(ROOT / "build" / "kills" / "compiled")
    # jax reads the environment when it is imported
    from tests.kills.attempts import flags_of
    from tests.kills.rounds import Rounds

    flags = [*flags_of(given.model), *(["--num_seeds=2"] if given.many_seeds else [])]
    with tempfile.TemporaryDirectory(prefix="kills-") as directory:
        rounds = Rounds(Path(directory), flags, random.Random(given.seed))
        counted: Counter[str] = Counter()
        while sum(counted[signal] for signal in ("SIGKILL", "SIGTERM")) < given.kills:
            known = len(rounds.wrong)
            counted.update(rounds.one(given.kills_a_round))
            print(dict(sorted(counted.items())), *rounds.wrong[known:], sep="\n", flush=True)
    print(f"{counted['rounds']} rounds, {len(rounds.wrong)} that did not end like the unbroken run")
    return 1 if rounds.wrong else 0


def _settle(directory: Path) -> None:
    """Every attempt runs on the CPU, and takes its programs from one place."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ.setdefault("XLA_FLAGS", XLA_FLAGS)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(directory)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
