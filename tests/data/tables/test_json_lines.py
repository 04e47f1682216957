"""Lines of JSON as a table: what is read, and which line is named where it is not."""

import json

import pytest

from kdiffe_jax.data.readers.tables import read_tables
from kdiffe_jax.data.sources import layout_of
from kdiffe_jax.data.tables import json_lines
from kdiffe_jax.data.tables.delimited import open_table
from kdiffe_jax.data.tables.text_of import text_of
from kdiffe_jax.data.tables.values import LIST_MARK
from kdiffe_jax.errors import DataError

pyarrow = pytest.importorskip("pyarrow")


def write(path, *rows):
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return path


def content(path, **options):
    table = open_table(path, **options)
    found = {name: [] for name in table.names}
    names = [name for name in table.names if name not in table.without_text]
    for part in table.parts(names):
        for name, values in part.columns.items():
            found[name] += values.to_pylist()
    return found


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        content(path)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_keys_of_any_line_are_columns(tmp_path):
    file = write(tmp_path / "t.jsonl", {"a": 1}, "", {"b": "x", "a": 2}, {"c": 0.5})
    assert content(file) == {"a": [1, 2, None], "b": [None, "x", None], "c": [None, None, 0.5]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["x", 1, None], ["x", "1", None]),
        ([1, 2.5], ["1", "2.5"]),
        ([0, 1.0, 2.0**52, 2.0**60], ["0", "1", str(2**52), "1.152921504606847e+18"]),
        ([[1.0, 2.5], "x"], [["1", "2.5"], ["x"]]),
        ([2**70, 1], [str(2**70), "1"]),
        ([True, False], ["true", "false"]),
        ([["x", 1], "y", []], [["x", "1"], ["y"], []]),
        ([[["x"], ["y", "z"]], ["w"]], [[["x"], ["y", "z"]], [["w"]]]),
        ([[None, "x"]], [["x"]]),
        ([None, None], [None, None]),
        (["cut \ud83d", "whole"], ["cut \ufffd", "whole"]),
        (["\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")], ["😀"]),
    ],
)
def test_values_are_text_numbers_or_lists_of_text(tmp_path, values, expected):
    file = write(tmp_path / "t.jsonl", *({"a": value} for value in values))
    assert content(file) == {"a": expected}


def test_python_literals_are_read_and_never_run(tmp_path):
    file = write(tmp_path / "t.json", "{'a': 'it\\'s', 'b': [u'x', '\\ y'], 'c': None}")
    assert content(file) == {"a": ["it's"], "b": [["x", "\\ y"]], "c": [None]}
    file = write(tmp_path / "t.json", "{'a': print('run')}")
    assert "t.json, line 1: \"{'a': print('run')}\" is no object of JSON" in refusal(file)


def test_objects_are_no_columns(tmp_path):
    file = write(tmp_path / "t.jsonl", {"a": 1, "b": {"x": 1}}, {"a": 2, "b": None, "c": [{}]})
    assert open_table(file).without_text == {"b", "c"}
    assert content(file)["a"] == [1, 2]


def test_parts_go_on_where_the_last_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "_BYTES", 16)
    rows = [{"a": f"é{n}"} for n in range(20)]
    file = write(tmp_path / "t.jsonl", *rows)
    parts = list(open_table(file).parts(["a"]))
    assert len(parts) > 3
    assert [part.first_row for part in parts][1] == 1 + len(parts[0])
    assert content(file) == {"a": [row["a"] for row in rows]}
    assert parts[-1].bytes_done == file.stat().st_size
    write(file, *rows[:12], "{")
    assert "t.jsonl, line 13: '{' is no object" in refusal(file)


def test_numbers_do_not_depend_on_their_neighbours(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "_BYTES", 64)
    numbers = [0, *map(float, range(1, 10)), 10.0**11, 1.5]
    rows = [{"user": number, "item": n, "price": number} for n, number in enumerate(numbers)]
    write(tmp_path / "interactions.jsonl", *rows[:-1])
    write(tmp_path / "items.jsonl", *rows)
    catalogue = read_tables(tmp_path, name="shop")
    assert catalogue.user_ids == (*map(str, range(10)), "100000000000")
    assert catalogue.columns["price"] == (*catalogue.user_ids, "1.5")


def test_numbers_beside_text_are_those_of_a_column_of_numbers(tmp_path):
    numbers = [12345678901.5, 0.00001, 2.5e-8, 1e16, 3.0, float("nan")]
    alone = write(tmp_path / "alone.jsonl", *({"a": number} for number in numbers))
    beside = write(tmp_path / "beside.jsonl", *({"a": one} for one in [*numbers, "dear"]))
    as_column = text_of(pyarrow.array(content(alone)["a"])).to_pylist()
    assert content(beside)["a"] == [*as_column, "dear"] and as_column[-1] is None


def test_nan_in_a_list_is_missing(tmp_path):
    file = write(tmp_path / "t.jsonl", {"a": [1.0, float("nan")]}, {"a": [float("nan"), "b"]})
    assert content(file)["a"] == [["1", None], [None, "b"]]


def test_a_change_says_what_counts(tmp_path):
    file = write(tmp_path / "t.jsonl", {"a": 1, "b": 2})
    assert content(file, change=lambda row: {"c": row["a"] + row["b"]}) == {"c": [3]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n[1]\n', "line 2: '[1]': expected an object of JSON"),
        ('{"a": 1}\n{"a": 2\n', "line 2: '{\"a\": 2' is no object of JSON"),
        ('{"a": ' + "[" * 5000 + "\n", "line 1:"),
        ("{1: 2}\n", "line 1: '{1: 2}' is no object of JSON"),
        ("{\n", "line 1: '{' is no object of JSON"),
        ('{"a": ' + "9" * 5000 + "}\n", "line 1:"),
    ],
)
def test_what_is_no_object_has_its_line(tmp_path, text, message):
    (tmp_path / "t.jsonl").write_text(text)
    assert f"t.jsonl, {message}" in refusal(tmp_path / "t.jsonl")


def test_a_directory_of_lines_of_json_is_one_of_tables(tmp_path):
    write(tmp_path / "interactions.jsonl", {"user": "ann", "item": 7}, {"user": "ben", "item": 8})
    write(tmp_path / "items.jsonl", {"item": 7, "title": "Cup", "tags": ["x", "y"]})
    assert layout_of(tmp_path) == "tables"
    catalogue = read_tables(tmp_path, name="shop")
    assert catalogue.item_ids == ("7", "8")
    assert catalogue.columns["tags"] == (LIST_MARK + '["x", "y"]', "")
