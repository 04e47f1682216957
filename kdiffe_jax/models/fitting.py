"""Fitting a closed form: its values are given, or chosen on validation."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from kdiffe_jax.config import Config, Limits
from kdiffe_jax.evaluation.eval_data import EvalData, tune
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


def fit_closed_form(
    config: Config, eval_data: EvalData, *, limits: Limits | None = None
) -> tuple[dict[str, Any], Fitted]:
    """The values of the options that the model's grid has, and the fit with them.

    Args:
      config: of a closed form. Where it is tuned, validation chooses from the grid.
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
    if tuned:
        points = grid_points(kind.grid)
        chosen = tune(lambda point: model.fit(**point, **fixed).lists, points, eval_data)
    return chosen, model.fit(**chosen, **fixed)
