"""Extra files on the command line: --items, --triples, --neighbours, --features, --labels."""

from __future__ import annotations

from pathlib import Path

from absl import flags

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.extra_files import add_features, add_items, add_labels, add_similarity
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


def define_extra_files(values: flags.FlagValues = flags.FLAGS) -> None:
    """Registers a repeatable flag for each kind of extra file."""
    for name, doc in _KINDS.items():
        flags.DEFINE_multi_string(name, [], doc, flag_values=values)


def add_extra_files(
    catalogue: Catalogue, given: flags.FlagValues, config: PrepareConfig, columns: TableColumns
) -> Catalogue:
    """The catalogue with every extra file that the flags name."""
    for file in given["items"].value:
        catalogue = add_items(catalogue, Path(file), columns)
    for text in given["triples"].value:
        relation, file = _named(text)
        catalogue = add_triples(catalogue, Path(file), relation)
    for text in given["neighbours"].value:
        relation, file = _named(text, needed="neighbours")
        add = add_similarity if Path(file).suffix in (".pkl", ".npz") else add_neighbours
        catalogue = add(catalogue, Path(file), relation)
    for text in given["features"].value:
        modality, file = _named(text, needed="features")
        catalogue = add_features(catalogue, Path(file), modality)
    for text in given["labels"].value:
        relation, scores, names = _label_files(text)
        catalogue = add_labels(catalogue, scores, names, relation, config.labels)
    return catalogue


def extra_files_of(given: flags.FlagValues) -> list[Path]:
    """Every extra file that the flags name.

    Raises:
      ConfigError: a flag that is not written as it should be.
      DataError: a file that is not there.
    """
    files = list(given["items"].value)
    for kind in ("triples", "neighbours", "features"):
        files += [_named(text)[1] for text in given[kind].value]
    for text in given["labels"].value:
        files += _label_files(text)[1:]
    for file in files:
        if not Path(file).is_file():
            raise DataError(f"{file}: no such file; correct the flag that names it")
    beside = [Path(file).with_name(f"{Path(file).stem}.ids.txt") for file in files]
    return [Path(file) for file in files] + [file for file in beside if file.is_file()]


def _named(text: str, needed: str = "") -> tuple[str, str]:
    name, equals, file = text.partition("=")
    if not equals and not needed:
        return "", text
    if not name or not file:
        raise ConfigError(
            f"--{needed or 'triples'}={text}: write --{needed or 'triples'}=NAME=FILE"
        )
    return name, file


def _label_files(text: str) -> tuple[str, str, str]:
    relation, file = _named(text, needed="labels")
    scores, comma, names = file.partition(",")
    if not comma or not names:
        raise ConfigError(f"--labels={text}: write --labels=RELATION=SCORES.npy,NAMES.txt")
    return relation, scores, names
