"""Which axes of parameters are as wide as an option says, whatever the data are."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import numpy as np

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.base import Model
from kdiffe_jax.models.registry import build_model, changed
from kdiffe_jax.training.saving import parameter_path
from kdiffe_jax.training.setup import TrainSetup
from kdiffe_jax.training.warm_axes import Spaces

Axes = frozenset[tuple[str, int]]


def axes_of_options(setup: TrainSetup, spaces: Spaces) -> Axes:
    """Path and number of the axes that no data have made, where the length leaves it open.

    With 64 columns and 64 items an axis of 64 may be of either. The parameters of the model with
    128 columns tell them apart; only their shapes are made.

    Args:
      setup: of the training that is to begin.
      spaces: what an axis may number; nothing is asked where none was put in another order.
    """
    in_another_order = {
        len(space.places)
        for space in spaces.of_axes
        if not space.same and space.n_there == len(space.places)
    }
    if not in_another_order:
        return frozenset()
    shapes = _shapes(setup, setup.model)
    open_axes = {
        (path, axis)
        for path, shape in shapes.items()
        for axis, length in enumerate(shape)
        if length in in_another_order
    }
    found: set[tuple[str, int]] = set()
    for model in _wider(setup) if open_axes else ():
        others = _shapes(setup, model)
        found |= {(p, a) for p, a in open_axes if p in others and others[p][a] != shapes[p][a]}
    return frozenset(found)


def _wider(setup: TrainSetup) -> Iterator[Model]:
    """The model with each of its own whole numbers doubled, where it may be."""
    config = setup.config
    for part in (config.options, config.embedding):
        for name in part.all_options():
            value = getattr(part, name)
            if isinstance(value, bool) or not isinstance(value, int) or not value:
                continue
            try:
                yield build_model(changed(config, {name: 2 * value}), setup.model.sizes)
            except ConfigError:
                continue


def _shapes(setup: TrainSetup, model: Model) -> dict[str, tuple[int, ...]]:
    try:
        made = jax.eval_shape(model.init, jax.random.key(0), setup.inputs)
    except (TypeError, ValueError):  # of inputs that were made for another number
        return {}
    leaves = jax.tree_util.tree_leaves_with_path(made)
    return {parameter_path(path): tuple(np.shape(leaf)) for path, leaf in leaves}
