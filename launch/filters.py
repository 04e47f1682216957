"""--filter: limits for one relation, in place of those for all."""

from __future__ import annotations

import dataclasses
from typing import Any

from absl import flags

from kdiffe_jax.data.settings import FilterSettings
from kdiffe_jax.errors import ConfigError

DROP = "drop"
_KINDS: dict[str, type[Any]] = {
    name: type(field.default) for name, field in FilterSettings.all_options().items()
}
_EXAMPLE = "--filter=title:min_entity_items=5,entities_per_item=8 or --filter=title:drop"


def define_filters(values: flags.FlagValues) -> None:
    """Registers --filter."""
    flags.DEFINE_multi_string(
        "filter",
        [],
        f"limits of one relation: RELATION:OPTION=VALUE,..., or RELATION:{DROP}",
        flag_values=values,
    )


def filters_of(
    values: flags.FlagValues, defaults: FilterSettings
) -> dict[str, FilterSettings | None]:
    """Relation -> its limits, None where it is to be dropped.

    Raises:
      ConfigError: a flag that is not written so, an unknown option, a value out of range.
    """
    filters: dict[str, FilterSettings | None] = {}
    for text in values["filter"].value:
        relation, colon, rules = text.rpartition(":")
        if not colon or not relation or not rules:
            raise ConfigError(f"--filter={text}: write {_EXAMPLE}")
        if rules == DROP:
            filters[relation] = None
        else:
            changes = dict(_rule(text, rule) for rule in rules.split(","))
            filters[relation] = dataclasses.replace(defaults, **changes)
    return filters


def _rule(text: str, rule: str) -> tuple[str, Any]:
    name, _, value = (part.strip() for part in rule.partition("="))
    if name not in _KINDS:
        raise ConfigError(f"--filter={text}: {name!r} is none of {', '.join(_KINDS)}")
    try:
        return name, _KINDS[name](value)
    except ValueError:
        wanted = _KINDS[name].__name__
        raise ConfigError(f"--filter={text}: {name}={value!r}: expected {wanted}") from None
