"""`fit`: data and the name of a model -> a model to use."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from kdiffe_jax.api.dataset import Data, dataset, plain_value
from kdiffe_jax.api.fitted import FittedModel
from kdiffe_jax.api.frames import default_kind
from kdiffe_jax.api.ids import IdColumn
from kdiffe_jax.api.run import Around, run_config
from kdiffe_jax.api.words import spoken_in_python
from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import is_trained, make_config, options_of, preset, variant
from kdiffe_jax.training.selection import check_selection_metric

BEST = "best"


def fit(
    data: Any,
    model: str = "kdiffe",
    *,
    preset: str = BEST,
    variant: str = "full",
    seeds: int = 1,
    workdir: str | Path | None = None,
    baselines: str | Sequence[str] = "most_popular",
    progress: bool = True,
    log_to: Mapping[str, Any] = MappingProxyType({}),
    **options: Any,
) -> FittedModel:
    """Trains a model until validation no longer gains, and scores the test split once.

    The same call with the same `workdir` continues a run that was stopped, and gives back one
    that is finished.

    Args:
      data: of `dataset`; or what `dataset` takes first, a frame or a path.
      model: a name of `list_models()`, or "auto": the best of a short list on validation.
      preset: named values of the options; "paper" has those of the model's authors.
      variant: a named change of the model, such as one of its paper's ablation.
      seeds: models trained one after another; the best on validation is used, scores are means.
      workdir: where the run is kept; else it lives as long as the model, unless it is saved.
      baselines: what is scored beside it: some of most_popular, rp3beta, ease.
      progress: shows a bar on a terminal or in a notebook, lines elsewhere.
      log_to: {"wandb": project, "mlflow": experiment, "tensorboard": True}, or some of them.
      **options: of the model and of training (docs/reference/config.md), such as epochs=20.

    Raises:
      ConfigError: no such model or option, a value out of its range, seeds without effect.
      DataError: the data lack what the model needs.
      RunError: the directory holds another run.

    >>> from kdiffe_jax.data.synthetic import planted_dataset
    >>> model = fit(planted_dataset(seed=1), "most_popular", progress=False)
    >>> len(model.recommend([7], k=3))
    3
    """
    with spoken_in_python():
        data = as_data(data)
        _refuse_no_name("model", model)
        if model == "auto":
            from kdiffe_jax.api.auto import fit_best

            if variant != "full":
                raise ConfigError(f"variant = {variant!r}: a variant is of one model; name it")
            around = dict(workdir=workdir, baselines=baselines, progress=progress, log_to=log_to)
            return fit_best(data, preset=preset, seeds=seeds, **around, **options)
        content = data.dataset.has_content
        config = config_of(model, preset, variant, seeds, options, content=content)
        if seeds > 1 and not is_trained(model):
            raise ConfigError(
                f"seeds = {seeds} has no effect: {model} is fitted without anything random; leave "
                "it out"
            )
        return run_config(data, config, Around(workdir, baselines, progress, log_to))


def config_of(
    model: str,
    preset_name: str,
    variant_name: str,
    seeds: int,
    options: Mapping[str, Any],
    *,
    content: bool,
) -> Config:
    """The options of a run: variant over options over preset over defaults.

    Args:
      model, preset_name, variant_name, seeds, options: as for `fit`.
      content: whether the data know more of items than interactions.

    Raises:
      ConfigError: as `make_config`.
    """
    for what, name in (("model", model), ("preset", preset_name), ("variant", variant_name)):
        _refuse_no_name(what, name)
    values = preset(preset_name, model, content=content)
    more = _seeds_of(seeds, model, options)
    chosen = {"model": model, **values, **plain(options), **more, **variant(variant_name, model)}
    config = make_config(chosen)
    check_selection_metric(config)
    return config


def _refuse_no_name(what: str, given: Any) -> None:
    if not isinstance(given, str):
        raise ConfigError(f"{what} = {given!r}: give one name")


def _seeds_of(seeds: Any, model: str, options: Mapping[str, Any]) -> dict[str, int]:
    if isinstance(seeds, bool) or not isinstance(seeds, int | np.integer) or seeds < 1:
        raise ConfigError(f"seeds = {seeds!r}: give a whole number of at least 1")
    if seeds == 1 or "num_seeds" not in options_of(model):
        return {}
    if options.get("num_seeds", seeds) != seeds:
        raise ConfigError(
            f"seeds = {seeds} and num_seeds = {options['num_seeds']} are the same option; give "
            "seeds alone"
        )
    return {"num_seeds": int(seeds)}


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with numbers and arrays of NumPy as Python's.

    >>> import numpy as np
    >>> plain({"epochs": np.int64(3)})
    {'epochs': 3}
    """
    return {name: plain_value(value) for name, value in options.items()}


def as_data(data: Any) -> Data:
    """`Data` of whatever can be trained on.

    Raises:
      DataError: it is nothing of the kind.
    """
    if isinstance(data, Data):
        return data
    if isinstance(data, Dataset):
        return Data(data, IdColumn("user"), IdColumn("item"), default_kind())
    made = dataset(data)
    return dataclasses.replace(made, untold=made.dataset.notes)
