"""Names to numbers, whatever the parts they come in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdiffe_jax.data.tables import ids as ids_module
from kdiffe_jax.data.tables.ids import GrowingIds, known_positions, unknown_note
from kdiffe_jax.data.tables.near_twins import collision_note
from kdiffe_jax.errors import DataError

pa = pytest.importorskip("pyarrow")


def place(index: int) -> str:
    return f"t.csv, row {index}"


def grown(*parts):
    ids = GrowingIds("user")
    for part in parts:
        ids.add(part if isinstance(part, pa.Array) else pa.array(part), place)
    return ids.finish()


def refusal(*parts) -> str:
    with pytest.raises(DataError) as caught:
        grown(*parts)
    assert "\n" not in str(caught.value)
    return str(caught.value)


names = st.text(st.characters(codec="utf-8", categories=("L", "N", "S")), min_size=1, max_size=3)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(names, max_size=9), max_size=9), st.integers(0, 12))
def test_numbers_in_order_of_first_appearance(parts, merge_at):
    flat = [name for part in parts for name in part]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids_module, "_MERGE_AT", merge_at)
        codes, found = grown(*(pa.array(part, pa.string()) for part in parts))
    assert found == tuple(dict.fromkeys(flat))
    assert codes.dtype == np.int32
    assert [found[code] for code in codes.tolist()] == flat


@pytest.mark.parametrize(
    "values",
    [
        pa.array([9007199254740993, 7]),
        pa.array([9007199254740993, 7], pa.uint64()),
        pa.array(["9007199254740993", "7"]),
        pa.array(["9007199254740993", "7"], pa.large_string()),
        pa.array(["9007199254740993", "7"]).dictionary_encode(),
        pa.array(["9007199254740993", "7"]).cast(pa.decimal128(20, 0)),
    ],
    ids=lambda values: str(values.type),
)
def test_whole_numbers_and_their_text_are_one(values):
    codes, found = grown(["7"], values)
    assert found == ("7", "9007199254740993") and codes.tolist() == [0, 1, 0]


def test_whole_numbers_stored_as_floats_are_those():
    codes, found = grown(["7"], pa.array([9.0, 7.0]), pa.array([7.0]).dictionary_encode())
    assert found == ("7", "9") and codes.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", "", "b"], "row 1: the user id is empty; fill it in or remove the row"),
        (["a", "b", None], "row 2: the user id is empty"),
        (["a", " \u00a0"], "row 1: the user id is empty"),
        (pa.nulls(2), "row 0: the user id is empty"),
        (["a", "b\nc"], "row 1: user id 'b\\nc' holds a line break"),
        (["a\tb"], "row 0: user id 'a\\tb' holds a line break, a tab or another control"),
        ([1.5, 2.0], "row 0: user ids of type double; store them as text or as integers"),
        ([1.0, float("nan")], "row 1: the user id is empty"),
        ([True], "user ids of type bool"),
        ([["a"]], "user ids of type list"),
        (pa.array(["1.5"]).cast(pa.decimal128(5, 1)), "user ids of type decimal"),
    ],
)
def test_unfit_ids_are_refused_by_row(values, expected):
    assert expected in refusal(values)


def test_unicode_and_odd_blanks_survive():
    odd = (" a", "a", "Müller & Söhne", "赤", "x\u2028y", "NA", "null", "0", "007")
    assert grown(odd)[1] == odd


@pytest.mark.parametrize(
    "alike", [("a1", "A1"), ("a1", " a1"), ("a1", "a1\u00a0"), ("é", "e\u0301"), ("Ä", "ä")]
)
def test_ids_that_collide_are_told(alike):
    note = collision_note("users", ("x", *alike, "y"))
    assert note.startswith("2 users have ids that collide")
    assert repr(alike[0]) in note and repr(alike[1]) in note


def test_collisions_are_counted_over_all_groups():
    assert collision_note("items", ("a", "A", "b", "B", "b ", "c")).startswith("5 items")
    assert collision_note("items", ("a", "b")) == collision_note("items", ()) == ""


def test_unknown_ids_are_counted_and_a_file_of_none_but_them_is_refused(tmp_path):
    found = known_positions(["b", "x", "y"], ["a", "b"], tmp_path / "t.csv")
    assert found.tolist() == [1, -1, -1] and found.dtype == np.int32
    note = unknown_note(tmp_path / "t.csv", ["b", "x", "y"], found)
    assert note.startswith("t.csv: 2 of 3 item ids are unknown") and "'x'" in note
    assert unknown_note(tmp_path / "t.csv", ["b"], found[:1]) == ""
    with pytest.raises(DataError, match="none of its 1 item ids is known; it has 'x', but"):
        known_positions(["x"], ["a"], tmp_path / "t.csv")
