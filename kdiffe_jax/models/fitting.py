"""Fitting a closed form: its values are given, or chosen on validation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from kdiffe_jax.config import Config, Limits
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.models.closed_form.base import Fitted
from kdiffe_jax.models.registry import model_class


def grid_points(grid: Mapping[str, tuple]) -> list[dict[str, Any]]:
    """All combinations of a grid, the last option moving fastest.

    >>> grid_points({"alpha": (0.2, 0.4), "prune": ("source",)})
    [{'alpha': 0.2, 'prune': 'source'}, {'alpha': 0.4, 'prune': 'source'}]
    >>> grid_points({})
    [{}]
    """
    return [dict(zip(grid, point, strict=True)) for point in itertools.product(*grid.values())]


def climbed(
    grid: Mapping[str, tuple], start: Mapping[str, Any], score_at: Callable[[dict[str, Any]], float]
) -> dict[str, Any]:
    """A point of a grid that no neighbour beats: coordinate ascent, option after option.

    Neighbours differ in one option, by one place in the order of its values. Of equal points the
    one that was reached first stays.

    Args:
      grid: option -> its values, in order.
      start: a point of the grid.
      score_at: a point -> its score; called once a point, and never where there are no neighbours.

    >>> scores = {(0, 0): 0.1, (1, 0): 0.3, (2, 0): 0.2, (0, 1): 0.0, (1, 1): 0.2}
    >>> climbed({"a": (0, 1, 2), "b": (0, 1)}, {"a": 0, "b": 0}, lambda p: scores[p["a"], p["b"]])
    {'a': 1, 'b': 0}
    """
    scores: dict[tuple, float] = {}

    def score(point: dict[str, Any]) -> float:
        key = tuple(point.values())
        if key not in scores:
            scores[key] = score_at(point)
        return scores[key]

    best = {name: start[name] for name in grid}
    improved = True
    while improved:
        improved = False
        for name, step in itertools.product(grid, (1, -1)):
            while (near := _beside(grid, best, name, step)) and score(best) < score(near):
                best, improved = near, True
    return best


def _beside(
    grid: Mapping[str, tuple], point: dict[str, Any], name: str, step: int
) -> dict[str, Any] | None:
    values = grid[name]
    place = values.index(point[name]) + step
    return {**point, name: values[place]} if 0 <= place < len(values) else None


def fit_closed_form(
    config: Config, eval_data: EvalData, *, limits: Limits | None = None
) -> tuple[dict[str, Any], Fitted]:
    """The values of the options that the model's grid has, and the fit with them.

    Args:
      config: of a closed form. Where it is tuned, validation chooses from the grid, `climbed` from
        the options' defaults.
      eval_data: interactions, and how to choose.
      limits: what a fit may use; None where that was asked before.

    Raises:
      ConfigError: the catalogue is too large, or values have no fit on these interactions.
    """
    kind = model_class(config.model)
    sizes = (eval_data.n_users, eval_data.n_items)
    model = kind(eval_data.train, *sizes, eval_block=eval_data.eval.eval_block)
    if limits is not None:
        model.check(limits)
    fixed = config.options.to_flat()
    tuned = fixed.pop("tuned", False)
    chosen = {name: fixed.pop(name) for name in kind.grid}
    if not tuned:
        return chosen, model.fit(**chosen, **fixed)
    best: list[tuple[float, Fitted]] = []

    def score_at(point: dict[str, Any]) -> float:
        fitted = model.fit(**point, **fixed)
        score = eval_data.selection_score(fitted.lists)
        if not best or score > best[0][0]:
            best[:] = [(score, fitted)]
        return score

    chosen = climbed(kind.grid, chosen, score_at)
    return chosen, best[0][1] if best else model.fit(**chosen, **fixed)
