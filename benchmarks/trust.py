"""What content tells beside interactions, and what the same links between other items tell.

    python -m benchmarks.trust DATASET [--times=4]

DATASET is a prepared directory. Each kind of nearest items is taken as it is, and `times` times
with all items exchanged at random: such links tell nothing, and their gains should be nothing
within their errors. Prints a line for the kinds and, for the exchanged ones of all times, the
mean and the deviation of gain / error, which should be near 0 and 1, and how many are trusted.
"""

from __future__ import annotations

import argparse
import dataclasses

import numpy as np

from kdiffe_jax.data.beside_interactions import told_beside_interactions
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.item_neighbours import kinds_of_nearest, nearest_items, normalised
from kdiffe_jax.data.readers.prepared import read_prepared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset")
    parser.add_argument("--times", type=int, default=4)
    options = parser.parse_args()
    dataset = read_prepared(options.dataset)
    print(nearest_items(dataset, 10, weighed="evidence", each_relation=True).note)
    rng = np.random.default_rng(0)
    told = [one for _ in range(options.times) for one in _exchanged(dataset, rng)]
    sure = np.array([one.gain / one.error for one in told if one.error])
    trusted = sum(one.trust > 0 for one in told)
    print(
        f"{len(sure)} exchanged kinds: gain / error {sure.mean():.2f} ± {sure.std():.2f}, "
        f"{trusted} trusted, at most {max(one.trust for one in told):.3f}"
    )


def _exchanged(dataset: Dataset, rng: np.random.Generator):
    order = rng.permutation(dataset.n_items)
    kinds = [
        dataclasses.replace(kind, items=order[kind.items], entities=order[kind.entities])
        for kind in kinds_of_nearest(dataset, 10, each_relation=True)
    ]
    sizes = dict(n_users=dataset.n_users, n_items=dataset.n_items)
    matrices = [normalised(kind, dataset.n_items) for kind in kinds]
    return told_beside_interactions(dataset.train, matrices, share=dataset.share, **sizes)


if __name__ == "__main__":
    main()
