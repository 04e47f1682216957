"""Options that a source has no use for: refused, so that none is silently ignored."""

from __future__ import annotations

from collections.abc import Collection

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.data.tables.columns import NONE, TableColumns
from kdiffe_jax.errors import ConfigError

_OF_INTERACTIONS = ("user_column", "rating_column", "time_column", "split_column")
_OF_TEXT = ("separator", "quote")
# Layouts with a table of interactions whose columns have names.
_WITH_COLUMNS = ("tables", "mmrec", "recbole", "movielens", "amazon", "yelp", "frames")
_WITHOUT_MARKS = ("mmrec", "recbole", "amazon", "yelp", "frames")
_TABLES_BESIDE = ("items", "triples", "neighbours")


def refuse_without_effect(layout: str, columns: TableColumns, beside: Collection[str] = ()) -> None:
    """Refuses an option that differs from its default, and that nothing would read.

    Args:
      layout: one of `SOURCES`, or "frames".
      columns: the options.
      beside: which kinds of extra files there are, by their flags.

    Raises:
      ConfigError: names the option and the layout.
    """
    tables = any(kind in beside for kind in _TABLES_BESIDE)
    idle: list[str] = []
    if layout not in _WITH_COLUMNS:
        idle += _OF_INTERACTIONS
        idle += [] if "items" in beside else ["item_column"]
        idle += [] if tables else ["missing"]
    if not tables and (layout not in _WITH_COLUMNS or layout in _WITHOUT_MARKS):
        idle += _OF_TEXT
    for name in idle:
        value = getattr(columns, name)
        if value != getattr(TableColumns, name) and not (
            name.endswith("_column") and value == NONE
        ):
            where = "data frames" if layout == "frames" else f"--source={layout}"
            raise ConfigError(
                f"--{name}={value} has no effect for {where}: nothing there is read by it; "
                "leave it out"
            )


def refuse_without_features(catalogue: Catalogue, config: PrepareConfig) -> None:
    """Refuses options of dense features where there are none.

    `kg_source="features"` leaves out the given relations, so it counts where there are some.

    Raises:
      ConfigError: names the option.
    """
    near, source = config.neighbours.feature_neighbours, config.codebooks.kg_source
    idle = [f"--feature_neighbours={near}"] if near else []
    if source == "features" and not catalogue.relations:
        idle.append("--kg_source=features")
    if idle and not catalogue.features:
        raise ConfigError(
            f"{idle[0]} has no effect: {catalogue.name} has no dense features; add some by "
            "--features, or leave it out"
        )
