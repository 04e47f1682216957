"""Groups of options: each field with its default, its help text and its range.

A group is a frozen dataclass of `Checked`; a set of groups is a frozen dataclass of
`Groups`, whose fields are known by flat names. `launch` turns them into flags.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any, Self

from kdiffe_jax.errors import ConfigError

# Keys of jax.random and seeds of scikit-learn are 32 bits wide.
LARGEST_SEED = 2**32 - 1


def option(default, doc: str, low=None, high=None, choices=None, above=None, traced=False):
    """Declares one field: default, help text, closed range, exclusive lower bound or choices.

    A traced option is an argument of the compiled step: one program serves all its values.
    """
    metadata = dict(doc=doc, low=low, high=high, choices=choices, above=above, traced=traced)
    return dataclasses.field(default=default, metadata=metadata)


def _check_field(field: dataclasses.Field, value: Any) -> None:
    rule = field.metadata
    where = f"{field.name} = {value!r}"
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
            _check_field(field, getattr(self, field.name))

    @classmethod
    def all_options(cls) -> dict[str, dataclasses.Field]:
        """Every field by its name, in the order of declaration."""
        return {field.name: field for field in dataclasses.fields(cls)}

    @classmethod
    def taken_from(cls, values: dict[str, Any]) -> Self:
        """The group of the values that it knows, which it takes out of `values`.

        Raises:
          ConfigError: a value out of its range.
        """
        return cls(**{name: values.pop(name) for name in cls.all_options() if name in values})

    def to_flat(self) -> dict[str, Any]:
        """Every field's value by its name."""
        return {name: getattr(self, name) for name in self.all_options()}


class Groups:
    """A set of groups whose field names are unique across groups."""

    def to_flat(self) -> dict[str, Any]:
        """All fields as one dictionary."""
        flat: dict[str, Any] = {}
        for group in dataclasses.fields(self):
            flat |= getattr(self, group.name).to_flat()
        return flat

    @classmethod
    def from_flat(cls, values: Mapping[str, Any]) -> Self:
        """Inverse of `to_flat`; missing fields take their defaults.

        Raises:
          ConfigError: a name that no group has, or a value out of its range.
        """
        left = dict(values)
        groups = {
            group.name: type(group.default).taken_from(left) for group in dataclasses.fields(cls)
        }
        for name in left:
            raise ConfigError(f"there is no option {name}{closest(name, cls.all_options())}")
        return cls(**groups)

    @classmethod
    def all_options(cls) -> dict[str, dataclasses.Field]:
        """Every field by its flat name, in the order of declaration."""
        groups = [type(group.default) for group in dataclasses.fields(cls)]
        return {name: field for g in groups for name, field in g.all_options().items()}


def closest(name: str, known: Iterable[str]) -> str:
    """What a refusal of an unknown name ends in.

    >>> closest("lightgnc", ["lightgcn", "sgl"])
    '; did you mean lightgcn?'
    >>> closest("x", ["lightgcn", "sgl"])
    ''
    """
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""
