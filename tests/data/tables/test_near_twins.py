"""Ids that look alike are told: within a table, and between two."""

import pytest

from kdiffe_jax.data.readers.tables import read_tables
from kdiffe_jax.data.tables.ids import known_positions, unknown_note
from kdiffe_jax.data.tables.near_twins import collision_note, twin_hint
from kdiffe_jax.errors import DataError

pytest.importorskip("pyarrow")
TWINS = [("5863", "5863.0"), ("a1", "a\u200b1"), ("a1", "\ufeffa1"), ("007", "7"), ("0", "00")]


@pytest.mark.parametrize("twins", TWINS)
def test_in_one_table(twins):
    note = collision_note("users", ("x", *twins, "y"))
    assert note.startswith("2 users have ids that collide")
    assert repr(twins[0]) in note and repr(twins[1]) in note


@pytest.mark.parametrize("others", [("70", "7"), ("1.5", "15"), ("a0", "a"), ("1.0.0", "1.0")])
def test_others_do_not_collide(others):
    assert collision_note("items", others) == twin_hint(others[:1], others[1:]) == ""


@pytest.mark.parametrize("twins", TWINS)
def test_between_two_tables(tmp_path, twins):
    here, there = twins
    file = tmp_path / "t.csv"
    with pytest.raises(DataError, match="1 of them would be known but for blanks, case") as caught:
        known_positions([here], [there, "b"], file)
    assert f"{here!r}, which is {there!r} there" in str(caught.value)
    names, known = ["b", here, "z"], [there, "b"]
    found = known_positions(names, known, file)
    note = unknown_note(file, names, found, known=known)
    assert "2 of 3 item ids are unknown" in note and "1 of them would be known but for" in note
    assert "would be known" not in unknown_note(file, ["b", "z"], found[[0, 2]], known=known)


def test_ids_stay_apart_and_files_say_so(tmp_path):
    (tmp_path / "interactions.csv").write_text("user,item\na,007\nb,8\n", encoding="utf-8")
    triples = "item,relation,entity\n7,by,Acme\n8,by,Acme\n"
    (tmp_path / "triples.csv").write_text(triples, encoding="utf-8")
    shop = read_tables(tmp_path, name="shop")
    assert shop.item_ids == ("007", "8")
    assert any("'7', which is '007' there" in note for note in shop.notes)
