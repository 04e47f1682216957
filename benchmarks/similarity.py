"""S against a released similarity matrix, and against itself with another seed.

    python -m benchmarks.similarity DATA_DIR [SIMILARITY.pkl]

Prints Spearman's rank correlation over the training interactions, for several walks.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from scipy.stats import spearmanr

from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.data.readers.safe_pickle import load_sparse
from kdiffe_jax.models.kdiffe.options import WalkOptions
from kdiffe_jax.models.kdiffe.similarity import attention_similarity

WALKS = ((50, 12), (130, 6))
RESTARTS = (0.0, 0.15, 0.3, 0.5, 0.7, 0.9)


def main(argv: list[str]) -> None:
    dataset = read_dataset(argv[1], name="data")
    pairs, sizes = dataset.train, dict(n_users=dataset.n_users, n_items=dataset.n_items)
    released = _released(argv[2], pairs, dataset.n_users) if len(argv) > 2 else None
    degrees = np.bincount(pairs[:, 0])[pairs[:, 0]] * np.bincount(pairs[:, 1])[pairs[:, 1]]
    print("| M | R | restart | median S | other seed | 1 / degrees | released | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for walk_length, walks in WALKS:
        for restart in RESTARTS:
            begun = time.perf_counter()
            first, second = (
                attention_similarity(
                    pairs,
                    options=WalkOptions(
                        walk_length=walk_length,
                        walks_per_node=walks,
                        restart_probability=restart,
                        walk_seed=seed,
                    ),
                    **sizes,
                )
                for seed in (0, 1)
            )
            seconds = (time.perf_counter() - begun) / 2
            others = [spearmanr(first, second), spearmanr(first, 1 / degrees)]
            found = [f"{other.statistic:.3f}" for other in others]
            found.append(
                f"{spearmanr(first, released).statistic:.3f}" if released is not None else "-"
            )
            print(
                f"| {walk_length} | {walks} | {restart} | {np.median(first):.3f} | "
                f"{' | '.join(found)} | {seconds:.1f} |",
                flush=True,
            )
    if released is not None:
        print(f"released against 1 / degrees: {spearmanr(released, 1 / degrees).statistic:.3f}")


def _released(path: str, pairs: np.ndarray, n_users: int) -> np.ndarray:
    matrix = load_sparse(path).tocsr()
    return np.asarray(matrix[pairs[:, 0], pairs[:, 1] + n_users]).ravel()


if __name__ == "__main__":
    main(sys.argv)
