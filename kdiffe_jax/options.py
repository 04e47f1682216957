"""Groups of options: each field with its default, its help text and its range.

A group is a frozen dataclass of `Checked`; a set of groups is a frozen dataclass of
`Groups`, whose fields are known by flat names. `launch` turns them into flags.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Self

from kdiffe_jax.errors import ConfigError

# Keys of jax.random and seeds of scikit-learn are 32 bits wide.
LARGEST_SEED = 2**32 - 1


def option(default, doc: str, low=None, high=None, choices=None, above=None):
    """Declares one field: default, help text, closed range, exclusive lower bound or choices."""
    metadata = dict(doc=doc, low=low, high=high, choices=choices, above=above)
    return dataclasses.field(default=default, metadata=metadata)


def _check_field(group: str, field: dataclasses.Field, value: Any) -> None:
    rule = field.metadata
    where = f"{group}.{field.name} = {value!r}"
    wanted = type(field.default)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not wanted:
        raise ConfigError(f"{where}: expected {wanted.__name__}")
    if wanted is float and not math.isfinite(value):
        raise ConfigError(f"{where}: must be finite")
    if rule["choices"] and value not in rule["choices"]:
        raise ConfigError(f"{where}: choose one of {', '.join(rule['choices'])}")
    if rule["above"] is not None and not value > rule["above"]:
        raise ConfigError(f"{where}: must be greater than {rule['above']}")
    if rule["low"] is not None and not value >= rule["low"]:
        raise ConfigError(f"{where}: must be at least {rule['low']}")
    if rule["high"] is not None and not value <= rule["high"]:
        raise ConfigError(f"{where}: must be at most {rule['high']}")


class Checked:
    """A group: every field is checked against its declaration.

    Raises:
      ConfigError: on construction, a value of another type or outside its range.
    """

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check_field(type(self).__name__, field, getattr(self, field.name))

    @classmethod
    def all_options(cls) -> dict[str, dataclasses.Field]:
        """Every field by its name, in the order of declaration."""
        return {field.name: field for field in dataclasses.fields(cls)}


class Groups:
    """A set of groups whose field names are unique across groups."""

    def to_flat(self) -> dict[str, Any]:
        """All fields as one dictionary."""
        return {
            field.name: getattr(group, field.name)
            for group in (getattr(self, g.name) for g in dataclasses.fields(self))
            for field in dataclasses.fields(group)
        }

    @classmethod
    def from_flat(cls, values: dict[str, Any]) -> Self:
        """Inverse of `to_flat`; missing fields take their defaults.

        Raises:
          ConfigError: a name that no group has, or a value out of its range.
        """
        values = dict(values)
        groups = {}
        for group in dataclasses.fields(cls):
            kind = type(group.default)
            names = [f.name for f in dataclasses.fields(kind) if f.name in values]
            groups[group.name] = kind(**{name: values.pop(name) for name in names})
        if values:
            raise ConfigError(f"unknown hyper-parameter(s): {', '.join(sorted(values))}")
        return cls(**groups)

    @classmethod
    def all_options(cls) -> dict[str, dataclasses.Field]:
        """Every field by its flat name, in the order of declaration."""
        groups = [type(group.default) for group in dataclasses.fields(cls)]
        return {name: field for g in groups for name, field in g.all_options().items()}
