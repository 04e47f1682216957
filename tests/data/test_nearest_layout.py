"""A directory of no known layout: the line says what is known, and which file is nearest."""

import numpy as np
import pytest

from kdiffe_jax.data.nearest_layout import _FILES
from kdiffe_jax.data.sources import SOURCES, layout_of, read_source
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.errors import DataError


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        layout_of(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("files", "near"),
    [
        (["ratings.npy"], "ratings.npy, which kgcn calls ratings_final.npy"),
        (["rating_final.txt", "README.md"], "rating_final.txt, which kgcn calls ratings_final.txt"),
        (["Interactions.CSV"], "Interactions.CSV, which tables calls interactions.csv"),
        (["interaction.csv", "item.csv"], "interaction.csv, which tables calls interactions.csv"),
        (["movie.csv", "rating.csv"], "rating.csv, which movielens calls ratings.csv"),
        (["train.txt", "notes.md"], "lightgcn, which has train.txt, test.txt, kg_final.txt"),
        (
            ["item_index2entity_id.txt", "kg.txt", "user_artists.dat"],
            "kgcn, which has ratings_final.txt, ratings_final.npy, kg_final.txt, "
            "item_index2entity_id.txt",
        ),
        (["tst_mat.pkl"], "tst_mat.pkl, which kdiffe calls tstMat.pkl"),
    ],
)
def test_the_nearest_file_is_named(tmp_path, files, near):
    for file in files:
        (tmp_path / file).write_text("x")
    message = refusal(tmp_path)
    assert f"no known layout; nearest is {near}; known are" in message
    assert ", ".join(SOURCES) in message


def test_where_nothing_is_near_the_layouts_are_named_alone(tmp_path):
    (tmp_path / "zz.bin").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    assert f"{tmp_path}: no known layout; known are kdiffe, " in refusal(tmp_path)


def test_an_archive_or_the_folder_that_it_brought_is_named(tmp_path):
    (tmp_path / "ml-1m.zip").write_bytes(b"x")
    assert "no known layout; ml-1m.zip is an archive: unpack it first; known" in refusal(tmp_path)
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    for file in ("ratings.dat", "movies.dat"):
        (folder / file).write_text("1::1::5::9\n")
    line = f"no known layout; its folder has that of movielens: --input={folder}; known"
    assert line in refusal(tmp_path)


def test_only_layouts_that_there_are_have_files():
    assert set(_FILES) <= set(SOURCES)


def test_an_array_as_input_is_no_text(tmp_path):
    np.save(tmp_path / "ratings.npy", np.ones((4, 3), int))
    with pytest.raises(DataError, match="ratings.npy: an array of NumPy, not a table"):
        read_source(tmp_path / "ratings.npy", name="shop")


def test_tables_may_call_the_item_otherwise(tmp_path):
    (tmp_path / "interactions.csv").write_text("who,film\nann,7\nben,8\n")
    (tmp_path / "items.csv").write_text("id,title\n7,Heat\n8,Alien\n")
    columns = TableColumns(user_column="who", item_column="film,id")
    _, catalogue = read_source(tmp_path, name="shop", columns=columns)
    assert catalogue.item_names == ("Heat", "Alien")
