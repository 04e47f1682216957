"""Lists written as text: by Python, JSON and NumPy, and what only looks like one."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdiffe_jax.data.content.attributes import attribute_relation, list_relation, path_relation
from kdiffe_jax.data.content.list_texts import read_lists, separator_hint
from kdiffe_jax.data.tables.values import LIST_MARK


def names_of(relation, item) -> list[str]:
    return [relation.entity_names[e] for e in relation.entities[relation.items == item]]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("['Drama', 'Comedy']", ("Drama", "Comedy")),
        ('["Drama", "Comedy"]', ("Drama", "Comedy")),
        ("('Drama',)", ("Drama",)),
        ("{'War', 'Drama'}", ("Drama", "War")),
        ("[]", ()),
        ("[1, 2.5]", ("1", "2.5")),
        ('["Drama", null, NaN]', ("Drama",)),
        ("['Drama', None, nan, 'nan']", ("Drama", "nan")),
        ("[\"it's\", 'a\\'b']", ("it's", "a'b")),
        ("['rock, pop', 'x] [y']", ("rock, pop", "x] [y")),
        ("[['Baby', 'Toys'], ['Gifts']]", (("Baby", "Toys"), ("Gifts",))),
        ("[{'id': 28, 'name': 'Action'}, {'id': 3, 'name': 'War'}]", ("Action", "War")),
        ("['\\d']", ("\\d",)),
        ('["\\ud800x"]', ("x",)),
        ("[Drama, Science Fiction]", ("Drama", "Science Fiction")),
        ("[[['a']]]", None),
        ("[array(['a'])]", None),
        ("[__import__('os').getcwd()]", None),
        ("[" * 5000 + "]" * 5000, None),
        ("[{'id': 28}]", None),
        (f"[0x{'f' * 9000}]", None),
    ],
)
def test_one_list(text, values):
    assert read_lists([text]).values == [values]


@pytest.mark.parametrize(
    ("array", "values"),
    [
        (np.array(["Drama", "Sci Fi", "it's"]), ("Drama", "Sci Fi", "it's")),
        (np.array([["a", "b"], ["c", "d"]]), (("a", "b"), ("c", "d"))),
    ],
)
def test_arrays_as_numpy_prints_them(array, values):
    assert read_lists([str(array)]).values == [values]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("[](){}'\",:ab \\0n_\n\u00e9", max_size=25), max_size=4))
def test_any_text_is_read_or_is_no_list(texts):
    lists = read_lists([f"[{text}]" for text in texts] + texts)
    for values in lists.values if lists else ():
        for value in values or ():
            inner = (value,) if isinstance(value, str) else value
            assert all(isinstance(text, str) for text in inner)


@pytest.mark.parametrize(
    "texts", (["", ""], ["Drama|War"], ["(2019)", "2020"], ["[x]", "a", "b"], ["{x}"])
)
def test_columns_that_are_no_lists(texts):
    assert read_lists(texts) is None


def test_what_cannot_be_read_is_counted_and_stays_a_value():
    texts = ["['Drama', 'War']", "['Drama']", "", "['Dra", "War"]
    lists = read_lists([*texts, "['War']"])
    assert lists.values == [("Drama", "War"), ("Drama",), None, None, None, ("War",)]
    assert lists.note == (
        "3 of 5 values are lists written as text, and were read as such; 1 look like lists "
        'written as text and cannot be read, the first is "[\'Dra"; write them with the list '
        "separator between, or as Parquet lists"
    )
    relation = list_relation("genres", [*texts, "['War']"], "|")
    assert names_of(relation, 0) == ["Drama", "War"] and names_of(relation, 4) == ["War"]


def test_a_column_of_lists_that_cannot_be_read_says_so():
    lists = read_lists(["[array(['a'])]", "[array(['b'])]", "x"])
    assert lists.values == [None, None, None] and lists.note.startswith("2 look like lists")


@pytest.mark.parametrize("others", (["Comedy|Drama"] * 7, ["['Comedy', 'Drama']"] * 7))
def test_lists_of_a_table_stay_lists_whatever_stands_beside_them(others):
    texts = [LIST_MARK + '["Drama", "a|b"]', "", *others]
    genres = list_relation("genres", texts, "|")
    assert names_of(genres, 0) == ["Drama", "a|b"]
    assert genres.entity_names == ("Comedy", "Drama", "a|b")
    assert ("7 of 7 values are lists written as text" in genres.note) == (others[0][0] == "[")
    artist = attribute_relation("artist", [texts[0], "Simon|Garfunkel", "Abba"])
    assert artist.entity_names == ("Abba", "Drama", "Simon|Garfunkel", "a|b")


def test_a_list_of_a_table_has_any_length():
    names = [f"actor {number:05}" for number in range(20_000)]
    actors = attribute_relation("actors", [LIST_MARK + json.dumps(names), "Ann"])
    assert names_of(actors, 0) == names


def test_lists_and_paths_as_text_become_entities():
    genres = list_relation("genres", ["['Drama', 'Comedy']", "['War', 'Comedy']"], "|")
    assert genres.entity_names == ("Comedy", "Drama", "War")
    assert genres.note.endswith("2 of 2 values are lists written as text, and were read as such")
    nested = path_relation(
        "categories", ["[['Baby', 'Toys']]", "[['Baby', 'Games'], ['Gifts']]"], "|", " > "
    )
    assert nested.entity_names == ("Baby > Games", "Baby > Toys", "Gifts")
    flat = path_relation("categories", ["['Baby', 'Toys']", "['Home']"], "|", " > ")
    assert flat.entity_names == ("Baby", "Baby > Toys", "Home")
    divided = path_relation("categories", ["['Baby > Toys', 'Gifts']", "['Home']"], "|", " > ")
    assert divided.entity_names == ("Baby", "Baby > Toys", "Gifts", "Home")
    assert attribute_relation("artist", ["['Abba', 'Cher']", "['Cher']"]).entity_names == (
        "Abba",
        "Cher",
    )


def test_the_separator_that_would_divide_is_named():
    note = list_relation("genres", ["Drama, Romance", "War", "Drama,War"], "|").note
    assert note.endswith(
        "no value has the separator '|', but 2 of 3 have ','; if it divides them, "
        "--list_separator=',' reads them so"
    )
    note = path_relation("kind", ["Baby/Toys", "Home/Bath"], "|", " > ").note
    assert "--path_separator='/' reads them so" in note


@pytest.mark.parametrize(
    "texts", ([], ["", "x"], ["Drama|War", "a, b"], ["Lions, Tigers & Bears", *"abcdefgh"])
)
def test_no_separator_is_named_where_there_is_no_need(texts):
    assert separator_hint(texts, "|", "list_separator", [",", ";"]) == ""


@pytest.mark.parametrize("marks", (("0", "1"), ("False", "True"), ("no", "Yes"), ("0.0", "1.0")))
def test_a_column_of_yes_and_no_is_an_entity_where_yes(marks):
    no, yes = marks
    war = attribute_relation("War", [yes, no, "", yes])
    assert war.items.tolist() == [0, 3] and war.entity_names == ("War",)
    assert war.note == "War: yes or no; 2 of 4 items have it"


def test_numbers_beyond_0_and_1_are_values():
    assert attribute_relation("size", ["0", "1", "2"]).entity_names == ("0", "1", "2")
