"""`compare`: several models on the same data, seeds and scores -> one table with tests."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kdiffe_jax.api.fit import BEST, as_data, config_of
from kdiffe_jax.api.fitted import FittedModel
from kdiffe_jax.api.frames import frame_of
from kdiffe_jax.api.home import Home, path_of
from kdiffe_jax.api.run import Around, run_config
from kdiffe_jax.api.run_tables import Page
from kdiffe_jax.api.words import spoken_in_python
from kdiffe_jax.config import Config
from kdiffe_jax.errors import ConfigError, KDiffEError
from kdiffe_jax.models.registry import MODELS, options_of
from kdiffe_jax.options import closest
from kdiffe_jax.studies.leaderboard import Leaderboard, leaderboard_of
from kdiffe_jax.studies.leaderboard_page import page_of_leaderboard


@dataclasses.dataclass(frozen=True, repr=False)
class Comparison:
    """Several trained models and what tells them apart.

    Attributes:
      models: by name, in the order asked for.
      board: rows, tests and curves.
      frame: the kind of frames that are given.
    """

    models: Mapping[str, FittedModel]
    board: Leaderboard
    frame: str

    @property
    def table(self) -> Any:
        """A frame, the best row first: means over seeds, standard errors, paired tests."""
        return frame_of(self.board.as_columns(), self.frame)

    @property
    def best(self) -> FittedModel:
        """The model with the best validation score: the one that may be chosen."""
        return max(self.models.values(), key=_selected)

    def page(self) -> Page:
        """The table, curves over each other and settings, as one page; a notebook shows it."""
        return Page(page_of_leaderboard(self.board))

    def latex(self) -> str:
        """The table for a paper."""
        return self.board.latex()

    def __repr__(self) -> str:
        return self.board.markdown()

    def _repr_html_(self) -> str:
        return self.page()._repr_html_()


def compare(
    data: Any,
    models: Sequence[str] | Mapping[str, Mapping[str, Any]],
    *,
    preset: str = BEST,
    seeds: int = 3,
    workdir: str | Path | None = None,
    baselines: str | Sequence[str] = "most_popular",
    progress: bool = True,
    log_to: Mapping[str, Any] = MappingProxyType({}),
    **options: Any,
) -> Comparison:
    """Trains models on the same data with the same seeds, and says whether they differ by chance.

    Args:
      data: as for `fit`.
      models: names; or a name for each row -> its options, "model" among them.
      preset, seeds, baselines, progress, log_to: as for `fit`.
      workdir: holds a run for each row; a stopped comparison continues there.
      **options: shared options of all models that have them, such as epochs=20.

    Raises:
      ConfigError: no models, a name twice, no such model or option.
      DataError: the data lack what a model needs.

    >>> from kdiffe_jax.data.synthetic import planted_dataset
    >>> found = compare(planted_dataset(seed=1), ["rp3beta", "most_popular"], progress=False)
    >>> found.best.result["model"]
    'rp3beta'
    """
    with spoken_in_python():
        data = as_data(data)
        rows = _rows(models)
        _check_shared(rows, options)
        content = data.dataset.has_content
        configs = {
            n: config_of(own["model"], preset, "full", seeds, _known(own, options), content=content)
            for n, own in rows.items()
        }
        _check_chosen_alike(configs)
        home = None
        if workdir is None:
            home = Home()
            workdir = home.path
        root = path_of(workdir)
        fitted = {}
        for name, config in configs.items():
            if progress:
                print(f"{name}:", flush=True)
            with _named(name):
                model = run_config(data, config, Around(root / name, baselines, progress, log_to))
            fitted[name] = dataclasses.replace(model, home=home)
            data = dataclasses.replace(data, untold=())
        board = leaderboard_of([model.directory for model in fitted.values()], list(fitted))
    return Comparison(fitted, board, data.frame)


@contextlib.contextmanager
def _named(row: str) -> Iterator[None]:
    """A block whose refusals say of which row they are."""
    try:
        yield
    except KDiffEError as error:
        error.args = (f"{row}: {error}", *error.args[1:])
        raise


def _rows(models: Sequence[str] | Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Row name -> options, "model" among them."""
    given = models if isinstance(models, Mapping) else _rows_of_names(models)
    if not given:
        raise ConfigError("models: give at least one name; list_models() has them")
    for name, own in given.items():
        if not isinstance(own, Mapping):
            raise ConfigError(
                f"models: row {name!r} has {own!r}; give its options, such as "
                "{'model': 'lightgcn'}"
            )
        if not isinstance(name, str) or not name or name in (".", "..") or set(name) & set("/\\"):
            raise ConfigError(
                f"models: a row is named {name!r}; its run gets a directory of that name, so give "
                "one without slashes"
            )
    rows = {name: {"model": name, **own} for name, own in given.items()}
    for name, own in rows.items():
        if not isinstance(own["model"], str):
            raise ConfigError(f"model = {own['model']!r}: give one name")
        if name not in MODELS and "model" not in given[name] and given[name]:
            raise ConfigError(
                f"models: row {name!r} is no model, and of its options ({', '.join(given[name])}) "
                "none is 'model'"
            )
    return rows


def _rows_of_names(models: Any) -> dict[str, dict[str, Any]]:
    if isinstance(models, str):
        return {models: {}}
    if not isinstance(models, Iterable):
        raise ConfigError(f"models = {models!r}: give names; list_models() has them")
    rows: dict[str, dict[str, Any]] = {}
    for name in models:
        if not isinstance(name, str):
            raise ConfigError(f"models: {name!r} is no name; list_models() has them")
        if name in rows:
            raise ConfigError(
                f"models: {name!r} stands there twice; rows of one model need names of their own, "
                f"such as {{'wide': {{'model': {name!r}, 'dim': 256}}}}"
            )
        rows[name] = {}
    return rows


def _check_shared(rows: Mapping[str, Mapping[str, Any]], shared: Mapping[str, Any]) -> None:
    known = {option for own in rows.values() for option in options_of(own["model"])}
    for option in shared:
        if option not in known:
            raise ConfigError(f"none of the models has an option {option}{closest(option, known)}")


def _check_chosen_alike(configs: Mapping[str, Config]) -> None:
    """Refuses rows whose epochs are chosen by other scores: nothing could order them."""
    (first, one), *others = configs.items()
    for name, config in others:
        for option in ("selection", "selection_metric"):
            theirs, ours = getattr(one.eval, option), getattr(config.eval, option)
            if ours != theirs:
                raise ConfigError(
                    f"{option} = {ours!r} of row {name!r}, {theirs!r} of {first!r}; give all one"
                )


def _known(own: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """A row's options, and those of the shared ones that its model has."""
    known = options_of(own["model"])
    return {n: v for n, v in shared.items() if n in known} | {
        name: value for name, value in own.items() if name != "model"
    }


def _selected(model: FittedModel) -> float:
    result = model.result
    scored = result.get("ensemble", result)
    return scored[result["selection"]][result["selection_metric"]]
