"""A training that begins where an earlier one ended, on data that have changed since."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.config import Config, EvalConfig, TrainConfig
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.known_ids import renumbered
from kdiffe_jax.data.plain_files import sha256
from kdiffe_jax.data.share import ALONE
from kdiffe_jax.data.tables.ids import positions
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.models.arrays import Params
from kdiffe_jax.models.registry import MODELS, is_trained
from kdiffe_jax.storage.parameters import PARAMETERS, read_parameters
from kdiffe_jax.storage.saved_model import SavedModel, read_model
from kdiffe_jax.training.saving import parameter_path
from kdiffe_jax.training.setup import TrainSetup
from kdiffe_jax.training.warm_axes import Space, Spaces, space_of, spaces_of
from kdiffe_jax.training.warm_rows import Made, rows_of_new, write_made_rows
from kdiffe_jax.training.warm_widths import Axes, axes_of_options

_FEATURES = "features_"  #: begins names of tables that start as the items' features
_MOST_OPTIONS = 4


class Earlier(NamedTuple):
    """A finished run, as another begins from it."""

    path: str  #: of its directory, for messages
    parameters: Mapping[str, np.ndarray]  #: by the path of each leaf
    model: SavedModel  #: ids, names, options and training interactions
    digest: str  #: SHA-256 of parameters.npz


def read_earlier(run_dir: str | Path) -> Earlier:
    """Reads a finished run to begin another from.

    Raises:
      RunError: no such run, an unfinished one, or a damaged file of it.
      ConfigError: its model is fitted, not trained.
    """
    model, name = read_model(run_dir), str(run_dir)
    if model.config["model"] in MODELS and not is_trained(model.config["model"]):
        raise ConfigError(
            f"{name}: {model.config['model']} is fitted, not trained: a run of it has nothing to "
            "start from; leave --warm_start out"
        )
    return Earlier(name, read_parameters(run_dir), model, sha256(Path(run_dir) / PARAMETERS))


def check_start(earlier: Earlier, dataset: Dataset, config: Config) -> None:
    """Refuses a start that cannot be, or one whose scores would not be honest.

    Args:
      earlier: the run to begin from.
      dataset: as read, whole.
      config: of the training that is to begin.

    Raises:
      ConfigError: another model, one that is fitted, or several processes.
      DataError: interactions that the earlier run trained on are to be scored.
    """
    there = earlier.model.config["model"]
    if not is_trained(config.model):
        raise ConfigError(f"{config.model} is fitted, not trained; leave --warm_start out")
    if there != config.model:
        raise ConfigError(
            f"--warm_start: {earlier.path} is a run of {there}, this one is of {config.model}; "
            f"take --model={there}"
        )
    if dataset.share != ALONE:
        raise ConfigError("--warm_start is for one process; leave --num_processes out")
    _check_not_seen(earlier, dataset)


def _check_not_seen(earlier: Earlier, dataset: Dataset) -> None:
    users = positions(earlier.model.user_ids, dataset.users_by_name())
    items = positions(earlier.model.item_ids, dataset.items_by_name())
    trained = dataset.pair_codes(renumbered(earlier.model.train, users, items))
    held_out = dataset.pair_codes(np.concatenate([dataset.valid, dataset.test]))
    seen = np.count_nonzero(np.isin(held_out, trained))
    if seen:
        raise DataError(
            f"{dataset.name}: {seen:,} of {len(held_out):,} validation and test interactions were "
            f"trained on by {earlier.path}, so scores would not be honest; prepare the new data "
            "with --earlier=DIR, the data set of that run"
        )


def warm_started(
    setup: TrainSetup,
    dataset: Dataset,
    earlier: Earlier,
    *,
    log: Callable[[str], None],
) -> TrainSetup:
    """The setup of a training that begins from an earlier one, whatever its seed.

    `check_start` has passed. Parameters that do not fit are refused when the training begins.

    Args:
      setup: of a training that would begin anew.
      dataset: that it was built of, as read.
      earlier: the run to begin from.
      log: receives one line, on what was found again and what was made of what.

    Raises:
      DataError: of the nearest items of new ones.
    """
    spaces = spaces_of(setup.dataset, earlier.model, setup.model.needs, setup.stand_ins)
    made = rows_of_new(setup, dataset, earlier.model, spaces)
    hint = _differing_options(earlier, setup.config)
    start = partial(
        warm_parameters,
        earlier=earlier,
        spaces=spaces,
        made=made,
        widths=axes_of_options(setup, spaces),
        hint=hint,
    )
    log(_in_words(earlier, spaces, made))
    return setup._replace(start=start)


def warm_parameters(
    fresh: Params,
    *,
    earlier: Earlier,
    spaces: Spaces,
    made: Made,
    widths: Axes = frozenset(),
    hint: str = "",
) -> Params:
    """Fresh parameters with the rows and columns that an earlier training had in their place.

    New users and items have made rows on the first axis, but in tables that start as the items'
    features. All else that is new stays as it is.

    Args:
      fresh: a pytree of arrays.
      earlier: the run to begin from.
      spaces: what an axis may number.
      made: the rows of what is new.
      widths: path and number of axes that are of nothing, whatever their length.
      hint: what a refusal of a shape ends in.

    Raises:
      ConfigError: a parameter that only one of both has, or of a shape that does not fit.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(fresh)
    here = {parameter_path(path): leaf for path, leaf in leaves}
    for name in sorted(here.keys() ^ earlier.parameters.keys()):
        which = "has no" if name in here else "has a"
        raise ConfigError(
            f"--warm_start: {earlier.path} {which} parameter {name}, unlike this training{hint}"
        )
    warm = []
    for name, leaf in here.items():
        there = earlier.parameters[name]
        try:
            axes = _axes(name, there.shape, leaf.shape, spaces, widths)
        except ConfigError as error:
            raise ConfigError(
                f"--warm_start: the parameter {name} is {there.shape} in {earlier.path} and "
                f"{leaf.shape} here: {error}{hint}"
            ) from error
        rows = _warm(np.array(leaf), there, axes)
        if axes and axes[0] is not None and not name.split("/")[-1].startswith(_FEATURES):
            write_made_rows(rows, axes[0], spaces, made)
        warm.append(jnp.array(rows, leaf.dtype, copy=True))
    return jax.tree_util.tree_unflatten(structure, warm)


def _axes(
    name: str, there: tuple[int, ...], here: tuple[int, ...], spaces: Spaces, widths: Axes
) -> list[Space | None]:
    if len(there) != len(here):
        raise ConfigError("they have another number of axes")
    return [
        None if (name, axis) in widths else space_of(name, *ends, spaces.of_axes)
        for axis, ends in enumerate(zip(there, here, strict=True))
    ]


def _warm(rows: np.ndarray, there: np.ndarray, axes: list[Space | None]) -> np.ndarray:
    """The rows with what is known of every axis in its place."""
    if not any(axes):
        return there
    own, of = [], []
    for axis, size in zip(axes, there.shape, strict=True):
        own.append(np.arange(size) if axis is None else np.flatnonzero(~axis.new))
        of.append(own[-1] if axis is None else axis.places[~axis.new])
    rows[np.ix_(*own)] = there[np.ix_(*of)]
    return rows


def _in_words(earlier: Earlier, spaces: Spaces, made: Made) -> str:
    named = {"users": spaces.users, "items": spaces.items}
    if any(space is spaces.entities for space in spaces.of_axes):
        named |= {"entities": spaces.entities, "relations": spaces.relations}
    known = ", ".join(
        f"{np.count_nonzero(~space.new):,} of {len(space.new):,} {name}"
        for name, space in named.items()
    )
    line = f"warm start from {earlier.path}: {known} are known"
    ways = {"users": (made.users, "their items' users"), "items": (made.items, "the nearest items")}
    for name, (of_new, what) in ways.items():
        if n_new := np.count_nonzero(named[name].new):
            n_made = len(of_new.numbers)
            line += f"; of {n_new:,} new {name} {n_made:,} begin as the mean of {what}"
    return line


def _differing_options(earlier: Earlier, config: Config) -> str:
    """The options with other values that may change a shape, as the end of a sentence."""
    without = {*TrainConfig.all_options(), *EvalConfig.all_options(), *config.traced()}
    there = earlier.model.config
    differ = [
        f"{name} ({there[name]!r} there, {value!r} here)"
        for name, value in config.to_flat().items()
        if name not in without and name in there and there[name] != value
    ]
    if not differ:
        return "; its inputs are others, such as features of another width"
    return f"; options that differ: {', '.join(differ[:_MOST_OPTIONS])}"
