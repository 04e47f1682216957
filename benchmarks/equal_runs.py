"""Whether two runs are the same bit for bit: python -m benchmarks.equal_runs RUN OTHER.

Compares history (but for its times), the parameters of the last checkpoint and the scores of
result.json. What a run has of its own, such as paths and options that only one program knows,
is not compared, so the runs may be of two versions of the program.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from kdiffe_jax.training.selection import TIMES

_SCORES = ("best_epoch", "epochs", "valid", "test", "cold", "beyond_accuracy", "planted")


def differences(run: Path, other: Path) -> Iterator[str]:
    """A line for everything that differs."""
    histories = [_history(path) for path in (run, other)]
    if histories[0] != histories[1]:
        yield f"history: {len(histories[0])} and {len(histories[1])} epochs, not the same"
    results = [json.loads((path / "result.json").read_text()) for path in (run, other)]
    for name in _SCORES:
        if results[0].get(name) != results[1].get(name):
            yield f"result: {name}"
    tables = [_parameters(path) for path in (run, other)]
    if tables[0].keys() != tables[1].keys():
        yield "parameters: other names"
    for name in tables[0].keys() & tables[1].keys():
        if not np.array_equal(tables[0][name], tables[1][name]):
            yield f"parameters: {name}"


def _history(run: Path) -> list[dict[str, Any]]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def _parameters(run: Path) -> dict[str, np.ndarray]:
    with ocp.CheckpointManager((run / "checkpoints").absolute()) as manager:
        read = ocp.args.Composite(arrays=ocp.args.StandardRestore())
        arrays = manager.restore(manager.latest_step(), args=read)["arrays"]
    leaves = jax.tree_util.tree_flatten_with_path(arrays["state"]["params"])[0]
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def main(argv: list[str]) -> int:
    """Prints the differences; 1 where there are any."""
    run, other = map(Path, argv[1:3])
    found = list(differences(run, other))
    print("\n".join(found) or f"{run} and {other}: history, parameters and scores are equal")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
