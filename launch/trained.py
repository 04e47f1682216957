"""What the commands that use a finished run share."""

from __future__ import annotations

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


def read_ids(file: str) -> list[str]:
    """The ids in a file, one a line; empty lines are skipped.

    Raises:
      ConfigError: the file cannot be read.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigError(f"{file}: {reason}; one id a line is expected") from error
    return [line.strip() for line in lines if line.strip()]
