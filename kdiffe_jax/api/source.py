"""`Source`: the tables that a data set was made of, to save, and to add new rows to."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import kdiffe_jax
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.plain_files import read_names, sha256, write_names
from kdiffe_jax.data.prepare import described, prepare
from kdiffe_jax.data.readers.arrays import feature_files, modality_of
from kdiffe_jax.data.readers.in_memory import ItemRows, SourceTables, read_source_tables
from kdiffe_jax.data.readers.manifest import digest_of
from kdiffe_jax.data.settings import FilterSettings, PrepareConfig
from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.in_memory import TableInMemory, table_in_memory
from kdiffe_jax.data.tables.values import converts
from kdiffe_jax.errors import DataError, KDiffEError, RunError
from kdiffe_jax.storage.stored_arrays import DAMAGED, read_npy

_OPTIONS, _DIGEST = "options.json", "options_sha256"
_TABLES = ("interactions", "items", "triples")


@dataclasses.dataclass(frozen=True)
class Source:
    """Tables with their ids as text, and how they are prepared.

    Attributes:
      vectors: modality -> the column of the items that has its rows, where one has.
    """

    tables: SourceTables
    config: PrepareConfig
    columns: TableColumns
    vectors: Mapping[str, str] = dataclasses.field(default_factory=dict)
    filters: Mapping[str, FilterSettings | None] = dataclasses.field(default_factory=dict)
    name: str = "data"

    def with_options(self, values: Mapping[str, Any]) -> Source:
        """The same tables, prepared with other values of some options.

        Raises:
          ConfigError: a value that is out of its range.
        """
        config = PrepareConfig.from_flat(self.config.to_flat() | dict(values))
        return dataclasses.replace(self, config=config)

    def dataset(self, earlier: Dataset | None = None) -> Dataset:
        """The data set of the tables.

        Args:
          earlier: what stays in training is what was in its.

        Raises:
          DataError: see `read_source_tables` and `prepare`.
        """
        catalogue = read_source_tables(
            self.tables,
            self.columns,
            name=self.name,
            shared_ids=self.config.entities.shared_ids,
        )
        provenance = {
            "program": f"kdiffe_jax {kdiffe_jax.__version__}",
            "source": "frames",
            "options": described(self.config, self.columns),
        }
        return prepare(
            catalogue,
            self.config,
            self.columns,
            filters=self.filters,
            earlier=earlier,
            provenance=provenance,
        )

    def with_more(self, more: SourceTables) -> Source:
        """The tables with new rows below; a new row of an item replaces the old one.

        Raises:
          DataError: new rows have columns of other types, or features of another width.
        """
        key = self.columns.find("item", _names(self.tables.items))
        tables = SourceTables(
            _joined(self.tables.interactions, more.interactions),
            _joined(_without(self.tables.items, more.items, key), more.items),
            _joined(self.tables.triples, more.triples),
            _joined_features(self.tables.features, more.features),
        )
        return dataclasses.replace(self, tables=tables)

    def write(self, directory: Path) -> None:
        """Writes tables that `launch.prepare` reads too, the options, and all their checksums."""
        directory.mkdir(parents=True)
        for what in _TABLES:
            if (table := getattr(self.tables, what)) is not None:
                arrow().parquet.write_table(table.arrays, directory / f"{what}.parquet")
        for modality, given in self.tables.features.items():
            np.save(directory / f"{modality}_feat.npy", given.rows, allow_pickle=False)
            write_names(directory / f"{modality}_feat.ids.txt", given.ids)
        filters = {name: f and dataclasses.asdict(f) for name, f in self.filters.items()}
        options = {
            "name": self.name,
            "prepare": self.config.to_flat(),
            "columns": self.columns.to_flat(),
            "vectors": dict(self.vectors),
            "filters": filters,
            "sha256": {file.name: sha256(file) for file in sorted(directory.iterdir())},
        }
        options[_DIGEST] = digest_of(options)
        text = json.dumps(options, indent=2) + "\n"
        (directory / _OPTIONS).write_text(text, encoding="utf-8")


def read_source_directory(directory: Path) -> Source | None:
    """What `Source.write` wrote; None where there is no such directory.

    Raises:
      RunError: a file is missing, changed or not readable.
    """
    if not directory.is_dir():
        return None
    try:
        return _read(directory, _verified_options(directory))
    except (KDiffEError, arrow().ArrowException, AttributeError, *DAMAGED) as error:
        raise RunError(f"{directory}: damaged ({error}); save the model again") from error


def _verified_options(directory: Path) -> dict[str, Any]:
    options = json.loads((directory / _OPTIONS).read_text(encoding="utf-8"))
    if options.pop(_DIGEST, None) != digest_of(options):
        raise ValueError(f"{_OPTIONS} was changed")
    for name, expected in options["sha256"].items():
        if sha256(directory / name) != expected:
            raise ValueError(f"{name} was changed")
    return options


def _read(directory: Path, options: Mapping[str, Any]) -> Source:
    found: dict[str, Any] = dict.fromkeys(_TABLES)
    for what in _TABLES:
        if (file := directory / f"{what}.parquet").is_file():
            found[what] = table_in_memory(what, arrow().parquet.read_table(file))
    features = {
        modality_of(file): ItemRows(read_names(file.with_suffix(".ids.txt")), read_npy(file))
        for file in feature_files(directory)
    }
    filters = {name: f and FilterSettings(**f) for name, f in options["filters"].items()}
    return Source(
        SourceTables(**found, features=features),
        PrepareConfig.from_flat(options["prepare"]),
        TableColumns(**options["columns"]),
        options["vectors"],
        filters,
        options["name"],
    )


def _names(table: TableInMemory | None) -> tuple[str, ...]:
    return () if table is None else table.names


def _joined(old: TableInMemory | None, new: TableInMemory | None) -> Any:
    """The rows of both; a column that one lacks is empty there, types widen."""
    if old is None or new is None:
        return old or new
    both = [old.arrays, _as_before(old.arrays, new.arrays)]
    try:
        rows = arrow().concat_tables(both, promote_options="permissive")
    except arrow().ArrowException as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{old.path}: new rows have columns of other types: {reason}") from error
    joined = table_in_memory(old.path.name, rows)
    return dataclasses.replace(joined, n_earlier=len(old.arrays))


def _as_before(old: Any, new: Any) -> Any:
    """The new rows in the types of the old ones, where these mean the same and nothing is lost.

    Text is a date or a moment where all of it reads as one. A number is no moment, nor is a moment
    a date, though pyarrow makes one of the other.
    """
    for at, name in enumerate(new.column_names):
        if name not in old.column_names:
            continue
        kind, rows = old[name].type, new[name]
        if _means_the_same(_family(rows.type), _family(kind)) and converts(rows, kind):
            new = new.set_column(at, name, rows.cast(kind))
    return new


def _means_the_same(new: str, old: str) -> bool:
    also = {("bool", "numbers"), ("text", "dates"), ("text", "moments")}
    return new in ("null", old) or old == "text" or (new, old) in also


def _family(kind: Any) -> str:
    types = arrow().types
    if types.is_dictionary(kind):
        return _family(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return f"lists of {_family(kind.value_type)}"
    if types.is_integer(kind) or types.is_floating(kind):
        return "numbers"
    if types.is_timestamp(kind):
        return "moments"
    if types.is_date(kind):
        return "dates"
    return "text" if "string" in str(kind) else str(kind).partition("(")[0]


def _without(old: TableInMemory | None, new: TableInMemory | None, key: str):
    """The rows of items that the new table does not hold."""
    if old is None or new is None or key not in new.names:
        return old
    pa = arrow()
    known = pa.compute.is_in(old.arrays[key], value_set=new.arrays[key].combine_chunks())
    return table_in_memory(old.path.name, old.arrays.filter(pa.compute.invert(known)))


def _joined_features(
    old: Mapping[str, ItemRows], new: Mapping[str, ItemRows]
) -> dict[str, ItemRows]:
    joined = dict(old)
    for modality, rows in new.items():
        if modality in joined:
            before = joined[modality]
            wide, new_wide = before.rows.shape[1], rows.rows.shape[1]
            if wide != new_wide:
                raise DataError(
                    f"features {modality!r}: the new rows are {new_wide} wide, those of the model "
                    f"{wide}"
                )
            again = set(rows.ids)
            stay = [at for at, name in enumerate(before.ids) if name not in again]
            ids = (*(before.ids[at] for at in stay), *rows.ids)
            rows = ItemRows(ids, np.concatenate([before.rows[stay], rows.rows]))
        joined[modality] = rows
    return joined
