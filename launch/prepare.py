"""Any catalogue -> a Dataset: python -m launch.prepare --source=tables --input=DIR --output=DIR."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Any, TypeAlias

from absl import flags as absl_flags

import kdiffe_jax
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.diagnosis.figures import draw_figures
from kdiffe_jax.data.diagnosis.text import diagnosis_text, item_in_words
from kdiffe_jax.data.not_read import not_read
from kdiffe_jax.data.plain_files import sums_by_name
from kdiffe_jax.data.prepare import described, prepare
from kdiffe_jax.data.public.download import download
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.data.readers.prepared import refuse_existing, write_prepared
from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.data.sources import SOURCES, layout_of, read_source, refuse_unshared
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.errors import ConfigError, DataError
from launch import flags
from launch.command import Command
from launch.extra_files import add_extra_files, define_extra_files, extra_files_of
from launch.filters import define_filters, filters_of
from launch.progress import rows_bar

FlagValues: TypeAlias = absl_flags.FlagValues


def define(values: FlagValues) -> None:
    """Registers every flag of the command."""
    common = dict(flag_values=values)
    define_enum, define_string = absl_flags.DEFINE_enum, absl_flags.DEFINE_string
    define_enum("source", "auto", ["auto", *SOURCES], "layout of the input", **common)
    define_string("input", None, "directory (or table) with the source", **common)
    define_string("output", None, "directory of the Dataset; must not exist", **common)
    define_string(
        "earlier",
        None,
        "directory of the data set that an earlier run was trained on; nothing of its training is "
        "held out",
        **common,
    )
    define_string("name", None, "what reports call the data set [the output's name]", **common)
    define_enum(
        "download", None, ["tiktok", "baby", "sports"], "fetch public files into --input", **common
    )
    absl_flags.DEFINE_bool("inspect", False, "diagnose the Dataset in --input", **common)
    define_string("figures", None, "with --inspect: directory to draw two figures in", **common)
    define_string("item", None, "with --inspect: show this item's entities in words", **common)
    absl_flags.DEFINE_bool("debug", False, "show the traceback of an error", **common)
    define_extra_files(values)
    define_filters(values)
    flags.define_options(PrepareConfig.all_options(), values)
    flags.define_options(TableColumns.all_options(), values)


def _work(values: FlagValues) -> None:
    _check(values)
    if values.download:
        with rows_bar("downloading", unit="byte") as progress:
            download(values.download, Path(values.input), log=print, progress=progress)
    if values.inspect:
        _inspect(values)
    elif values.output:
        _prepare(values)


def _check(values: FlagValues) -> None:
    if not values.input:
        raise ConfigError("--input=DIR is needed: where the source is, or is to be downloaded to")
    if not (values.download or values.inspect or values.output):
        raise ConfigError("--output=DIR is needed: where the Dataset is written")
    for name in ("item", "figures"):
        if values[name].value is not None and not values.inspect:
            raise ConfigError(f"--{name} goes with --inspect")
    if values.item is not None and values.figures is not None:
        raise ConfigError("--item prints one item, --figures draws all; leave one of them out")
    if values.earlier is not None and (values.inspect or not values.output):
        raise ConfigError("--earlier goes with --output: what is prepared follows its split")
    if values.output:
        refuse_existing(Path(values.output))


def _prepare(values: FlagValues) -> None:
    source, output = Path(values.input), Path(values.output)
    config = PrepareConfig.from_flat(_chosen(PrepareConfig, values))
    columns = TableColumns(**_chosen(TableColumns, values))
    limits = filters_of(values, config.filters)
    beside = extra_files_of(values)
    earlier = _earlier(values)
    with rows_bar("reading") as progress:
        layout, catalogue = read_source(
            source,
            values.source,
            name=values.name or output.name,
            columns=columns,
            shared_ids=config.entities.shared_ids,
            beside=[kind for kind in ("items", "triples", "neighbours") if values[kind].value],
            progress=progress,
        )
    if config.entities.shared_ids:
        refuse_unshared(layout, catalogue, triples_beside=bool(values.triples))
    root = source if source.is_dir() else source.parent
    files = [root / file for file in catalogue.files] + beside
    unread = not_read(source, catalogue.files, beside)
    catalogue = add_extra_files(catalogue, values, config, columns).extended(notes=unread)
    given = {"filter": values["filter"].value} if values["filter"].present else {}
    provenance = {
        "program": f"kdiffe_jax {kdiffe_jax.__version__}",
        "source": layout,
        "files": sums_by_name(files),
        "options": described(config, columns) | given,
    }
    dataset = prepare(
        catalogue,
        config,
        columns,
        earlier=earlier,
        filters=limits,
        provenance=provenance,
        log=print,
    )
    write_prepared(dataset, output)
    _report(dataset)
    print(
        f"\nwritten: {output}; train with "
        f"python -m launch.main --dataset={quote(dataset.name)} --data_dir={quote(str(output))}"
    )


def _earlier(values: FlagValues) -> Dataset | None:
    if values.earlier is None:
        return None
    path = Path(values.earlier)
    return read_dataset(path, name=path.resolve().name)


def _inspect(values: FlagValues) -> None:
    path = Path(values.input)
    if path.exists() and layout_of(path) not in ("prepared", "kdiffe"):
        raise DataError(f"{path}: not prepared yet; prepare it with --output=DIR, inspect that")
    dataset = read_dataset(path, name=path.resolve().name)
    if values.item is not None:
        print(item_in_words(dataset, values.item))
        return
    _report(dataset)
    if values.figures is None:
        print("\n--figures=DIR draws two figures of the relations")
        return
    for drawn in draw_figures(dataset, values.figures):
        print(f"drawn: {drawn}")


def _report(dataset: Dataset) -> None:
    for note in dataset.notes:
        print(f"{dataset.name}: {note}")
    print(f"\n{diagnosis_text(dataset)}")


def _chosen(group, values: FlagValues) -> dict[str, Any]:
    return {name: values[name].value for name in group.all_options()}


_COMMAND = Command(
    __doc__,
    lambda argv, values: define(values),
    _work,
    interrupted="stopped; no Dataset was written",
)
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
