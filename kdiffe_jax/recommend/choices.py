"""What may be asked of lists."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from kdiffe_jax.errors import ConfigError

UNKNOWN = ("raise", "ignore", "popular")
SEEN: dict[bool | str, bool | str] = {
    True: True,
    False: False,
    "train": "train",
    "all": True,
    "none": False,
}


def check_choices(unknown: str, exclude_seen: bool | str, filter: Callable | None) -> None:
    """Passes if the options of `Recommender.recommend` may be given.

    Raises:
      ConfigError: one may not.
    """
    if unknown not in UNKNOWN:
        raise ConfigError(f"unknown = {unknown!r}: choose one of {', '.join(UNKNOWN)}")
    if not isinstance(exclude_seen, Hashable) or exclude_seen not in SEEN:
        raise ConfigError(f"exclude_seen = {exclude_seen!r}: choose True, 'train' or False")
    if filter is not None and not callable(filter):
        raise ConfigError(f"filter = {filter!r}: give a function that is called with an item's id")
