"""When codes of the features replace the given knowledge graph, and what is said of it."""

import dataclasses

import numpy as np
import pytest

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.knowledge import ensure_knowledge, is_degenerate
from kdiffe_jax.data.options import ContentConfig
from kdiffe_jax.errors import DataError

N_ITEMS = 24
RELEASED = np.array([[item, r, r] for item in range(N_ITEMS) for r in range(3)], np.int32)
TELLING = np.array([[item, 0, item % 2] for item in range(N_ITEMS)], np.int32)
SMALL = ContentConfig(codebook_size=5, codes_per_item=2)


def features(seed=0, width=6):
    return np.random.default_rng(seed).normal(size=(N_ITEMS, width)).astype(np.float32)


def dataset(triples, modalities=None):
    return Dataset(
        name="shop",
        n_users=1,
        n_items=N_ITEMS,
        n_entities=3,
        train=np.array([[0, 0]], np.int32),
        valid=np.zeros((0, 2), np.int32),
        test=np.zeros((0, 2), np.int32),
        triples=triples,
        relation_names=("a", "b", "c"),
        features=modalities or {},
        notes=("read",),
    )


@pytest.mark.parametrize(
    ("triples", "expected"),
    [
        (np.zeros((0, 3), int), True),
        (RELEASED, True),
        (RELEASED[np.random.default_rng(0).permutation(len(RELEASED))], True),
        (RELEASED[:30], True),
        (RELEASED[:3], True),
        (RELEASED[:-1], False),
        (TELLING, False),
        (np.array([[0, 0, 0], [1, 0, 0]]), True),
        (np.array([[0, 0, 0], [1, 1, 0]]), False),
        (np.array([[0, 0, 0], [1, 0, 1]]), False),
        (np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]), False),
    ],
)
def test_is_degenerate(triples, expected):
    assert is_degenerate(triples, N_ITEMS) is expected


def test_the_graph_of_a_single_item_is_not_degenerate():
    assert is_degenerate(np.array([[0, 0, 0]]), 1) is False


@pytest.mark.parametrize("source", ("auto", "triples"))
def test_informative_triples_are_kept(source):
    given = dataset(TELLING, {"text": features()})
    config = dataclasses.replace(SMALL, kg_source=source)
    assert ensure_knowledge(given, config) is given


def test_degenerate_triples_are_kept_when_asked_for():
    given = dataset(RELEASED, {"text": features()})
    assert ensure_knowledge(given, dataclasses.replace(SMALL, kg_source="triples")) is given


@pytest.mark.parametrize(
    ("triples", "source", "said"),
    [
        (
            RELEASED,
            "auto",
            "degenerate: all items share the same 3 entities; knowledge graph built",
        ),
        (RELEASED, "features", "degenerate"),
        (RELEASED[:0], "auto", "knowledge graph built from features (text: 5 codes keep"),
        (TELLING, "features", "knowledge graph built from features (text: 5 codes keep"),
    ],
)
def test_features_replace_triples_and_it_is_said(triples, source, said):
    given = dataset(triples, {"text": features()})
    new = ensure_knowledge(given, dataclasses.replace(SMALL, kg_source=source))
    assert new.relation_names == ("text",)
    assert len(new.triples) == 2 * N_ITEMS and new.n_entities == 5
    assert new.notes[:-1] == ("read",)
    assert said in new.notes[-1] and "\n" not in new.notes[-1]
    assert not is_degenerate(new.triples, N_ITEMS)


@pytest.mark.parametrize(("triples", "word"), [(RELEASED, "degenerate"), (RELEASED[:0], "empty")])
def test_degenerate_triples_without_features_are_named(triples, word):
    new = ensure_knowledge(dataset(triples), SMALL)
    np.testing.assert_array_equal(new.triples, triples)
    assert word in new.notes[-1] and "no features" in new.notes[-1]


def test_features_asked_for_and_absent():
    with pytest.raises(DataError, match="--kg_source=features, but there is no"):
        ensure_knowledge(dataset(TELLING), dataclasses.replace(SMALL, kg_source="features"))


def test_no_knowledge_graph_at_all():
    given = dataset(TELLING, {"text": features()})
    new = ensure_knowledge(given, dataclasses.replace(SMALL, kg_source="none"))
    assert (len(new.triples), new.n_entities, new.n_relations) == (0, 0, 0)
    assert "no knowledge graph" in new.notes[-1]


def test_content_seed_reaches_the_codebook():
    given = dataset(TELLING, {"text": features()})
    made = [
        ensure_knowledge(
            given,
            dataclasses.replace(SMALL, kg_source="features", codes_per_item=1, content_seed=seed),
        ).triples
        for seed in (0, 0, 1, 2)
    ]
    np.testing.assert_array_equal(made[0], made[1])
    assert any((made[0] != other).any() for other in made[2:])
