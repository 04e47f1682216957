"""Two runs on planted data side by side: python -m launch.planted GUIDED UNGUIDED."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from kdiffe_jax.errors import KDiffEError, RunError
from kdiffe_jax.storage.run_directory import RunDirectory


def compare(guided: dict[str, Any], unguided: dict[str, Any]) -> str:
    """The planted truths of two finished runs, in words."""
    recall = guided["test"]["recall@20"]
    popular = guided["baselines"]["most_popular"]["test"]["recall@20"]
    noise = 1.0 - guided["planted"]["relevant_share"]
    return "\n".join(
        (
            "planted truths",
            f"  recall@20 on test: {recall:.4f}, most popular {popular:.4f} "
            f"({recall / max(popular, 1e-12):.1f} x)",
            f"  share of task-irrelevant triples: {noise:.0%}",
            "  AUC of relevant over irrelevant triples within an item (0.5 is chance): "
            f"guided {guided['planted']['relation_auc']:.3f}, "
            f"unguided {unguided['planted']['relation_auc']:.3f}",
        )
    )


def main(argv: Sequence[str]) -> int:
    """Prints the comparison of two run directories."""
    try:
        if len(argv) != 3:
            raise RunError("usage: python -m launch.planted GUIDED_RUN UNGUIDED_RUN")
        print(compare(*(_planted_result(path) for path in argv[1:])))
        return 0
    except KDiffEError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _planted_result(path: str) -> dict[str, Any]:
    result = RunDirectory(path).result()
    if result is None or "relation_auc" not in result.get("planted", {}):
        raise RunError(
            f"{path}: no finished run of kdiffe on planted data; train it with --dataset=synthetic"
        )
    if "most_popular" not in result["baselines"]:
        raise RunError(f"{path}: has no most popular items to compare with; see --baselines")
    return result


def entry() -> None:
    """The console command `kdiffe-planted`."""
    sys.exit(main(sys.argv))


if __name__ == "__main__":
    entry()
