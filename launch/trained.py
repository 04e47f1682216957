"""What the commands that use a finished run share."""

from __future__ import annotations

import csv
from collections.abc import Container
from pathlib import Path

from absl import flags as absl_flags

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.training.compiled_programs import keep_compiled
from launch import flags


def define(values: absl_flags.FlagValues) -> None:
    """Registers the flags that say which run, and how mistakes are shown."""
    common = dict(flag_values=values)
    absl_flags.DEFINE_string("workdir", None, "run directory of a finished run", **common)
    absl_flags.DEFINE_string(
        "cache_dir", None, "where compiled programs are kept [as in training]", **common
    )
    absl_flags.DEFINE_bool("debug", False, "show the traceback of an error", **common)


def load(values: absl_flags.FlagValues) -> Recommender:
    """The model of the run that the flags name.

    Raises:
      ConfigError: none is named.
      RunError: see `Recommender.load`.
    """
    needed(values, "workdir")
    recommender = Recommender.load(values.workdir)
    keep_compiled(flags.cache_dir(values))
    return recommender


def needed(values: absl_flags.FlagValues, *names: str) -> None:
    """Refuses a command line without one of these flags.

    Raises:
      ConfigError: the first that is missing.
    """
    for name in names:
        if values[name].value is None:
            raise ConfigError(f"--{name} is needed; see --help")


def ids_in(file: str, known: Container[str]) -> list[str]:
    """The ids in a file, one a line; lines of blanks alone are skipped.

    Blanks around an id belong to it only where an id with them is known.

    Raises:
      ConfigError: the file cannot be read, or has no id.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigError(f"{file}: {reason}; one id a line is expected") from error
    found = [as_known(line, known) for line in lines if line.strip()]
    if not found:
        raise ConfigError(f"{file}: no id; one id a line is expected")
    return found


def ids_of(text: str, known: Container[str], *, flag: str) -> list[str]:
    """The ids of a flag, with commas between; an id with a comma stands in double quotes.

    Raises:
      ConfigError: a quotation mark is not closed.
    """
    try:
        (ids,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError) as error:
        raise ConfigError(f"--{flag}={text}: {error}") from error
    return [as_known(own, known) for own in ids]


def as_known(text: str, known: Container[str]) -> str:
    """An id as it stands where it is known so, else without the blanks around it."""
    return text if text in known else text.strip()
