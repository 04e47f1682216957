"""Extra files on the command line: --items, --triples, --neighbours, --features, --labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from absl import flags

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.extra_files import add_features, add_items, add_labels, add_similarity
from kdiffe_jax.data.readers.arrays import feature_file_name
from kdiffe_jax.data.readers.link_table import add_neighbours, add_triples
from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.errors import ConfigError, DataError

_NAMED = "RELATION=FILE"
_KINDS = {
    "items": "table of items with text and attribute columns",
    "triples": f"item, entity: {_NAMED}; or FILE with item, relation, entity",
    "neighbours": f"item, neighbour[, weight], or a sparse matrix in .npz or .pkl: {_NAMED}",
    "features": "dense features: MODALITY=FILE.npy",
    "labels": "class scores: RELATION=FILE.npy,NAMES.txt",
}


def define_extra_files(values: flags.FlagValues) -> None:
    """Registers a repeatable flag for each kind of extra file."""
    for name, doc in _KINDS.items():
        flags.DEFINE_multi_string(name, [], doc, flag_values=values)


def add_extra_files(
    catalogue: Catalogue, given: flags.FlagValues, config: PrepareConfig, columns: TableColumns
) -> Catalogue:
    """The catalogue with every extra file that the flags name."""
    for kind, name, (file, *more) in _named_files(given):
        if kind == "items":
            catalogue = add_items(catalogue, file, columns)
        elif kind == "triples":
            catalogue = add_triples(
                catalogue,
                file,
                name,
                columns=columns,
                shared_ids=config.entities.shared_ids,
            )
        elif kind == "neighbours":
            if file.suffix in (".pkl", ".npz"):
                catalogue = add_similarity(catalogue, file, name)
            else:
                catalogue = add_neighbours(catalogue, file, name, columns=columns)
        elif kind == "features":
            catalogue = add_features(catalogue, file, name)
        else:
            catalogue = add_labels(catalogue, file, more[0], name, config.labels)
    return catalogue


def extra_files_of(given: flags.FlagValues) -> list[Path]:
    """Every extra file that the flags name.

    Raises:
      ConfigError: a flag that is not written as it should be.
      DataError: a file that is not there, features of a name that can be no part of a file's.
    """
    files = [file for _, _, named in _named_files(given) for file in named]
    for file in files:
        if not file.is_file():
            raise DataError(f"{file}: no such file; correct the flag that names it")
    beside = [file.with_name(f"{file.stem}.ids.txt") for file in files]
    return files + [file for file in beside if file.is_file()]


def _named_files(given: flags.FlagValues) -> Iterator[tuple[str, str, list[Path]]]:
    """The kind, the name and the files of every flag, kind by kind."""
    for kind in _KINDS:
        for text in given[kind].value:
            name, equals, file = text.partition("=")
            if kind == "items" or (kind == "triples" and not equals):
                name, file = "", text
            elif not name or not file:
                raise ConfigError(f"--{kind}={text}: write --{kind}=NAME=FILE")
            if kind == "features":
                feature_file_name(name)
            files = file.split(",", 1) if kind == "labels" else [file]
            if kind == "labels" and not all([*files, files[1:]]):
                raise ConfigError(f"--labels={text}: write --labels=RELATION=SCORES.npy,NAMES.txt")
            yield kind, name, list(map(Path, files))
