"""From a run's config.json back to its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kdiffe_jax.config import Config
from kdiffe_jax.models.registry import make_config, options_of


def stored_config(
    stored: Mapping[str, Any], values: Mapping[str, Any] = MappingProxyType({})
) -> Config:
    """The configuration of a run, with other values of some options.

    Args:
      stored: its config.json; what is no option of its model, such as its data, is left out.
      values: of options, by name.

    Raises:
      ConfigError: a value that is no option of the model, or out of its range.

    >>> stored_config({"model": "lightgcn", "layers": 2, "dataset": "baby"}).options.layers
    2
    """
    known = {"model", *options_of(stored["model"])}
    own = {name: value for name, value in stored.items() if name in known}
    return make_config(own | dict(values))
