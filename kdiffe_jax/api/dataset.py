"""`dataset`: frames, arrays or files -> data to train on."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kdiffe_jax
from kdiffe_jax.api.features import item_rows
from kdiffe_jax.api.frames import default_kind, kind_of, to_arrow
from kdiffe_jax.api.home import path_of
from kdiffe_jax.api.ids import IdColumn, ids_as_text
from kdiffe_jax.api.source import Source
from kdiffe_jax.api.words import in_python, spoken_in_python
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.diagnosis.text import diagnosis_text
from kdiffe_jax.data.no_effect import refuse_without_effect
from kdiffe_jax.data.not_read import not_read
from kdiffe_jax.data.plain_files import sums_by_name
from kdiffe_jax.data.prepare import described, prepare
from kdiffe_jax.data.readers.in_memory import SourceTables
from kdiffe_jax.data.readers.prepared import write_prepared
from kdiffe_jax.data.settings import FilterSettings, PrepareConfig
from kdiffe_jax.data.sources import read_source, refuse_unshared
from kdiffe_jax.data.tables.columns import TableColumns, as_names
from kdiffe_jax.data.tables.in_memory import table_in_memory
from kdiffe_jax.errors import ConfigError, DataError


@dataclasses.dataclass(frozen=True, repr=False)
class Data:
    """A data set, and what its frames and ids were.

    Attributes:
      dataset: what models are trained on.
      users, items: the columns of ids that came in.
      frame: the kind of frames that results are given as: pandas, polars or pyarrow.
      source: the tables it was made of, to add to; None where it was made of files.
      untold: those of its notes that nobody could have read yet; the first run says them.
    """

    dataset: Dataset
    users: IdColumn
    items: IdColumn
    frame: str
    source: Source | None = None
    untold: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """All that was decided or dropped on the way, one line each."""
        return tuple(map(in_python, self.dataset.notes))

    def write(self, directory: str | Path) -> None:
        """Writes what `python -m launch.main --data_dir=DIRECTORY` trains on.

        Raises:
          DataError: the directory exists, or cannot be written.
          ConfigError: no path.
        """
        with spoken_in_python():
            write_prepared(self.dataset, path_of(directory))

    def __repr__(self) -> str:
        notes = "".join(f"\n{self.dataset.name}: {note}" for note in self.notes)
        return f"{in_python(diagnosis_text(self.dataset))}{notes}"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def dataset(
    interactions: Any,
    *,
    items: Any = None,
    triples: Any = None,
    features: Mapping[str, Any] | None = None,
    name: str = "",
    source: str = "auto",
    filters: Mapping[str, Mapping[str, Any] | None] | None = None,
    **options: Any,
) -> Data:
    """Data to train on, from frames of pandas, polars or pyarrow, or from files.

    The same cleaning, splitting and content as `python -m launch.prepare`: the same rows give
    the same data set, fingerprint included.

    Args:
      interactions: a frame of who had to do with what, with where there are any a rating, a
        time and a split; or the path of a directory or table that `launch.prepare` reads.
      items: a frame with one row an item: text, brands, lists, category paths, pictures.
      triples: a frame of item, relation, entity and perhaps a weight.
      features: modality -> a matrix with one row for each row of the items, (ids, matrix),
        {id: vector}, a frame, or the name of a column of vectors of the items.
      name: what reports call the data set ["data", or the name of the path].
      source: the layout of files, of those in docs/data.md; "auto" recognises it.
      filters: relation -> limits in place of those for all, None drops it.
      **options: of preparation (docs/data.md), such as split="time", k_core=5,
        user_column="customer", text_columns=["title", "plot"].

    Raises:
      DataError: what is wrong with the data, where, and what to do.
      ConfigError: an option that there is not, or a value out of its range.

    >>> import pyarrow
    >>> rows = [(user, item) for user in "abcd" for item in range(user < "c", 6)]
    >>> users, items = zip(*rows)
    >>> data = dataset(pyarrow.table({"user": users, "item": items}), split_seed=1)
    >>> data.dataset.n_users, data.dataset.n_items, data.items
    (4, 6, IdColumn(name='item', kind='integer'))
    """
    with spoken_in_python():
        _refuse_no_mappings(features, filters)
        config, columns = _options(options)
        limits = {n: _limits(config.filters, given) for n, given in (filters or {}).items()}
        if isinstance(interactions, str | Path):
            if items is not None or triples is not None or features:
                raise ConfigError(
                    "items, triples and features go with a frame of interactions; of files, put "
                    "them beside the interactions"
                )
            return _of_files(Path(interactions), source, config, columns, limits, name)
        if source != "auto":
            raise ConfigError(f"source={source} has no effect for data frames; leave it out")
        refuse_without_effect("frames", columns)
        tables, users, item_ids = source_of(
            interactions, items, triples, features or {}, config, columns
        )
        tables = dataclasses.replace(tables, filters=limits, name=name or "data")
        return Data(
            tables.dataset(), users, item_ids, kind_of(interactions, "interactions"), tables
        )


def _options(options: Mapping[str, Any]) -> tuple[PrepareConfig, TableColumns]:
    given = {name: _plain(value) for name, value in options.items()}
    known = TableColumns.all_options()
    columns = {name: _name_of_column(given.pop(name)) for name in known if name in given}
    return PrepareConfig.from_flat(given), TableColumns(**columns)


def _plain(value: Any) -> Any:
    """A value as options take it: names as one text, numbers of NumPy as Python's."""
    value = plain_value(value)
    return as_names(map(str, value)) if isinstance(value, list | tuple) else value


def plain_value(value: Any) -> Any:
    """Numbers of NumPy as Python's; arrays, series and indices as lists.

    >>> import numpy as np
    >>> plain_value(np.int64(3)), plain_value(np.array(["title", "plot"]))
    (3, ['title', 'plot'])
    """
    for way in ("tolist", "to_list", "to_pylist"):
        if hasattr(value, way):
            return getattr(value, way)()
    return value


def _name_of_column(value: Any) -> Any:
    """A column may be called by a number, as a frame without names has them."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _refuse_no_mappings(features: Any, filters: Any) -> None:
    for name, given in (("features", features), ("filters", filters)):
        if given is not None and not isinstance(given, Mapping):
            raise ConfigError(f"{name}: a {type(given).__name__}; give a dictionary by name")
    for name in features or {}:
        if not isinstance(name, str):
            raise DataError(f"features {name!r}: the name is no text; give one such as 'image'")


def _limits(defaults: FilterSettings, given: Mapping[str, Any] | None) -> FilterSettings | None:
    if given is None:
        return None
    known = FilterSettings.all_options()
    if not isinstance(given, Mapping):
        raise ConfigError(f"filters: {given!r} is no dictionary of limits ({', '.join(known)})")
    for option in given:
        if option not in known:
            raise ConfigError(f"filters: {option!r} is none of {', '.join(known)}")
    return dataclasses.replace(defaults, **{name: _plain(value) for name, value in given.items()})


def _of_files(path: Path, source: str, config, columns, limits, name: str) -> Data:
    called = name or path.resolve().stem
    layout, catalogue = read_source(
        path,
        source,
        name=called,
        columns=columns,
        shared_ids=config.entities.shared_ids,
    )
    if config.entities.shared_ids:
        refuse_unshared(layout, catalogue)
    catalogue = catalogue.extended(notes=not_read(path, catalogue.files))
    root = path if path.is_dir() else path.parent
    provenance = {
        "program": f"kdiffe_jax {kdiffe_jax.__version__}",
        "source": layout,
        "files": sums_by_name([root / file for file in catalogue.files]),
        "options": described(config, columns),
    }
    found = prepare(catalogue, config, columns, filters=limits, provenance=provenance)
    return Data(found, IdColumn("user"), IdColumn("item"), default_kind())


def source_of(interactions, items, triples, features, config, columns):
    """The tables with their ids as text, and what the ids were."""
    table = to_arrow(interactions, "interactions")
    table, users = _ids(table, columns, "user", "interactions")
    table, item_ids = _ids(table, columns, "item", "interactions")
    of_items = of_triples = None
    if items is not None:
        of_items, _ = _ids(to_arrow(items, "items"), columns, "item", "items")
    if triples is not None:
        of_triples, _ = _ids(to_arrow(triples, "triples"), columns, "item", "triples")
    found = {m: item_rows(m, given, of_items, columns) for m, given in features.items()}
    vectors = {m: given for m, given in features.items() if isinstance(given, str)}
    if of_items is not None:
        of_items = table_in_memory("items", of_items.drop_columns([*{*vectors.values()}]))
    tables = SourceTables(
        table_in_memory("interactions", table),
        of_items,
        None if of_triples is None else table_in_memory("triples", of_triples),
        found,
    )
    return Source(tables, config, columns, vectors), users, item_ids


def _ids(table, columns: TableColumns, what: str, where: str):
    """The table with its ids as text; where no column has them, as it is, for the reader to say."""
    name = columns.find(what, table.column_names)
    if not name or name not in table.column_names:
        return table, IdColumn(name or what)
    texts, kind = ids_as_text(table[name], f"{where}, column {name!r}")
    at = table.column_names.index(name)
    if not len(table):
        raise DataError(f"{where}: it has no row")
    return table.set_column(at, name, texts), IdColumn(name, kind)
