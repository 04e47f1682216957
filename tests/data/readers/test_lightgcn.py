"""The LightGCN and KGAT layout: lists, a graph of numbers, names; or one line on what is wrong."""

import shutil

import numpy as np
import pytest

from kdiffe_jax.data.clean import clean
from kdiffe_jax.data.readers.lightgcn import read_lightgcn
from kdiffe_jax.data.settings import InteractionSettings
from kdiffe_jax.data.sources import layout_of, read_source
from kdiffe_jax.errors import DataError


@pytest.fixture
def source(tmp_path):
    (tmp_path / "train.txt").write_text("0 0 1 2\n1 3\n2 \n")
    (tmp_path / "test.txt").write_text("0 3\n1 0\n2 4\n")
    (tmp_path / "kg_final.txt").write_text("0 0 7\n1 0 7\n0 1 2\n9 2 4\n7 3 9\n")
    return tmp_path


def name_all(source):
    users = "org_id remap_id\nann 0\nben 1\ncleo 2\n"
    (source / "user_list.txt").write_text(users)
    items = "".join(f"B{n} {n} m.0{n}\n" for n in range(5))
    (source / "item_list.txt").write_text(f"org_id remap_id freebase_id\n{items}")
    (source / "entity_list.txt").write_text("org_id remap_id\nm.00 0\nred wine 7\nFrance 9\n")
    (source / "relation_list.txt").write_text("org_id remap_id\nhttp://x/kind 0\n")


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        read_lightgcn(path, name="books")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rows_of(catalogue, number):
    rows = catalogue.interactions
    mine = rows.split == number
    return list(zip(rows.users[mine].tolist(), rows.items[mine].tolist(), strict=True))


def links_of(relation):
    names = relation.entity_names or None
    ends = [names[e] if names else e for e in relation.entities.tolist()]
    return relation.name, list(zip(relation.items.tolist(), ends, strict=True))


def test_the_files_are_the_split(source):
    layout, catalogue = read_source(source, name="books")
    assert layout == "lightgcn"
    assert rows_of(catalogue, 0) == [(0, 0), (0, 1), (0, 2), (1, 3)]
    assert rows_of(catalogue, 1) == []
    assert rows_of(catalogue, 2) == [(0, 3), (1, 0), (2, 4)]
    assert (catalogue.user_ids, catalogue.item_ids) == (tuple("012"), tuple("01234"))
    assert catalogue.files == ("train.txt", "test.txt", "kg_final.txt")


def test_a_validation_file_is_read(source):
    (source / "valid.txt").write_text("1 1\n")
    catalogue = read_lightgcn(source, name="books")
    assert rows_of(catalogue, 1) == [(1, 1)]
    assert catalogue.files[:3] == ("train.txt", "valid.txt", "test.txt")


def test_heads_and_tails_below_the_number_of_items_are_items(source):
    catalogue = read_lightgcn(source, name="books")
    assert [links_of(relation) for relation in catalogue.relations] == [
        ("relation 0", [(0, "entity 7"), (1, "entity 7")]),
        ("relation 1", [(0, 2)]),
        ("relation 2 (inverse)", [(4, "entity 9")]),
    ]
    assert catalogue.relations[1].links_items
    note = "kg_final.txt: 1 of 5 triples touch no item and were left out"
    assert catalogue.notes == (note,)


def test_lists_say_what_numbers_are_called(source):
    name_all(source)
    catalogue = read_lightgcn(source, name="books")
    assert catalogue.user_ids == ("ann", "ben", "cleo")
    assert catalogue.item_ids == ("B0", "B1", "B2", "B3", "B4")
    assert links_of(catalogue.relations[0]) == ("http://x/kind", [(0, "red wine"), (1, "red wine")])
    assert catalogue.relations[1].name == "relation 1"
    assert len(catalogue.files) == 7


def test_without_graph_is_said(source):
    (source / "kg_final.txt").unlink()
    catalogue = read_lightgcn(source, name="books")
    assert catalogue.relations == ()
    assert catalogue.notes == ("no kg_final.txt: the source gives no relations",)


def test_a_graph_that_is_still_packed_is_not_passed_over(source):
    (source / "kg_final.txt").rename(source / "kg_final.txt.zip")
    assert "kg_final.txt.zip: unzip it beside the other files first" in refusal(source)


def test_splits_that_overlap_are_refused_when_cleaned(source):
    (source / "test.txt").write_text("0 0 3\n")
    with pytest.raises(DataError, match="train and test"):
        clean(read_lightgcn(source, name="books"), InteractionSettings())


def test_a_table_of_ratings_is_no_list(source):
    rows = "".join(f"{user} {item} 1\n" for user in range(3) for item in range(4))
    (source / "train.txt").write_text(rows)
    message = refusal(source)
    assert "train.txt: every line has 3 numbers and users have several lines" in message


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("train.txt", "0 1\n1 x\n", "train.txt, line 2: '1 x': expected whole numbers"),
        ("kg_final.txt", "0 0 7\n0 1\n", "kg_final.txt, line 2: '0 1': expected 3 whole numbers"),
        ("kg_final.txt", "0 0 -7\n", "kg_final.txt, line 1: '0 0 -7': expected 3 whole numbers"),
        ("kg_final.txt", "0 0 9999999999\n", "kg_final.txt, line 1: numbers are 0..2147483647"),
        ("kg_final.txt", "7 0 8\n", "kg_final.txt: none of its 1 triples touches an item"),
        ("kg_final.txt", "", "kg_final.txt: the file is empty"),
        ("user_list.txt", "org_id remap_id\nann 0\n", "user_list.txt: no line names number 1"),
        ("user_list.txt", "ann 0\nben 0\n", "user_list.txt, line 2: number 0 stands there twice"),
        ("user_list.txt", "ann 0\nann 1\n", "user_list.txt, line 2: 'ann' stands there twice"),
        ("item_list.txt", "org_id remap_id\nB0\n", "item_list.txt, line 2: 'B0': expected a name"),
        ("item_list.txt", "B 2147483647\n", "item_list.txt: no line names number 0"),
    ],
)
def test_a_mistake_is_one_line(source, file, content, message):
    (source / file).write_text(content)
    assert message in refusal(source)


@pytest.mark.real_data
def test_lists_of_beauty_with_a_graph_of_its_words(real_data, tmp_path):
    """The lists of MEGCF are those of this layout; train holds the validation pairs there too."""
    beauty = real_data / "megcf-beauty"
    for file in ("train.txt", "test.txt"):
        shutil.copy(beauty / file, tmp_path)
    lines = [line.split() for line in (beauty / "i2e_title.txt").read_text().splitlines()]
    triples = [f"{item} 0 {8678 + int(word)}\n" for item, *words in lines for word in words]
    (tmp_path / "kg_final.txt").write_text("".join(triples))
    assert layout_of(tmp_path) == "lightgcn"
    catalogue = read_lightgcn(tmp_path, name="beauty")
    assert (catalogue.n_users, catalogue.n_items) == (15576, 8678)
    assert np.bincount(catalogue.interactions.split).tolist() == [123742, 0, 15576]
    (words,) = catalogue.relations
    assert len(words.items) == len(set(triples)) and not words.links_items
