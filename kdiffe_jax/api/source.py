"""`Source`: the tables that a data set was made of, to save, and to add new rows to."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import kdiffe_jax
from kdiffe_jax.api.joined_tables import joined, joined_features, joined_items
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
from kdiffe_jax.errors import KDiffEError, RunError, one_line
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
        """The same tables, prepared with other values of some options, columns among them.

        Raises:
          ConfigError: a value that is out of its range.
        """
        left = dict(values)
        named = {name: left.pop(name) for name in TableColumns.all_options() if name in left}
        config = PrepareConfig.from_flat(self.config.to_flat() | left)
        columns = dataclasses.replace(self.columns, **named)
        return dataclasses.replace(self, config=config, columns=columns)

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
        """The tables with new rows below; of an item they replace the values that they have.

        Raises:
          DataError: new rows have columns of other types, or features of another width.
        """
        key = self.columns.find("item", _names(self.tables.items))
        tables = SourceTables(
            joined(self.tables.interactions, more.interactions),
            joined_items(self.tables.items, more.items, key),
            joined(self.tables.triples, more.triples),
            joined_features(self.tables.features, more.features),
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
        said = f"{directory}: damaged ({one_line(error, 400)}); save the model again"
        raise RunError(said) from error


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
