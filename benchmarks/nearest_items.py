"""Nearest items by shared entities and by features: what a search takes, and what it finds.

    python -m benchmarks.nearest_items [--sizes=5000,20000,100000,1000000] [--most_pairs=3e8]

Items have eight triples of benchmarks/large_graphs.py, and 64 features about 500 centres. Up to
`--exact_to` items the search that looks at all pairs is beside those that do not.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from benchmarks.ceilings import describe_machine
from benchmarks.large.tables import ENTITIES, triples_of
from kdiffe_jax.data.content.neighbours import feature_neighbours
from kdiffe_jax.data.content.shared_entities import MOST_PAIRS, neighbours_by_entities
from kdiffe_jax.data.relation import Relation

NEAREST = 10


def main() -> int:
    options = _options()
    print(", ".join(f"{name} {value}" for name, value in describe_machine().items()), end="\n\n")
    print("| items | pairs looked at | core s | found | of their cosines |\n|---|---|---|---|---|")
    for size in options.sizes:
        all_pairs, limits = None, [options.most_pairs]
        if size <= options.exact_to:
            all_pairs, seconds = searched(size, np.inf)
            print(f"| {size:,} | all | {seconds:.1f} | 1 | 1 |", flush=True)
            limits = [1e6, 1e5, 0.0]
        for most in limits:
            near, seconds = searched(size, most)
            found = "| | |" if all_pairs is None else _share(near, all_pairs)
            print(f"| {size:,} | {most:.0e} | {seconds:.1f} {found}", flush=True)
    print("\n| items, by features | compared | core s | found | of their cosines |")
    print("|---|---|---|---|---|")
    for size in options.sizes:
        all_pairs = None
        if size <= options.exact_to:
            all_pairs, seconds = by_features(size, np.inf)
            print(f"| {size:,} | all | {seconds:.1f} | 1 | 1 |", flush=True)
        near, seconds = by_features(size, 0)
        found = "| | |" if all_pairs is None else _share(near, all_pairs)
        print(f"| {size:,} | cells | {seconds:.1f} {found}", flush=True)
    return 0


def searched(size: int, most_pairs: float) -> tuple[Relation, float]:
    """The nearest items, and the core seconds that finding them took."""
    triples = triples_of(size)
    sizes = dict(n_items=size, n_entities=ENTITIES)
    begun = time.process_time()
    near = neighbours_by_entities(triples, NEAREST, **sizes, most_pairs=most_pairs)
    return near, time.process_time() - begun


def by_features(size: int, most_products: float) -> tuple[Relation, float]:
    """The nearest items, and the core seconds that finding them took."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(500, 64)).astype(np.float32)
    rows = centres[rng.integers(0, 500, size)] + 0.9 * rng.normal(size=(size, 64))
    begun = time.process_time()
    near = feature_neighbours("features", rows, NEAREST, most_products=most_products)
    return near, time.process_time() - begun


def _share(near: Relation, all_pairs: Relation) -> str:
    """How many are as near as one of the nearest, and the sum of the cosines over theirs."""
    assert near.weights is not None and all_pairs.weights is not None
    least = np.full(int(all_pairs.items.max()) + 1, np.inf)
    np.minimum.at(least, all_pairs.items, all_pairs.weights)
    found = np.count_nonzero(near.weights >= least[near.items] - 1e-6) / len(all_pairs.items)
    return f"| {found:.2f} | {near.weights.sum() / all_pairs.weights.sum():.2f} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = (5_000, 20_000, 100_000, 1_000_000)
    parser.add_argument("--sizes", type=lambda text: [*map(int, text.split(","))], default=sizes)
    parser.add_argument("--most_pairs", type=float, default=MOST_PAIRS)
    parser.add_argument("--exact_to", type=int, default=20_000)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
