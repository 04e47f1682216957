"""`fit`: data and the name of a model -> a model to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kdiffe_jax.api.dataset import Data, dataset
from kdiffe_jax.api.fitted import FittedModel
from kdiffe_jax.api.frames import default_kind
from kdiffe_jax.api.home import Home
from kdiffe_jax.api.ids import IdColumn
from kdiffe_jax.api.words import in_python, spoken_in_python
from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.config import Config, Limits
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.models.registry import make_config, model_class, options_of, preset, variant
from kdiffe_jax.report.page import leave_report
from kdiffe_jax.storage.cache_dir import default_cache_dir
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.compiled_programs import keep_compiled
from kdiffe_jax.training.fit import Hooks
from kdiffe_jax.training.fit import fit as train
from kdiffe_jax.training.progress import Progress
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.selection import check_selection_metric
from kdiffe_jax.training.warm_start import Earlier

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
      **options: of the model and of training (docs/reference/config.md), such as epochs=20.

    Raises:
      ConfigError: no such model or option, a value out of its range.
      DataError: the data lack what the model needs.
      RunError: the directory holds another run.

    >>> from kdiffe_jax.data.synthetic import planted_dataset
    >>> model = fit(planted_dataset(seed=1), "most_popular", progress=False)
    >>> len(model.recommend([7], k=3))
    3
    """
    with spoken_in_python():
        data = as_data(data)
        if model == "auto":
            from kdiffe_jax.api.auto import fit_best

            shared = dict(seeds=seeds, workdir=workdir, baselines=baselines, progress=progress)
            return fit_best(data, preset=preset, **shared, **options)
        content = data.dataset.has_content
        config = config_of(model, preset, variant, seeds, options, content=content)
        return fit_config(data, config, workdir, baselines=baselines, progress=progress)


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
    known = model_class(model).presets
    plain = preset_name == BEST and BEST not in known
    values = {} if plain else preset(preset_name, model, content=content)
    given = {name: v.item() if hasattr(v, "item") else v for name, v in options.items()}
    more = {"num_seeds": seeds} if "num_seeds" in options_of(model) and seeds > 1 else {}
    chosen = {"model": model, **values, **given, **more, **variant(variant_name, model)}
    config = make_config(chosen)
    check_selection_metric(config)
    return config


def fit_config(
    data: Data,
    config: Config,
    workdir: str | Path | None,
    *,
    baselines: str | Sequence[str],
    progress: bool,
    earlier: Earlier | None = None,
) -> FittedModel:
    """Runs one configuration in a directory and gives the model of it.

    Args:
      data, workdir, baselines, progress: as for `fit`.
      config: all options.
      earlier: the run whose parameters it begins with.
    """
    home = Home()
    run = RunDirectory(workdir or home.path / "run", option="workdir")
    keep_compiled(default_cache_dir())
    names = baselines if isinstance(baselines, str) else ",".join(baselines)
    resources = Resources(default_cache_dir(), Limits(), BaselineSettings(baselines=names))
    identity = {
        "dataset": data.dataset.name,
        "data_sha256": data.dataset.fingerprint(),
        **({} if earlier is None else {"warm_start": earlier.digest}),
        **config.to_flat(),
    }
    with run.claim(identity), Progress(config, shown=progress) as shown:
        if run.result() is None:
            hooks = Hooks(_told_once(data.dataset, shown.log), on_epoch=shown.on_epoch)
            train(data.dataset, config, run, resources, hooks=hooks, earlier=earlier)
            leave_report(run.path, options_of, log=shown.log)
    return FittedModel.of_run(run.path, data, home)


def _told_once(dataset: Dataset, log: Callable[[str], None]) -> Callable[[str], None]:
    """Passes on what the data set does not say itself."""
    known = {f"{dataset.name}: {note}" for note in dataset.notes}

    def tell(line: str) -> None:
        if line not in known:
            log(in_python(line))

    return tell


def as_data(data: Any) -> Data:
    """`Data` of whatever can be trained on.

    Raises:
      DataError: it is nothing of the kind.
    """
    if isinstance(data, Data):
        return data
    if isinstance(data, Dataset):
        return Data(data, IdColumn("user"), IdColumn("item"), default_kind())
    return dataset(data)
