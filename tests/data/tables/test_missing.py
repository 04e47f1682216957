"""Words for a missing value: no user, no item, no entity, unless they are said to be."""

import numpy as np
import pytest

from kdiffe_jax.data.prepare import content_relations
from kdiffe_jax.data.readers.tables import read_tables
from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.errors import DataError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
WORDS = ("NA", "N/A", "nan", "NaN", "None", "null", "NULL", "\\N", "-", "<NA>", "#N/A", " nan ")


def written(directory, **tables):
    for name, text in tables.items():
        (directory / f"{name}.csv").write_text(text, encoding="utf-8")
    return directory


def read(path, **columns):
    return read_tables(path, name="shop", columns=TableColumns(**columns))


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("row", ["{},pen", "ann,{}"])
def test_no_id(tmp_path, word, row):
    text = "user,item\nbo,cup\n" + row.format(word) + "\n"
    written(tmp_path, interactions=text)
    what = "user" if row.startswith("{") else "item"
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert f"row 3: the {what} id '{word}' is a word for a missing value" in str(caught.value)
    assert "--missing" in str(caught.value)
    assert word in (*read(tmp_path, missing="").user_ids, *read(tmp_path, missing="").item_ids)
    with pytest.raises(DataError, match="'cup' is a word for a missing value"):
        read(tmp_path, missing="cup, x")


def test_no_rating_and_no_time(tmp_path):
    text = "user,item,rating,time\na,x,5,NULL\nb,x,NA,None\nc,x,-,-\n"
    rows = read(written(tmp_path, interactions=text)).interactions
    np.testing.assert_array_equal(rows.ratings, np.array([5, np.nan, np.nan], np.float32))
    assert rows.times is None
    written(tmp_path, interactions="user,item,time\na,x,5\nb,x,NA\n")
    with pytest.raises(DataError, match="row 3: no time, as in 1 of 2 rows"):
        read(tmp_path)


ITEMS = "item,title,brand\nx,None,Acme\ny,cup,nan\nz,pen,-\n"


def test_no_text_and_no_attribute(tmp_path):
    shop = read(written(tmp_path, interactions="user,item\na,x\nb,y\n", items=ITEMS))
    assert shop.columns == {"title": ("", "cup", "pen"), "brand": ("Acme", "", "")}
    note = "items.csv: words for a missing value count as none: title (1), brand (2)"
    assert note in shop.notes
    (brand,) = content_relations(shop, PrepareConfig(), TableColumns(text_columns="none"))
    assert brand.entity_names == ("Acme",)
    assert read(tmp_path, missing="").columns["brand"] == ("Acme", "nan", "-")


def test_no_entity_of_a_triple(tmp_path):
    triples = "item,relation,entity\nx,by,Acme\ny,by,None\n"
    shop = read(written(tmp_path, interactions="user,item\na,x\nb,y\n", triples=triples))
    assert [(r.items.tolist(), r.entity_names) for r in shop.relations] == [([0], ("Acme",))]
    assert any("triples.csv: 1 links to a word for a missing value" in n for n in shop.notes)
    assert read(tmp_path, missing="").relations[0].entity_names == ("Acme", "None")
    written(tmp_path, triples="item,relation,entity\nx,by,Acme\ny,null,b\n")
    with pytest.raises(DataError, match="row 3: the relation id 'null' is a word for a missing"):
        read(tmp_path)


@pytest.mark.parametrize("missing", ("nan", ""))
def test_nan_of_a_column_of_numbers(tmp_path, missing):
    written(tmp_path, interactions="user,item\na,x\nb,y\n")
    sizes = pa.array([2.5, float("nan")])
    table = {"item": ["x", "y"], "size": sizes, "code": sizes.dictionary_encode()}
    pq.write_table(pa.table(table), tmp_path / "items.parquet")
    shop = read(tmp_path, missing=missing)
    assert shop.columns == {"size": ("2.5", ""), "code": ("2.5", "")}
    assert not any("words for a missing value" in note for note in shop.notes)
