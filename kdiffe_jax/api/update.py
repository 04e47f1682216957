"""`update`: an old model and new rows -> a model of both, begun where the old one ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kdiffe_jax.api.dataset import Data, source_of
from kdiffe_jax.api.fit import plain
from kdiffe_jax.api.fitted import FittedModel
from kdiffe_jax.api.frames import to_arrow
from kdiffe_jax.api.ids import IdColumn
from kdiffe_jax.api.run import Around, run_config
from kdiffe_jax.api.source import Source
from kdiffe_jax.api.words import spoken_in_python
from kdiffe_jax.errors import ConfigError, DataError, listed
from kdiffe_jax.models.registry import is_trained
from kdiffe_jax.recommend.added import as_trained
from kdiffe_jax.training.stored_config import stored_config
from kdiffe_jax.training.warm_start import Earlier, read_earlier


def update(
    model: FittedModel,
    /,
    interactions: Any,
    *,
    items: Any = None,
    triples: Any = None,
    features: Mapping[str, Any] | None = None,
    split: str | None = None,
    overlap: str | None = None,
    split_column: str | None = None,
    time_column: str | None = None,
    workdir: str | Path | None = None,
    baselines: str | Sequence[str] = "most_popular",
    progress: bool = True,
    log_to: Mapping[str, Any] = MappingProxyType({}),
    **options: Any,
) -> FittedModel:
    """Trains on with new rows added to those that the model was made of.

    It begins with the old parameters, matched by ids: a new item with the mean of its nearest
    known items by content, a new user with what users of the same items have. What the old model
    was trained on stays in training, so the scores are as honest as its own. A model that is
    fitted in closed form is fitted anew. What was added by `with_users` or `with_items` is in no
    table and does not train; give it as rows.

    Args:
      model: of `fit` or `load`, with the tables of frames it was made of.
      interactions, items, triples, features: new rows, of the same columns as for `dataset`,
        columns of vectors among them; a new row of a known item replaces what it has values of.
      split, overlap, split_column, time_column: as for `dataset`, in place of those that the data
        were made with, such as split_column="none" where the new rows have no split; what the old
        model was trained on stays in training whatever they say.
      workdir, baselines, progress, log_to: as for `fit`.
      **options: of training, in place of the model's own, such as epochs=5.

    Raises:
      ConfigError: the model came without its tables; another model, or another option than the
        model has.
      DataError: what is wrong with the new rows.
    """
    with spoken_in_python():
        _refuse_model(options)
        data, source = _old_data(model)
        items = None if items is None else to_arrow(items, "items")
        features = {**_vectors(source, items), **(features or {})}
        given = (interactions, items, triples, features)
        more, *columns = source_of(*given, source.config, source.columns)
        for old, new in zip((data.users, data.items), columns, strict=True):
            _check_kind(old, new)
        _check_item_columns(source, more)
        ways = dict(
            split=split, overlap=overlap, split_column=split_column, time_column=time_column
        )
        chosen = {name: value for name, value in ways.items() if value is not None}
        source = source.with_more(more.tables).with_options(chosen)
        dataset = source.dataset(data.dataset)
        untold = tuple(note for note in dataset.notes if note not in data.dataset.notes)
        added = dataclasses.replace(data, dataset=dataset, source=source, untold=untold)
        config = stored_config(model.recommender.model.config, plain(options))
        earlier = _earlier(model) if is_trained(config.model) else None
        return run_config(added, config, Around(workdir, baselines, progress, log_to), earlier)


def _refuse_model(options: Mapping[str, Any]) -> None:
    if "model" in options:
        raise ConfigError(
            f"model = {options['model']!r}: update trains on with the same model; leave it out, or "
            "fit another one"
        )


def _old_data(model: FittedModel) -> tuple[Data, Source]:
    if model.data is None or model.data.source is None:
        raise ConfigError(
            "the model came without the tables it was made of, so there is nothing to add to; "
            "update a model that was fitted on frames, or saved so; of files, prepare them with "
            "earlier and train with warm_start (docs/howto/update-a-model.md)"
        )
    return model.data, model.data.source


def _vectors(source: Source, items: Any) -> dict[str, str]:
    """Modality -> column, where the new items have the columns that the old features came from."""
    names = [] if items is None else items.column_names
    return {modality: name for modality, name in source.vectors.items() if name in names}


def _check_kind(old: IdColumn, new: IdColumn) -> None:
    numbers = {old.kind, new.kind} <= {"integer", "float"}
    if old.name != new.name or not (old.kind == new.kind or numbers):
        raise DataError(
            f"interactions: ids were {old.kind} in a column {old.name!r}, and are {new.kind} in "
            f"{new.name!r}; give new rows the same columns, with ids of the same type"
        )


def _check_item_columns(old: Source, new: Source) -> None:
    """Refuses new rows of items or triples without the old column of item ids."""
    for what in ("items", "triples"):
        before, after = getattr(old.tables, what), getattr(new.tables, what)
        if before is None or after is None:
            continue
        key = old.columns.find("item", before.names)
        if key not in after.names:
            raise DataError(
                f"{what}: item ids were in a column {key!r}, and the new rows have "
                f"{listed(after.names)}; give new rows the same columns"
            )


def _earlier(model: FittedModel) -> Earlier:
    earlier = read_earlier(model.directory)
    return earlier._replace(model=as_trained(earlier.model))
