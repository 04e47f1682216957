"""Command-line flags -> one typed `Config`.

`--model` is read first; the flags are its own options, the shared ones, and the few that say
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
from kdiffe_jax.config import Config, Limits
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import (
    DEFAULT,
    MODELS,
    make_config,
    model_class,
    options_of,
    preset,
    variant,
)
from kdiffe_jax.storage.cache_dir import default_cache_dir
from launch import processes, tracking
from launch.parsing import named_model

DEFAULT_PRESET = "best"
SYNTHETIC = "synthetic"
_PLANTED = "planted_"
_PLANTED_FLAGS = tuple(f"{_PLANTED}{n}" for n in ("seed", *PlantedSizes.__dataclass_fields__))


def define(argv: Sequence[str], values: flags.FlagValues) -> None:
    """Registers every flag of a training of the model that a command line names.

    Raises:
      ConfigError: there is no such model, or a flag file cannot be read.
    """
    model = named_model(argv)
    presets = ", ".join(model_class(model).presets)
    variants = ", ".join(["full", *model_class(model).variants])
    common = dict(flag_values=values)
    flags.DEFINE_string("model", DEFAULT, f"one of {', '.join(MODELS)}", **common)
    define_data(values)
    define_running(values)
    flags.DEFINE_string(
        "preset", DEFAULT_PRESET, f"values of all flags that are not given: {presets}", **common
    )
    flags.DEFINE_string(
        "variant", "full", f"a named change, wins over other flags: {variants}", **common
    )
    define_options(options_of(model), values)
    define_options(BaselineSettings.all_options(), values)
    define_options(Limits.all_options(), values)


def define_data(values: flags.FlagValues) -> None:
    """Registers the flags that say which data."""
    common = dict(flag_values=values)
    flags.DEFINE_string(
        "dataset", SYNTHETIC, "name of the data set; synthetic is embedded", **common
    )
    flags.DEFINE_string(
        "data_dir", None, "data directory [$KDIFFE_DATA/<dataset>, or datasets/<dataset>]", **common
    )
    flags.DEFINE_integer("planted_seed", 0, "embedded data set: seed", lower_bound=0, **common)
    for field in dataclasses.fields(PlantedSizes):
        doc = f"embedded data set: {field.metadata['doc']}"
        _define_field(f"{_PLANTED}{field.name}", field.default, doc, None, common)


def define_running(values: flags.FlagValues) -> None:
    """Registers the flags that say how and where a training runs."""
    common = dict(flag_values=values)
    flags.DEFINE_string(
        "workdir",
        None,
        "run directory [runs/<dataset>-<model>-seed<seed>, -seeds<first>-<last> for several; with "
        "--refit that run's and -all]",
        **common,
    )
    flags.DEFINE_string(
        "cache_dir",
        None,
        "where S, nearest items, baselines and compiled programs are kept [$KDIFFE_CACHE, or "
        "~/.cache/kdiffe_jax]",
        **common,
    )
    flags.DEFINE_string(
        "warm_start",
        None,
        "finished run of the same model whose parameters the training begins from",
        **common,
    )
    flags.DEFINE_string(
        "refit",
        None,
        "finished run to train again on all interactions, validation and test among them, for use",
        **common,
    )
    flags.DEFINE_enum("mode", "train", ["train", "evaluate"], "train, or score a run", **common)
    flags.DEFINE_string(
        "profile", None, "trace a few epochs into this directory, and say where they go", **common
    )
    tracking.define(values)
    flags.DEFINE_string(
        "mesh", None, "train on all devices as this grid, such as data:4,model:2", **common
    )
    processes.define(values)
    flags.DEFINE_bool("debug", False, "show the traceback of an error", **common)


def define_options(options: Mapping[str, dataclasses.Field], values: flags.FlagValues) -> None:
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


def config(values: flags.FlagValues, *, content: bool = True) -> Config:
    """The options on the command line: variant over flags over preset over defaults.

    Args:
      values: the flags.
      content: whether the data know more of items than interactions.

    Raises:
      ConfigError: a value out of its range.
    """
    model = values.model
    given = {name: values[name].value for name in options_of(model) if values[name].present}
    chosen = preset(values.preset, model, content=content), given, variant(values.variant, model)
    return make_config({"model": model, **chosen[0], **chosen[1], **chosen[2]})


def baselines(values: flags.FlagValues) -> BaselineSettings:
    """The baselines on the command line; no part of a run's configuration.

    Raises:
      ConfigError: an unknown baseline, or a limit out of its range.
    """
    return BaselineSettings(**{name: values[name].value for name in BaselineSettings.all_options()})


def limits(values: flags.FlagValues) -> Limits:
    """What the training may use; no part of a run's configuration.

    Raises:
      ConfigError: a limit out of its range.
    """
    return Limits(**{name: values[name].value for name in Limits.all_options()})


def data_identity(values: flags.FlagValues) -> dict[str, Any]:
    """The flags that say which data: part of a run's configuration."""
    identity: dict[str, Any] = {"dataset": dataset_name(values)}
    if _is_planted(values):
        identity |= {name: values[name].value for name in _PLANTED_FLAGS}
    return identity


def dataset_name(values: flags.FlagValues) -> str:
    """What the data set is called: as --dataset says, or as its directory where that alone does."""
    if values.dataset == SYNTHETIC and values.data_dir:
        return Path(values.data_dir).resolve().name or SYNTHETIC
    return values.dataset


def _is_planted(values: flags.FlagValues) -> bool:
    return values.dataset == SYNTHETIC and not values.data_dir


def data_flags(values: flags.FlagValues) -> list[str]:
    """The given flags that are no hyper-parameter, for another process that trains."""
    names = [*_PLANTED_FLAGS, "dataset", "data_dir", "cache_dir", *tracking.FLAGS]
    names += [*BaselineSettings.all_options(), *Limits.all_options()]
    return [f"--{name}={values[name].value}" for name in sorted(names) if values[name].present]


def load(values: flags.FlagValues, *, share: Share = ALONE) -> Dataset:
    """Reads, or plants, the data set that the flags name.

    Args:
      values: the flags.
      share: whose interactions to keep, where several processes share them.

    Raises:
      DataError: see `read_dataset`.
      ConfigError: sizes that cannot be planted, or of data that are not.
    """
    if _is_planted(values):
        sizes = {name.removeprefix(_PLANTED): values[name].value for name in _PLANTED_FLAGS}
        seed = sizes.pop("seed")
        return planted_dataset(PlantedSizes(**sizes), seed=seed).shared(share)
    for name in _PLANTED_FLAGS:
        if values[name].present:
            raise ConfigError(f"--{name}: {dataset_name(values)} is read from files; leave it out")
    root = os.environ.get("KDIFFE_DATA", "datasets")
    directory = values.data_dir or Path(root) / values.dataset
    return read_dataset(directory, name=dataset_name(values), share=share)


def workdir(values: flags.FlagValues) -> Path:
    """The run directory."""
    if values.workdir:
        return Path(values.workdir)
    if "refit" in values and values.refit:
        return _beside(Path(values.refit))
    words = [dataset_name(values), values.model]
    if values.variant != "full":
        words.append(values.variant)
    if "seed" in options_of(values.model):
        last = values.seed + values.num_seeds - 1
        alone = last == values.seed
        words.append(f"seed{values.seed}" if alone else f"seeds{values.seed}-{last}")
    return Path("runs", "-".join(words))


def _beside(run: Path) -> Path:
    """`<run>-all`, where the run is named by . or .. too."""
    named = run.resolve() if run.name in ("", "..") else run
    return named.parent / f"{named.name}-all"


def cache_dir(values: flags.FlagValues) -> Path:
    """Where what takes long is kept between runs."""
    return Path(values.cache_dir) if values.cache_dir else default_cache_dir()
