"""The KGCN, RippleNet and MCCLK layout, as text and as arrays; or one line on what is wrong."""

import numpy as np
import pytest

from kdiffe_jax.data.readers.kgcn import read_kgcn
from kdiffe_jax.data.sources import read_source
from kdiffe_jax.errors import DataError

RATINGS = [[0, 0, 1], [0, 2, 0], [1, 1, 1], [2, 2, 1], [3, 0, 0]]
TRIPLES = [[0, 0, 5], [1, 0, 5], [2, 4, 0], [6, 4, 1]]


@pytest.fixture
def source(tmp_path):
    for stem, rows in (("ratings_final", RATINGS), ("kg_final", TRIPLES)):
        text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
        (tmp_path / f"{stem}.txt").write_text(text)
    (tmp_path / "item_index2entity_id.txt").write_text("034X\t17\n99\t4\n7\t2\n")
    return tmp_path


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        read_kgcn(path, name="music")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_rows_with_label_0_are_no_interactions(source):
    layout, catalogue = read_source(source, name="music")
    assert layout == "kgcn"
    rows = catalogue.interactions
    assert list(zip(rows.users, rows.items, strict=True)) == [(0, 0), (1, 1), (2, 2)]
    assert rows.split is None and rows.ratings is None and rows.users.dtype == np.int32
    assert catalogue.notes == (
        "ratings_final.txt: 2 of 5 rows have label 0 and are no interactions",
    )
    assert catalogue.n_users == 4
    assert catalogue.item_ids == ("034X", "99", "7")
    assert catalogue.files == ("ratings_final.txt", "kg_final.txt", "item_index2entity_id.txt")


def test_numbers_below_the_number_of_items_are_items(source):
    one, other, inverse = read_kgcn(source, name="music").relations
    assert one.name == "relation 0" and one.items.tolist() == [0, 1]
    assert {one.entity_names[e] for e in one.entities} == {"entity 5"}
    assert other.links_items and (other.items.tolist(), other.entities.tolist()) == ([2], [0])
    assert inverse.name == "relation 4 (inverse)" and inverse.items.tolist() == [1]


def test_arrays_say_the_same(source):
    by_text = read_kgcn(source, name="music")
    for stem, rows in (("ratings_final", RATINGS), ("kg_final", TRIPLES)):
        (source / f"{stem}.txt").unlink()
        np.save(source / f"{stem}.npy", np.array(rows))
    by_array = read_kgcn(source, name="music")
    assert by_array.item_ids == by_text.item_ids
    assert by_array.interactions.items.tolist() == by_text.interactions.items.tolist()
    for one, other in zip(by_array.relations, by_text.relations, strict=True):
        assert (one.name, one.items.tolist()) == (other.name, other.items.tolist())


def test_without_ids_and_graph_items_are_those_rated(source):
    (source / "item_index2entity_id.txt").unlink()
    (source / "kg_final.txt").unlink()
    catalogue = read_kgcn(source, name="music")
    assert catalogue.item_ids == ("0", "1", "2")
    assert catalogue.notes[-1] == "no kg_final.txt: the source gives no relations"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("ratings_final.txt", "0 0 5\n", "ratings_final.txt: label 5 of user 0, item 0: labels"),
        ("ratings_final.txt", "0 0 0\n", "ratings_final.txt: no row has label 1"),
        ("ratings_final.txt", "0 0 1\n\n0 1\n", "ratings_final.txt, line 3: '0 1': expected 3"),
        ("ratings_final.txt", "0 0.5 1\n", "ratings_final.txt, line 1: '0 0.5 1': expected 3"),
        ("ratings_final.txt", "0 0 1\n0 9 1\n", "3 lines, but ratings_final.txt has item 9"),
        ("kg_final.txt", "9 0 8\n", "kg_final.txt: none of its 1 triples touches an item"),
        ("item_index2entity_id.txt", "a 1\na 2\nb 3\n", ", line 2: item 'a' is on line 1 already"),
        ("item_index2entity_id.txt", "a b c\n", ", line 1: 'a b c': expected an item and its"),
    ],
)
def test_a_mistake_is_one_line(source, file, content, message):
    (source / file).write_text(content)
    assert message in refusal(source)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones((2, 3)), "shape (2, 3), float64: expected whole numbers in 3 columns"),
        (np.ones((2, 2), int), "shape (2, 2), int64: expected whole numbers in 3 columns"),
        (np.array([[0, 0, 1], [0, -1, 1]]), "ratings_final.npy, row 1: numbers are 0..2147483647"),
        (np.zeros((0, 3), int), "ratings_final.npy: it has no row"),
        (np.array([{}]), "ratings_final.npy: not a readable .npy array"),
    ],
)
def test_a_mistake_in_an_array_is_one_line(source, rows, message):
    (source / "ratings_final.txt").unlink()
    np.save(source / "ratings_final.npy", rows, allow_pickle=True)
    assert message in refusal(source)


def test_no_ratings_at_all(tmp_path):
    assert "ratings_final.txt: no such file" in refusal(tmp_path)
