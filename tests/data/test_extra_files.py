"""Files added to a catalogue: what they say of its items is kept, the rest is counted."""

import dataclasses
import pickle

import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.data.catalogue import Catalogue, Interactions, catalogue_of
from kdiffe_jax.data.extra_files import add_features, add_items, add_labels, add_similarity
from kdiffe_jax.data.readers.kdiffe import read_kdiffe
from kdiffe_jax.data.readers.link_table import add_neighbours
from kdiffe_jax.data.settings import LabelSettings
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.data.tables.values import LIST_MARK
from kdiffe_jax.errors import DataError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

SHOP = Catalogue(
    name="shop",
    user_ids=("ann",),
    item_ids=("pen", "ink", "пар", "4"),
    interactions=Interactions(np.zeros(1, np.int32), np.zeros(1, np.int32)),
)


@pytest.fixture
def write(tmp_path):
    def write(text, name="side.csv"):
        (tmp_path / name).write_bytes(text.encode())
        return tmp_path / name

    return write


def refusal(function, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        function(SHOP, *arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Items


def test_items(write):
    shop = add_items(SHOP, write("item,title,brand\nпар,Steam,Acme\nnail,Nail,Acme\npen,Pen,\n"))
    assert shop.columns == {"title": ("Pen", "", "Steam", ""), "brand": ("", "", "Acme", "")}
    assert shop.item_names == shop.columns["title"] and shop.item_pictures == ()
    assert shop.notes == (
        "side.csv: 1 of 3 item ids are unknown and their rows were dropped, the first is 'nail'",
    )
    assert shop.files == ("side.csv",) and shop.item_ids == SHOP.item_ids


def test_progress_of_items(write):
    done = []
    file = write("item,title\npen,Pen\nink,Ink\n")
    add_items(SHOP, file, progress=lambda *counts: done.append(counts))
    assert done == [(2, file.stat().st_size, file.stat().st_size)]


def test_a_second_table_of_items_fills_and_replaces(write):
    shop = add_items(SHOP, write("item,title,year\npen,Pen,1\nink,Ink,\n", "a.csv"))
    shop = add_items(shop, write("item,title,brand\npen,,Acme\nink,Blue ink,Bic\n4,Four,\n"))
    assert shop.columns["title"] == ("Pen", "Blue ink", "", "Four") == shop.item_names
    assert shop.columns["brand"] == ("Acme", "Bic", "", "") and shop.columns["year"][0] == "1"
    assert shop.notes == ("side.csv: 1 texts of 'title' replace earlier ones",)


def test_items_from_parquet_with_lists_and_paths(tmp_path):
    table = {
        "item": ["pen", "4"],
        "tags": [["red", None, "", "thin"], None],
        "category": [["Office", "Pens"], []],
        "paths": [[["A", "B"], ["C"]], [None, ["D"]]],
        "sizes": [[1, 2], [3]],
        "year": [1999, None],
        "struct": [{"a": 1}, {"a": 2}],
    }
    pq.write_table(pa.table(table), tmp_path / "items.parquet")
    shop = add_items(SHOP, tmp_path / "items.parquet")
    rows = {name: (texts[0], texts[3]) for name, texts in shop.columns.items()}
    assert rows == {
        "tags": (LIST_MARK + '["red", null, "", "thin"]', ""),
        "category": (LIST_MARK + '["Office", "Pens"]', ""),
        "paths": ("A > B|C", "D"),
        "sizes": ("1|2", "3"),
        "year": ("1999", ""),
    }
    assert shop.notes == ("items.parquet: ignored struct, neither text nor numbers",)
    columns = TableColumns(path_columns="sizes", list_separator=";", path_separator="/")
    rows = add_items(SHOP, tmp_path / "items.parquet", columns).columns
    assert rows["sizes"][0] == LIST_MARK + '["1", "2"]' and rows["category"][0] == "Office;Pens"
    assert rows["paths"][0] == "A/B;C"


def test_lists_beyond_the_first_rows_of_parquet(tmp_path, monkeypatch):
    monkeypatch.setattr("kdiffe_jax.data.tables.parquet._ROWS", 1)
    table = {"item": ["pen", "ink", "4"], "tags": [["a"], ["b", "c"], []]}
    pq.write_table(pa.table(table), tmp_path / "items.parquet")
    assert add_items(SHOP, tmp_path / "items.parquet").columns["tags"] == (
        LIST_MARK + '["a"]',
        LIST_MARK + '["b", "c"]',
        "",
        "",
    )


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("item,title\npen,a\nink,b\npen,c\n", {}, "row 4: item 'pen' has row 2 already; keep one"),
        ("item,title\npen,a\n,b\n", {}, "row 3: the item id is empty"),
        ("what,title\npen,a\n", {}, "no column of item ids; name one of what, title"),
        ("item,title\npen,a\n", {"item_column": "sku"}, "no column 'sku'; it has item, title"),
        ("item,t\npen,a\n", {"item_name_column": "title"}, "no column 'title'; it has t"),
        ("item,t\npen,a\n", {"item_picture_column": "x"}, "no column 'x'; it has t"),
        ("item,title\nPEN,a\n", {}, "none of its 1 item ids is known; it has 'PEN', but"),
        ("item,title\n", {}, "it has no row below the header"),
        ("item,title,title\npen,a,b\n", {}, "2 columns are called 'title'; rename them"),
        ("item,title\npen,a,b\n", {}, "row 2: 3 columns, expected 2"),
        ("", {}, "the file is empty"),
    ],
)
def test_malformed_items(write, text, columns, expected):
    message = refusal(add_items, write(text), TableColumns(**columns))
    assert "side.csv" in message and expected in message


# Features

ROWS = np.arange(8, dtype=np.float16).reshape(4, 2)


@pytest.fixture
def rows(tmp_path):
    np.save(tmp_path / "image.npy", ROWS)
    return tmp_path / "image.npy"


def test_features_in_the_order_of_items(rows):
    shop = add_features(SHOP, rows, "image")
    np.testing.assert_array_equal(shop.features["image"], ROWS)
    assert shop.features["image"].dtype == np.float16 and shop.notes == ()
    assert shop.files == ("image.npy",)


@pytest.mark.parametrize("beside", (True, False))
@pytest.mark.parametrize("ending", ("\n", "\r\n"))
@pytest.mark.parametrize("lines_after", (1, 3))
def test_features_by_id(rows, tmp_path, beside, ending, lines_after):
    ids = tmp_path / ("image.ids.txt" if beside else "names")
    ids.write_bytes(
        ending.join(["пар", "nail", "pen", "bolt"]).encode() + lines_after * ending.encode()
    )
    shop = add_features(SHOP, rows, "image", None if beside else ids)
    np.testing.assert_array_equal(shop.features["image"], [[4, 5], [0, 0], [0, 1], [0, 0]])
    assert shop.notes == (
        f"{ids.name}: 2 of 4 item ids are unknown and their rows were dropped, the first is 'nail'",
        "image.npy: 2 items have no row and get zeros",
    )
    assert shop.files == ("image.npy", ids.name)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (b"pen\nink\n", "4 rows for 2 items"),
        (b"pen\nink\n4\npen\n", "line 4: item 'pen' is on line 1 already; keep one"),
        (b"pen\n\nink\n4\n", "line 2: the item id is empty; one id a line is needed"),
        (b"", "the file is empty"),
        (b"0\n1\n2\n3\n", "none of its 4 item ids is known; it has '0', but"),
        ("größe\n".encode("latin1"), "not UTF-8 text: "),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_malformed_ids_of_features(rows, ids, expected):
    rows.with_name("image.ids.txt").write_bytes(ids)
    message = refusal(add_features, rows, "image")
    assert "image." in message and expected in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (ROWS[:3], "3 rows for 4 items; one row an item is needed"),
        (ROWS[:, 0], "expected a numeric matrix"),
        (np.where(ROWS == 5, np.nan, ROWS), "row 2 (counted from 0): a NaN or infinite value"),
        (np.array([[None]] * 4), "not a readable .npy array"),
        (b"\x93NUMPY", "not a readable .npy array"),
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"PK\x03\x04", "unzip it"),
    ],
)
def test_malformed_features(rows, content, expected):
    if isinstance(content, bytes):
        rows.write_bytes(content)
    else:
        np.save(rows, content)
    message = refusal(add_features, rows, "image")
    assert "image.npy" in message and expected in message


def test_features_that_are_not_there_or_there_already(rows, tmp_path):
    assert "no such file" in refusal(add_features, tmp_path / "text.npy", "text")
    assert "no such file" in refusal(add_features, rows, "image", tmp_path / "ids.txt")
    (tmp_path / "text.npy.zip").write_bytes(b"PK\x03\x04")
    assert "text.npy.zip: unzip it first" in refusal(add_features, tmp_path / "text.npy", "text")
    shop = add_features(SHOP, rows, "image")
    with pytest.raises(DataError, match="there are 'image' features already"):
        add_features(shop, rows, "image")
    assert "features 'a/b': the name holds a slash" in refusal(add_features, rows, "a/b")


@pytest.mark.real_data
def test_the_extra_files_of_baby(real_data):
    folder = real_data / "baby"
    baby = catalogue_of(read_kdiffe(folder, name="baby"))
    baby = add_items(baby, folder / "items.tsv")
    assert baby.item_ids == tuple(map(str, range(7050)))
    titles, descriptions = baby.columns["title"], baby.columns["description"]
    assert sum(map(bool, titles)) == 3416 and sum(map(bool, descriptions)) == 977
    assert baby.item_pictures[0].endswith("51kI99A6T9L._SY300_.jpg") and baby.item_names == titles
    given = len(baby.relations)
    for kind, rows in (("image", 63503), ("text", 63454)):
        baby = add_neighbours(baby, folder / f"knn_{kind}_top10.tsv", kind)
        near = baby.relations[-1]
        assert near.links_items and len(near.items) == rows
        assert np.bincount(near.items, minlength=7050).max() <= 10
        assert (near.items != near.entities).all()
        assert -1.001 <= near.weights.min() and near.weights.max() <= 1.001
    assert len(baby.relations) == given + 2
    assert not any("unknown" in note for note in baby.notes)


# Class scores and similarities


def test_labels_are_matched_by_the_ids_beside_them(tmp_path, write):
    np.save(tmp_path / "seen.npy", np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], "f2"))
    write("пар\nnail\npen\n", "seen.ids.txt")
    names = write("cat\ndog\n", "names.txt")
    settings = LabelSettings(labels_per_item=1)
    shop = add_labels(SHOP, tmp_path / "seen.npy", names, "seen", settings)
    (seen,) = shop.relations
    found = {
        SHOP.item_ids[i]: seen.entity_names[e]
        for i, e in zip(seen.items.tolist(), seen.entities.tolist(), strict=True)
    }
    assert found == {"пар": "cat", "pen": "cat"}
    assert shop.files == ("seen.npy", "seen.ids.txt", "names.txt")
    assert any("'nail'" in note for note in shop.notes)


@pytest.mark.parametrize(("kind", "scores"), [("auto", [0.9, 0.8]), ("probabilities", [0.9, 1.8])])
def test_a_label_that_is_refused_names_its_item(tmp_path, write, kind, scores):
    np.save(tmp_path / "seen.npy", np.array([[0.5, 0.5], [0.5, 0.5], scores]))
    write("пар\nnail\npen\n", "seen.ids.txt")
    names, settings = write("cat\ndog\n", "names.txt"), LabelSettings(label_scores=kind)
    message = refusal(add_labels, tmp_path / "seen.npy", names, "seen", settings)
    assert message.startswith("labels 'seen', item 'pen': ")


def test_labels_of_another_number_of_classes(tmp_path, write):
    np.save(tmp_path / "seen.npy", np.ones((4, 2)))
    message = refusal(
        add_labels, tmp_path / "seen.npy", write("cat\n", "names.txt"), "seen", LabelSettings()
    )
    assert "1 class names for 2 columns" in message


@pytest.mark.parametrize("suffix", (".npz", ".pkl"))
def test_a_similarity_becomes_links_between_items(tmp_path, suffix):
    matrix = sparse.coo_array(np.diag([1.0, 1.0, 1.0, 0.0]) + np.eye(4, k=2) * 0.5)
    file = tmp_path / f"similar{suffix}"
    if suffix == ".npz":
        sparse.save_npz(file, matrix)
    else:
        file.write_bytes(pickle.dumps(matrix))
    (similar,) = add_similarity(SHOP, file, "similar").relations
    assert similar.links_items and similar.weights.tolist() == [0.5, 0.5]
    assert list(zip(similar.items.tolist(), similar.entities.tolist(), strict=True)) == [
        (0, 2),
        (1, 3),
    ]


def test_rows_of_a_similarity_are_those_of_the_ids_beside_it(tmp_path):
    file = tmp_path / "similar.npz"
    sparse.save_npz(file, sparse.csr_array(np.array([[0, 0.5, 0.7], [0, 0, 0], [0, 0, 0]])))
    (tmp_path / "similar.ids.txt").write_text("4\npen\nnail\n")
    unnumbered = dataclasses.replace(SHOP, numbered=False)
    for shop in (SHOP, unnumbered):
        found = add_similarity(shop, file, "similar")
        (similar,) = found.relations
        assert (similar.items.tolist(), similar.entities.tolist()) == ([3], [0])
        assert "1 of 3 item ids are unknown" in found.notes[0]
        assert found.files == ("similar.npz", "similar.ids.txt")
    (tmp_path / "similar.ids.txt").unlink()
    with pytest.raises(DataError, match="does not number its items"):
        add_similarity(unnumbered, file, "similar")


def test_similarities_that_do_not_fit(tmp_path):
    sparse.save_npz(tmp_path / "small.npz", sparse.eye_array(3).tocsr())
    assert "shape (3, 3) for 4 items" in refusal(add_similarity, tmp_path / "small.npz", "s")
    sparse.save_npz(tmp_path / "nan.npz", sparse.csr_array(np.full((4, 4), np.nan)))
    assert "NaN" in refusal(add_similarity, tmp_path / "nan.npz", "s")
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 not a zip")
    assert "bad.npz" in refusal(add_similarity, tmp_path / "bad.npz", "s")
    np.savez(tmp_path / "object.npz", data=np.array([{}], object), format=b"csr", shape=(4, 4))
    assert "object.npz" in refusal(add_similarity, tmp_path / "object.npz", "s")
