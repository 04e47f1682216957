"""Lists on disk: the same rows in every format, whole or not at all."""

import csv
import json

import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.recommend.tables import Describer, text_blocks, write_table

FIELDS = ("user", "rank", "item", "score", "source", "item_name", "item_entities")


@pytest.fixture
def describer(recommender):
    return Describer(recommender.model, entities=True)


@pytest.fixture
def blocks(recommender, describer):
    users = (["ann 1"], ["ann 2", "nobody"])
    lists = [recommender.recommend(u, 3, unknown="popular") for u in users]
    return [describer.columns(part) for part in lists]


def parquet_rows(file):
    return pytest.importorskip("pyarrow.parquet").read_table(file).to_pylist()


def csv_rows(file):
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def json_rows(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("ending", "read"), [(".parquet", parquet_rows), (".csv", csv_rows), (".jsonl", json_rows)]
)
def test_every_format_has_the_same_rows(recommender, describer, blocks, tmp_path, ending, read):
    file = tmp_path / f"lists{ending}"
    write_table(iter(blocks), describer.fields, file)
    rows = read(file)
    assert describer.fields == FIELDS and tuple(rows[0]) == FIELDS
    expected = recommender.recommend(["ann 1", "ann 2", "nobody"], 3, unknown="popular").columns()
    for field in ("user", "item", "source"):
        assert [row[field] for row in rows] == expected[field]
    assert [int(row["rank"]) for row in rows] == expected["rank"].tolist()
    scores = np.array([row["score"] for row in rows], np.float32)
    np.testing.assert_array_equal(scores, expected["score"])
    assert rows[0]["item_name"] == "Tëa cup " + rows[0]["item"][1:]
    entities = rows[0]["item_entities"]
    names = entities.split("; ") if ending == ".csv" else entities
    assert rows[0]["item"] in recommender.items_with(names[0])
    assert list(tmp_path.iterdir()) == [file]


def test_no_rows_is_a_table_without_rows(describer, tmp_path):
    for ending in (".parquet", ".csv", ".jsonl"):
        write_table([], describer.fields, tmp_path / f"none{ending}")
    assert csv_rows(tmp_path / "none.csv") == [] == json_rows(tmp_path / "none.jsonl")
    assert parquet_rows(tmp_path / "none.parquet") == []


def test_another_ending_is_refused(describer, tmp_path):
    with pytest.raises(ConfigError, match="must end in .parquet, .csv, .jsonl"):
        write_table([], describer.fields, tmp_path / "lists.xlsx")


def test_a_failure_on_the_way_leaves_nothing(describer, blocks, tmp_path):
    def failing():
        yield blocks[0]
        raise DataError("no more")

    for ending in (".parquet", ".csv", ".jsonl"):
        with pytest.raises(DataError, match="no more"):
            write_table(failing(), describer.fields, tmp_path / f"lists{ending}")
    assert list(tmp_path.iterdir()) == []


def test_text_is_aligned_with_one_head(recommender):
    plain = Describer(recommender.model._replace(item_names=()), entities=False)
    users = ["ann 1", "ann 22"]
    whole = text_blocks([plain.columns(recommender.recommend(users, 2))], plain.fields)
    lines = "\n".join(whole).splitlines()
    assert lines[0].split() == ["user", "rank", "item", "score", "source"]
    assert len({line.index("model") for line in lines[1:]}) == 1 and len(lines) == 5
    parts = (plain.columns(recommender.recommend(user, 2)) for user in reversed(users))
    assert "\n".join(text_blocks(parts, plain.fields)).splitlines() == [
        lines[0], *lines[3:], *lines[1:3]
    ]  # fmt: skip


def test_a_score_of_zero_has_no_minus(tmp_path):
    columns = {"item": ["a", "b"], "score": np.float32([-0.0, -0.1])}
    assert list(text_blocks([columns], ("item", "score"))) == ["item  score\na     0.0\nb     -0.1"]
    write_table([columns], ("item", "score"), tmp_path / "lists.csv")
    assert [row["score"] for row in csv_rows(tmp_path / "lists.csv")] == ["0.0", "-0.1"]
