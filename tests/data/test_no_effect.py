"""An option works for a source, or is refused for it in one line."""

import numpy as np
import pytest

from kdiffe_jax.data.no_effect import refuse_without_effect
from kdiffe_jax.data.prepare import prepare
from kdiffe_jax.data.readers.prepared import write_prepared
from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.data.sources import SOURCES, read_source
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.errors import ConfigError, DataError

pytest.importorskip("pyarrow")
NUMBERED = ("kdiffe", "megcf", "lightgcn", "kgcn", "prepared")
OF_INTERACTIONS = ("user_column", "rating_column", "time_column", "split_column")
OF_TABLES = {"missing": "x", "quote": "none", "separator": ";", "item_column": "x"}


def refusal(layout, beside=(), **options) -> str:
    with pytest.raises(ConfigError) as caught:
        refuse_without_effect(layout, TableColumns(**options), beside)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("layout", NUMBERED)
@pytest.mark.parametrize("option", OF_INTERACTIONS)
def test_columns_of_interactions_that_have_no_names(layout, option):
    message = refusal(layout, ["items"], **{option: "x"})
    assert f"--{option}=x has no effect for --source={layout}" in message
    refuse_without_effect(layout, TableColumns(**{option: "none"}))


@pytest.mark.parametrize("layout", NUMBERED)
@pytest.mark.parametrize("option", OF_TABLES)
def test_options_of_tables_need_tables(layout, option):
    chosen = {option: OF_TABLES[option]}
    assert f"--{option}={OF_TABLES[option]} has no effect" in refusal(layout, **chosen)
    refuse_without_effect(layout, TableColumns(**chosen), ["items"])


def test_files_that_are_written_in_one_way():
    for layout in ("recbole", "mmrec"):
        assert f"--quote=double has no effect for --source={layout}" in refusal(
            layout, quote="double"
        )
        refuse_without_effect(layout, TableColumns(quote="double"), ["triples"])
    assert "--separator=; has no effect for data frames" in refusal("frames", separator=";")


@pytest.mark.parametrize("layout", SOURCES)
def test_defaults_are_never_refused(layout):
    refuse_without_effect(layout, TableColumns())


HEADER = "user_id:token\titem_id:token\tlabel:float\twhen:float\n"
ROWS = [(user, item, (user + item) % 2, user * item) for user in range(4) for item in range(6)]


def recbole(directory, name="shop.inter", rows=ROWS):
    lines = ["\t".join(map(str, row)) + "\n" for row in rows]
    (directory / name).write_text(HEADER + "".join(lines), encoding="utf-8")
    return directory


def test_recbole_reads_the_columns_that_are_named(tmp_path):
    columns = TableColumns(rating_column="label", time_column="when")
    layout, shop = read_source(recbole(tmp_path), name="shop", columns=columns)
    assert layout == "recbole"
    rows = [(user, item) for user, item, label, _ in ROWS if label]
    data = prepare(shop, PrepareConfig.from_flat({"min_rating": 1.0, "split": "leave_one_out"}))
    pairs = np.concatenate([data.train, data.valid, data.test])
    kept = {(int(data.user_ids[u]), int(data.item_ids[i])) for u, i in pairs.tolist()}
    assert kept == set(rows)


def test_a_rating_that_nothing_is_compared_with(tmp_path):
    columns = TableColumns(rating_column="none")
    _, shop = read_source(recbole(tmp_path), name="shop", columns=columns)
    with pytest.raises(ConfigError, match="--min_rating=1 has no effect: shop has no ratings"):
        prepare(shop, PrepareConfig.from_flat({"min_rating": 1.0}))


def test_a_split_column_of_files_that_are_the_split(tmp_path):
    for split in ("train", "valid", "test"):
        recbole(tmp_path, f"shop.{split}.inter")
    columns = TableColumns(split_column="label")
    with pytest.raises(ConfigError, match="--split_column=label has no effect: shop.train.inter"):
        read_source(tmp_path, name="shop", columns=columns)


def test_a_prepared_source(tmp_path):
    _, shop = read_source(recbole(tmp_path), name="shop")
    write_prepared(prepare(shop), tmp_path / "shop")
    with pytest.raises(ConfigError, match="--time_column=when has no effect for --source=prepared"):
        read_source(tmp_path / "shop", name="shop", columns=TableColumns(time_column="when"))


@pytest.mark.parametrize(
    ("options", "error", "expected"),
    [
        (
            {"list_separator": ";"},
            ConfigError,
            "--list_separator has no effect: no column of items",
        ),
        ({"path_separator": "/"}, ConfigError, "--path_separator has no effect"),
        ({"item_name_column": "x"}, DataError, "item_name_column: items have no column 'x'"),
        ({"text_columns": "x"}, DataError, "text_columns: items have no column 'x'"),
    ],
)
def test_options_of_item_columns_without_such_columns(tmp_path, options, error, expected):
    columns = TableColumns(**options)
    _, shop = read_source(recbole(tmp_path), name="shop", columns=columns)
    with pytest.raises(error, match=expected):
        prepare(shop, PrepareConfig(), columns)
