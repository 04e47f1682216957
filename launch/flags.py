"""Command-line flags -> one typed `Config`.

Every field of `kdiffe_jax.config` is a flag of the same name; the few others say
where things are. Flags are parsed here, once; the library never sees them.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.presets import PRESETS
from kdiffe_jax.training.memory import Limits
from kdiffe_jax.variants import VARIANTS
from launch import flag_files, processes

SYNTHETIC = "synthetic"
_PLANTED = "planted_"


def define(values: flags.FlagValues = flags.FLAGS) -> None:
    """Registers every flag of the commands."""
    common = dict(flag_values=values)
    flags.DEFINE_string(
        "dataset", SYNTHETIC, "name of the data set; synthetic is embedded", **common
    )
    flags.DEFINE_string(
        "data_dir", None, "its directory [$KDIFFE_DATA/<dataset>, or datasets/<dataset>]", **common
    )
    flags.DEFINE_string(
        "workdir",
        None,
        "run directory [runs/<dataset>-seed<seed>, or -seeds<first>-<last> for several]",
        **common,
    )
    flags.DEFINE_string(
        "cache_dir",
        None,
        "where S and baselines are kept [$KDIFFE_CACHE, or ~/.cache/kdiffe_jax]",
        **common,
    )
    flags.DEFINE_enum("mode", "train", ["train", "evaluate"], "train, or score a run", **common)
    flags.DEFINE_enum(
        "preset", "paper", list(PRESETS), "values of all flags that are not given", **common
    )
    flags.DEFINE_enum(
        "variant", "full", list(VARIANTS), "a named change, wins over other flags", **common
    )
    flags.DEFINE_string(
        "profile", None, "trace a few epochs into this directory, and say where they go", **common
    )
    flags.DEFINE_bool(
        "tensorboard", False, "write every epoch below <workdir>/tensorboard as well", **common
    )
    flags.DEFINE_string(
        "mesh", None, "train on all devices as this grid, such as data:4,model:2", **common
    )
    processes.define(values)
    flags.DEFINE_bool("debug", False, "show the traceback of an error", **common)
    flags.DEFINE_integer(
        "planted_seed", 0, "seed of the embedded data set", lower_bound=0, **common
    )
    for field in dataclasses.fields(PlantedSizes):
        _define_field(f"{_PLANTED}{field.name}", field.default, "embedded data set", None, common)
    define_options(Config.all_options(), values)
    define_options(BaselineSettings.all_options(), values)
    define_options(Limits.all_options(), values)


def define_options(
    options: Mapping[str, dataclasses.Field], values: flags.FlagValues = flags.FLAGS
) -> None:
    """Registers a flag for each option, with its default, help text and choices."""
    for name, field in options.items():
        rule = field.metadata
        _define_field(name, field.default, rule["doc"], rule["choices"], dict(flag_values=values))


def _define_field(name: str, default: Any, doc: str, choices, common: dict) -> None:
    if choices:
        flags.DEFINE_enum(name, default, choices, doc, **common)
    elif isinstance(default, bool):
        flags.DEFINE_bool(name, default, doc, **common)
    elif isinstance(default, int):
        flags.DEFINE_integer(name, default, doc, **common)
    elif isinstance(default, float):
        flags.DEFINE_float(name, default, doc, **common)
    else:
        flags.DEFINE_string(name, default, doc, **common)


def parse(argv: Sequence[str], values: flags.FlagValues = flags.FLAGS) -> None:
    """Parses a command line.

    Raises:
      ConfigError: an unknown flag, a value that does not parse, a stray argument or an
        unreadable flag file.
    """
    try:
        rest = values(flag_files.found(argv))
    except (flags.Error, OSError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(str(error).splitlines()[0].removeprefix("ERROR:: ")) from error
    if len(rest) > 1:
        raise ConfigError(f"{rest[1]!r} is not a flag; flags look like --epochs=10")


def config(values: flags.FlagValues = flags.FLAGS) -> Config:
    """The hyper-parameters on the command line: variant over flags over preset over defaults.

    Raises:
      ConfigError: a value out of its range.
    """
    given = {name: values[name].value for name in Config.all_options() if values[name].present}
    return Config.from_flat({**PRESETS[values.preset], **given, **VARIANTS[values.variant]})


def baselines(values: flags.FlagValues = flags.FLAGS) -> BaselineSettings:
    """The baselines on the command line; no part of a run's configuration.

    Raises:
      ConfigError: an unknown baseline, or a limit out of its range.
    """
    return BaselineSettings(**{name: values[name].value for name in BaselineSettings.all_options()})


def limits(values: flags.FlagValues = flags.FLAGS) -> Limits:
    """What the training may use; no part of a run's configuration.

    Raises:
      ConfigError: a limit out of its range.
    """
    return Limits(**{name: values[name].value for name in Limits.all_options()})


def data_identity(values: flags.FlagValues = flags.FLAGS) -> dict[str, Any]:
    """The flags that say which data: part of a run's configuration."""
    identity: dict[str, Any] = {"dataset": values.dataset}
    if values.dataset == SYNTHETIC and not values.data_dir:
        names = ["seed", *(field.name for field in dataclasses.fields(PlantedSizes))]
        identity |= {f"{_PLANTED}{name}": values[f"{_PLANTED}{name}"].value for name in names}
    return identity


def data_flags(values: flags.FlagValues = flags.FLAGS) -> list[str]:
    """The given flags that are no hyper-parameter, for another process that trains."""
    names = [name for name in values if name.startswith(_PLANTED)]
    names += ["dataset", "data_dir", "cache_dir"]
    names += [*BaselineSettings.all_options(), *Limits.all_options()]
    return [f"--{name}={values[name].value}" for name in sorted(names) if values[name].present]


def load(values: flags.FlagValues = flags.FLAGS, *, share: Share = ALONE) -> Dataset:
    """Reads, or plants, the data set that the flags name.

    Args:
      values: the flags.
      share: whose interactions to keep, where several processes share them.

    Raises:
      DataError: see `read_dataset`.
    """
    if values.dataset == SYNTHETIC and not values.data_dir:
        sizes = {
            f.name: values[f"{_PLANTED}{f.name}"].value for f in dataclasses.fields(PlantedSizes)
        }
        return planted_dataset(PlantedSizes(**sizes), seed=values.planted_seed).shared(share)
    root = os.environ.get("KDIFFE_DATA", "datasets")
    directory = values.data_dir or Path(root) / values.dataset
    return read_dataset(directory, name=values.dataset, share=share)


def workdir(values: flags.FlagValues = flags.FLAGS) -> Path:
    """The run directory."""
    variant = "" if values.variant == "full" else f"-{values.variant}"
    last = values.seed + values.num_seeds - 1
    seeds = f"seed{values.seed}" if last == values.seed else f"seeds{values.seed}-{last}"
    return Path(values.workdir or f"runs/{values.dataset}{variant}-{seeds}")


def cache_dir(values: flags.FlagValues = flags.FLAGS) -> Path:
    """Where S and the scores of baselines are kept between runs."""
    default = Path.home() / ".cache" / "kdiffe_jax"
    return Path(values.cache_dir or os.environ.get("KDIFFE_CACHE") or default)
