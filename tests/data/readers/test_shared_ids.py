"""Graphs in which an item may be head or tail: every triple is seen from its items."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp

from kdiffe_jax.data.readers.kdiffe import read_kdiffe
from kdiffe_jax.data.readers.shared_ids import relations_of_nodes
from kdiffe_jax.data.relation import ITEMS
from kdiffe_jax.errors import DataError

N_ITEMS = 4


@pytest.fixture
def source(tmp_path):
    for name, pair in (("trnMat", (0, 0)), ("valMat", (0, 1)), ("tstMat", (1, 2))):
        matrix = sp.coo_matrix(([1.0], ([pair[0]], [pair[1]])), shape=(2, N_ITEMS))
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(matrix))
    return tmp_path


def in_words(dataset) -> set[tuple[int, str, str]]:
    return {
        (item, dataset.relation_names[relation], dataset.entity_names[entity])
        for item, relation, entity in dataset.triples.tolist()
    }


def test_relations_hold_the_names_of_nodes_once():
    triples = np.array([[0, 0, 2], [0, 1, 2], [2, 1, 1]])
    links = np.array([[0, 0], [1, 1]])
    relations, _ = relations_of_nodes(triples, links, ["by", "of"], list("abc"), "kg.txt")
    assert [one.name for one in relations] == ["by", "of", "of (inverse)"]
    assert all(one.entity_names is relations[0].entity_names for one in relations)


def test_every_kind_of_triple(source):
    lines = ["0 5 9", "1 5 9", "9 5 2", "8 6 0", "3 6 1", "1 6 3", "9 5 8", "2 5 2", "0 5 9"]
    (source / "kg.txt").write_text("\n".join(lines))
    dataset = read_kdiffe(source, name="fm", shared_ids=True)
    assert in_words(dataset) == {
        (0, "relation 5", "entity 9"),
        (1, "relation 5", "entity 9"),
        (2, "relation 5 (inverse)", "entity 9"),
        (0, "relation 6 (inverse)", "entity 8"),
        (3, "relation 6", "item 1"),
        (1, "relation 6", "item 3"),
    }
    items = dict(zip(dataset.entity_names, dataset.entity_items.tolist(), strict=True))
    assert items == {"entity 9": -1, "entity 8": -1, "item 1": 1, "item 3": 3}
    assert dataset.notes == (
        "kg.txt: 1 of 9 triples touch no item and were left out",
        "kg.txt: 1 triples link an item to itself and were left out",
    )
    assert dataset.triples.dtype == dataset.entity_items.dtype == np.int32


def test_heads_that_are_entities_alone(source):
    (source / "kg.txt").write_text("4 0 5\n")
    with pytest.raises(DataError) as caught:
        read_kdiffe(source, name="fm", shared_ids=True)
    assert "kg.txt: none of its 1 triples touches an item, the first is 'entity 4'" in str(
        caught.value
    )


def test_an_item_and_an_entity_by_two_relations(source):
    (source / "kg.txt").write_text(f"1 0 {2**40}\n1 3 {2**40}\n{2**40} 0 1\n")
    dataset = read_kdiffe(source, name="fm", shared_ids=True)
    names = ("relation 0", "relation 0 (inverse)", "relation 3")
    assert dataset.relation_names == names and dataset.entity_names == (f"entity {2**40}",)
    assert dataset.triples.tolist() == [[1, 0, 0], [1, 1, 0], [1, 2, 0]]
    assert dataset.entity_items is None


def test_without_shared_ids_the_same_tails_are_no_items(source):
    (source / "kg.txt").write_text("0 0 1\n2 0 2\n")
    dataset = read_kdiffe(source, name="fm")
    assert dataset.entity_names == ("entity 1", "entity 2") and dataset.entity_items is None
    (source / "kg.txt").write_text("7 0 1\n")
    with pytest.raises(DataError, match=r"triple 1: head 7 .* 4 items; .*--kg_ids=shared$"):
        read_kdiffe(source, name="fm")


@pytest.mark.parametrize("line", ("1 2", "1 2 3 4", "-1 0 2", "a 0 1"))
def test_malformed_line(source, line):
    (source / "kg.txt").write_text(f"0 0 9\n\n{line}\n")
    with pytest.raises(DataError, match=r"kg\.txt, line 3: .* expected three integers"):
        read_kdiffe(source, name="fm", shared_ids=True)


def test_no_graph_at_all(source):
    assert read_kdiffe(source, name="fm", shared_ids=True).triples.shape == (0, 3)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_rule_applied_triple_by_triple(seed):
    rng = np.random.default_rng(seed)
    triples = np.stack([rng.integers(0, n, 60) for n in (12, 3, 12)], axis=1)
    links = np.stack([rng.integers(0, 12, 8), rng.integers(0, 7, 8)], axis=1)
    names, nodes = ["r0", "r1", "r2"], [f"n{i}" for i in range(12)]
    items_of = {n: {i for m, i in links.tolist() if m == n} for n in range(12)}
    expected = set()
    for head, relation, tail in triples.tolist():
        for item in items_of[head]:
            others = [(o, "item") for o in items_of[tail] if o != item]
            plain = [] if items_of[tail] else [(tail, "node")]
            expected |= {(names[relation], item, *other) for other in others + plain}
        if not items_of[head]:
            inverse = f"{names[relation]} (inverse)"
            expected |= {(inverse, item, head, "node") for item in items_of[tail]}
    relations, _ = relations_of_nodes(triples, links, names, nodes, "kg.txt")
    found = [
        (r.name, item, entity, "item" if r.space == ITEMS else "node")
        for r in relations
        for item, entity in zip(r.items.tolist(), r.entities.tolist(), strict=True)
    ]
    assert len(found) == len(set(found)) and set(found) == expected
