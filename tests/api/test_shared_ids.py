"""Entities that are items, from frames and from files."""

import pandas as pd
import pytest

import kdiffe_jax as kd
from kdiffe_jax.errors import ConfigError

ROWS = pd.DataFrame(
    [(f"u{user}", f"p{(3 * user + k) % 8}") for user in range(12) for k in range(5)],
    columns=["user", "item"],
)
TRIPLES = pd.DataFrame([("p1", "sequel", "p2")], columns=["item", "relation", "entity"])


def items_that_are_entities(data) -> set[str]:
    found = data.dataset.entity_items
    return set() if found is None else {data.dataset.item_ids[i] for i in found.tolist() if i >= 0}


def test_by_an_option_of_frames():
    apart = kd.dataset(ROWS, triples=TRIPLES, min_entity_items=1)
    assert items_that_are_entities(apart) == set()
    assert any("kg_ids=shared makes them so" in note for note in apart.notes)
    assert items_that_are_entities(kd.dataset(ROWS, triples=TRIPLES, kg_ids="shared")) == {"p2"}


def test_without_triples_it_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="kg_ids=shared has no effect: there are no triples"):
        kd.dataset(ROWS, kg_ids="shared")
    ROWS.to_csv(tmp_path / "interactions.csv", index=False)
    with pytest.raises(ConfigError, match="^kg_ids=shared has no effect: it is for triples of"):
        kd.dataset(tmp_path, kg_ids="shared")


def test_of_files_with_those_that_are_not_read(tmp_path):
    ROWS.to_csv(tmp_path / "interactions.csv", index=False)
    TRIPLES.to_csv(tmp_path / "triples.csv", index=False)
    (tmp_path / "Items.CSV").write_text("item,brand\n")
    data = kd.dataset(tmp_path, kg_ids="shared")
    assert items_that_are_entities(data) == {"p2"}
    assert any(note.startswith("not read: Items.CSV;") for note in data.notes)
