"""The plan of the study of models: what tunes each of them, and what is reported.

A trained model has two columns: as its authors published it, and with the training that all
models share here. Both have the same budget. Validation alone chooses, over seeds that are not
those of the reported runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.config import Config
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.fitting import grid_points
from kdiffe_jax.models.registry import (
    changed,
    is_trained,
    make_config,
    model_class,
    options_of,
    preset,
)
from kdiffe_jax.studies.tables import value_text

#: column -> the preset that it begins from, and what all models have in place of its values
COLUMNS: Mapping[str, tuple[str, dict[str, Any]]] = MappingProxyType(
    {"published": ("paper", {"dim": 64}), "ours": ("best", {})}
)
FITTED = "fitted"  #: the one column of a closed form, which chooses from its grid as it is fitted
PATIENCE, POINTS = 20, 12
SEEDS, TUNING_SEEDS = 5, 3
_TO_TUNING = 1000


class Setting(NamedTuple):
    """One row of the table: a model in a column, and the points that validation chooses from."""

    model: str
    column: str
    config: Config
    points: tuple[dict[str, Any], ...]  #: values of options; the first are those of `config`

    @property
    def name(self) -> str:
        """As the table calls it."""
        return f"{self.model}, {self.column}" if self.is_trained else self.model

    @property
    def directory(self) -> str:
        """Where its runs are, below that of the study."""
        return f"{self.model}/{self.column}"

    @property
    def is_trained(self) -> bool:
        """Whether it has seeds; a closed form has none."""
        return self.column != FITTED

    @property
    def is_tuned(self) -> bool:
        """Whether there are several points, so that runs must tell which is the best."""
        return len(self.points) > 1

    def tuning(self, point: int, seed: int) -> Config:
        """A run that helps to choose; the test split is not scored."""
        values = self.points[point] | {"seed": seed, "score_test": False}
        return changed(self.config, values)

    def reported(self, point: int, seed: int) -> Config:
        """A run of the chosen point."""
        values = self.points[point] | ({"seed": seed} if self.is_trained else {})
        return changed(self.config, values)

    def shown(self, point: int) -> str:
        """The values of a point in words."""
        return ", ".join(f"{name} {value_text(v)}" for name, v in self.points[point].items())


def plan_models(
    models: Sequence[str],
    columns: Sequence[str],
    given: Mapping[str, Any],
    *,
    content: bool,
    points: int = POINTS,
) -> list[Setting]:
    """The rows of the table.

    Args:
      models: by name; each counts once.
      columns: of `COLUMNS`.
      given: shared options that all models have that know them, in place of the presets' values.
      content: whether the data know more of items than interactions.
      points: of a model's grid, at most.

    Raises:
      ConfigError: no such model or column, or a value out of its range.
    """
    for column in columns:
        if column not in COLUMNS:
            raise ConfigError(f"columns = {column!r}: choose among {', '.join(COLUMNS)}")
    return [
        setting_of(model, column, given, content=content, points=points)
        for model in dict.fromkeys(models)
        for column in (dict.fromkeys(columns) if is_trained(model) else [FITTED])
    ]


def setting_of(
    model: str, column: str, given: Mapping[str, Any], *, content: bool, points: int = POINTS
) -> Setting:
    """One row: preset, budget and what is given; then the points of the model's grid.

    An option that is given is not varied. The preset's own values come first; with one point
    they are all.

    >>> lightgcn = setting_of("lightgcn", "published", {}, content=False)
    >>> lightgcn.points[0], len(lightgcn.points)
    ({'layers': 3, 'weight_decay': 0.0001}, 6)
    """
    known = options_of(model)
    given = {name: value for name, value in given.items() if name in known}
    if column == FITTED:
        return Setting(model, column, make_config({"model": model, **given}), ({},))
    name, instead = COLUMNS[column]
    values = {"model": model, **preset(name, model, content=content), **instead}
    config = make_config(values)
    config = changed(config, {"patience": max(PATIENCE, config.train.patience)} | given)
    grid = {name: of for name, of in model_class(model).grid.items() if name not in given}
    own = {name: config.to_flat()[name] for name in grid}
    others = [point for point in grid_points(grid) if point != own]
    return Setting(model, column, config, (own, *others[: points - 1]))


def tuning_seeds(first: int, count: int) -> range:
    """The seeds of the runs that choose, none of them among those that are reported.

    Args:
      first: of the reported seeds.
      count: how many.
    """
    return range(first + _TO_TUNING, first + _TO_TUNING + count)


def best_point(scores: Sequence[Sequence[float | None]]) -> int | None:
    """The point of the highest mean validation score, the first of equals.

    Args:
      scores: of each point, one a seed; None of a run whose loss was not finite, which takes its
        point out.

    Returns:
      None where every point is out.

    >>> best_point([[0.1, 0.2], [0.3, 0.1], [0.9, None]]), best_point([[None]])
    (1, None)
    """
    means = {n: float(np.mean(own)) for n, own in enumerate(scores) if None not in own}
    return max(means, key=lambda n: (means[n], -n), default=None)
