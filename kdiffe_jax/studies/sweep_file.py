"""The description of a sweep: which hyper-parameters, which values, which method."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kdiffe_jax.config import Config
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.idle_options import why_idle
from kdiffe_jax.models.registry import changed, is_trained, model_class, options_of
from kdiffe_jax.options import closest

_KEYS = {"method", "trials", "seed", "pruning", "parameters"}
_RANGE_KEYS = {"low", "high", "log"}
_PRUNING_KEYS = {"after_trials", "after_epochs"}
_OUTSIDE = (
    "selection", "selection_metric", "score_test", "eval_users", "eval_block", "mask_valid",
    "num_seeds", "ensemble",
)  # fmt: skip


class Range(NamedTuple):
    """All values from low to high, ends included."""

    low: float
    high: float
    log: bool


class Pruning(NamedTuple):
    """From which trial and which epoch on a trial may be ended early."""

    after_trials: int
    after_epochs: int


class Sweep(NamedTuple):
    """A validated description."""

    method: str
    trials: int
    seed: int
    pruning: Pruning | None
    parameters: dict[str, tuple[Any, ...] | Range]


def read_sweep(path: str | Path, base: Config) -> Sweep:
    """Reads a description in TOML, or in JSON where the name ends in .json.

    Args:
      base: what all trials share; its model says which options there are.

    Raises:
      ConfigError: a file that cannot be read, or says what no sweep can do.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ConfigError(f"{path}: not readable as a sweep: {reason}") from error
    try:
        return _sweep(content, base)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def own_grid(base: Config, given: Collection[str] = ()) -> Sweep:
    """Every combination of the values of `Model.grid`, of options that change anything.

    Args:
      base: what all trials share.
      given: options that are not varied.

    Raises:
      ConfigError: the model has none, or nothing of it is left.
    """
    grid = model_class(base.model).grid if is_trained(base.model) else {}
    if not grid:
        raise ConfigError(
            f"{base.model} has no grid of its own; --sweep=FILE says what is tried, see "
            "docs/studies.md"
        )
    left = grid.keys() - given
    left -= why_idle(base, varied=left).keys()
    parameters = {name: list(values) for name, values in grid.items() if name in left}
    if not parameters:
        raise ConfigError(
            f"{', '.join(grid)}: all that the grid of {base.model} varies is given, or changes "
            "nothing beside it; leave one out"
        )
    return _sweep({"method": "grid", "parameters": parameters}, base)


def _sweep(content: Any, base: Config) -> Sweep:
    _check_keys(content, _KEYS, "the sweep")
    method = content.get("method")
    if method not in ("grid", "tpe"):
        raise ConfigError(f"method = {method!r}: choose grid or tpe")
    parameters = content.get("parameters")
    if not isinstance(parameters, dict) or not parameters:
        raise ConfigError("parameters: a table of hyper-parameters and their values is needed")
    parameters = {n: _parameter(n, values, base) for n, values in parameters.items()}
    if method == "grid":
        trials = _grid_size(content, parameters)
    else:
        trials = _whole(content, "trials", low=1)
    pruning = content.get("pruning")
    if pruning is not None:
        _check_keys(pruning, _PRUNING_KEYS, "pruning")
        pruning = Pruning(*(_whole(pruning, name, low=1) for name in Pruning._fields))
    seed = _whole(content, "seed", low=0) if "seed" in content else 0
    return Sweep(method, trials, seed, pruning, parameters)


def _grid_size(content: Mapping[str, Any], parameters: Mapping[str, Any]) -> int:
    if "trials" in content:
        raise ConfigError("trials: a grid has as many as its values make; leave it out")
    size = 1
    for name, values in parameters.items():
        if isinstance(values, Range):
            raise ConfigError(f"parameters.{name}: a grid needs a list of values, not a range")
        size *= len(values)
    return size


def _parameter(name: str, values: Any, base: Config) -> tuple[Any, ...] | Range:
    options = options_of(base.model)
    if name not in options:
        raise ConfigError(f"parameters.{name}: no option of {base.model}{closest(name, options)}")
    if name in _OUTSIDE:
        raise ConfigError(f"parameters.{name}: says how trials are scored, and cannot vary")
    kind = type(options[name].default)
    if isinstance(values, list) and values:
        values = tuple(_cast(kind, value) for value in values)
        if len(set(map(repr, values))) < len(values):
            raise ConfigError(f"parameters.{name}: a value stands there twice")
    elif isinstance(values, dict) and kind in (int, float):
        values = _range(name, values, kind)
    else:
        ranges = " or {low = ..., high = ...}" if kind in (int, float) else ""
        raise ConfigError(f"parameters.{name} = {values!r}: expected a list of values{ranges}")
    for value in (values.low, values.high) if isinstance(values, Range) else values:
        changed(base, {name: value})
    return values


def _range(name: str, values: dict[str, Any], kind: type) -> Range:
    _check_keys(values, _RANGE_KEYS, f"parameters.{name}")
    ends = [_cast(kind, values.get(end)) for end in ("low", "high")]
    if not all(type(end) is kind for end in ends) or not ends[0] < ends[1]:
        raise ConfigError(f"parameters.{name}: low and high are needed, low below high")
    log = values.get("log", False)
    if type(log) is not bool or (log and ends[0] <= 0):
        raise ConfigError(f"parameters.{name}.log: true or false, and true only above 0")
    return Range(*ends, log)


def _cast(kind: type, value: Any) -> Any:
    """A whole number where a float is meant."""
    return float(value) if kind is float and type(value) is int else value


def _whole(table: Mapping[str, Any], name: str, *, low: int) -> int:
    value = table.get(name)
    if type(value) is not int or value < low:
        raise ConfigError(f"{name} = {value!r}: a whole number of at least {low} is needed")
    return value


def _check_keys(table: Any, known: set[str], where: str) -> None:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: expected a table of {', '.join(sorted(known))}")
    unknown = sorted(table.keys() - known)
    if unknown:
        known_keys = ", ".join(sorted(known))
        raise ConfigError(f"{where}: unknown key {unknown[0]!r}; there are {known_keys}")
