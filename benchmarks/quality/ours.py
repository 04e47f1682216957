"""A model of this library, trained by its loop; and EASE, fitted at every point of its grid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jax

from benchmarks.quality.curves import METRIC, Clock, Curve, Found, Splits, by_rows, followed, scores
from benchmarks.quality.settings import Settings, config_of
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.evaluation.top_k_lists import TopKLists
from kdiffe_jax.models.fitting import grid_points
from kdiffe_jax.models.registry import model_class
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.loop import train
from kdiffe_jax.training.placement import OneDevice
from kdiffe_jax.training.setup import build_setup


class RankedApart(OneDevice):
    """One device, and a clock that stands still while it ranks."""

    def __init__(self, clock: Clock):
        super().__init__()
        self._clock = clock

    def evaluate(self, view, task, settings):
        jax.block_until_ready(view)
        with self._clock.apart():
            return super().evaluate(view, task, settings)


def trained(name: str, data: Dataset, settings: Settings, work: Path) -> Found:
    """Trains a model; the start, what it compiles and its checkpoints are counted.

    Args:
      name: as `config_of` takes it.
      data: to train on.
      settings: of all systems.
      work: an empty directory for checkpoints.
    """
    curve, clock = Curve([], []), Clock(settings.clock)
    setup = build_setup(
        data,
        config_of(name, settings),
        cache_dir=work / "cache",
        log=print,
        placement=RankedApart(clock),
    )
    with RunDirectory(work / "run", option="--out").claim(setup.config.to_flat()) as run:
        best = train(
            setup,
            run,
            on_epoch=lambda record: curve.add(clock.seconds, record["valid"][METRIC]),
            log=print,
        )
    assert best.best_epoch == curve.best
    return Found(curve, scores(by_rows(*best.view), setup.test))


def ease(data: Dataset, settings: Settings) -> Found:
    """Every lambda of the grid, one after another: a point each."""
    splits, clock = Splits.of(data), Clock(settings.clock)
    points = grid_points(model_class("ease").grid)

    def fitted() -> Iterator[TopKLists]:
        model = model_class("ease")(data.train, data.n_users, data.n_items)
        for point in points:
            yield model.fit(**point).lists

    n_points = len(points)
    curve, best = followed(fitted(), clock, splits, points=n_points, patience=n_points)
    chosen = f"lambda {points[curve.best]['regularisation']:g}"
    return Found(curve, scores(best, splits.test), chosen)
