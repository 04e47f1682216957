"""ALS and BPR of the package implicit, a few iterations at a time, over a small grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares  # type: ignore[import-not-found]
from implicit.cpu.bpr import BayesianPersonalizedRanking  # type: ignore[import-not-found]
from scipy import sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.quality.curves import Clock, Found, Splits, by_rows, followed, scores
from benchmarks.quality.settings import Settings
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.evaluation.top_k_lists import TopKLists
from kdiffe_jax.models.closed_form.interactions import interaction_matrix
from kdiffe_jax.models.fitting import grid_points

_KINDS = MappingProxyType({"als": AlternatingLeastSquares, "bpr": BayesianPersonalizedRanking})
#: what validation chooses from; the package's defaults are among them
GRIDS: Mapping[str, Mapping[str, tuple]] = MappingProxyType(
    {
        "als": {"alpha": (1.0, 10.0, 40.0, 100.0), "regularization": (0.01, 10.0, 100.0)},
        "bpr": {"learning_rate": (0.003, 0.01, 0.03), "regularization": (0.001, 0.01, 0.1)},
    }
)
ITERATIONS = MappingProxyType({"als": 1, "bpr": 5})  #: of a point


def trained(kind: str, data: Dataset, settings: Settings) -> Found:
    """Trains with each setting of the grid, and takes the one that validation has best.

    Args:
      kind: als or bpr.
      data: to train on.
      settings: d, epochs, patience, seed and threads are those of all systems.

    Returns:
      The curve of that setting alone, and the seconds of all settings.
    """
    splits, tried = Splits.of(data), []
    of = dict(points=settings.epochs, patience=settings.patience)
    for point in grid_points(GRIDS[kind]):
        told = ", ".join(f"{name} {value:g}" for name, value in point.items())
        print(f"{kind}: {told}", flush=True)
        clock = Clock(settings.clock)
        curve, lists = followed(_points(kind, point, data, settings), clock, splits, **of)
        tried.append((curve, lists, told))
    curve, lists, told = max(tried, key=lambda one: one[0].recalls[one[0].best])
    spent = sum(one[0].seconds[-1] for one in tried)
    return Found(curve, scores(lists, splits.test), told, spent)


def _points(
    kind: str, point: Mapping[str, Any], data: Dataset, settings: Settings
) -> Iterator[TopKLists]:
    interactions = interaction_matrix(data.train, data.n_users, data.n_items)
    matrix = sparse.csr_matrix(interactions.astype(np.float32))
    # One generator for all calls of fit: a seed would draw the same negatives every time.
    drawn = np.random.default_rng(settings.seed)
    of = dict(factors=settings.dim, iterations=ITERATIONS[kind], num_threads=settings.threads)
    with threadpool_limits(1, "blas"):
        model = _KINDS[kind](random_state=drawn, **of, **point)
        while True:
            model.fit(matrix, show_progress=False)
            yield by_rows(model.user_factors, model.item_factors)
