"""Features to entities, and when that replaces the given knowledge graph."""

import dataclasses

import numpy as np
import pytest

from kdiffe_jax.config import ContentConfig
from kdiffe_jax.data.content.codebooks import (
    codebook_relation,
    nearest_codes,
    standardise,
)
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.knowledge import ensure_knowledge, is_degenerate
from kdiffe_jax.data.relation import join_relations
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


def test_standardised_columns_have_mean_0_and_variance_1():
    rows = standardise(features() * [1, 1e-4, 1e4, 3, 3, 3] + [0, 1, 1e3, 0, 5, -5])
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(rows.std(axis=0), 1, atol=1e-4)


def test_half_precision_is_widened_before_it_is_summed():
    rows = np.full((8000, 2), 40.0, np.float16)
    rows[::2] = 60.0
    assert rows.sum(axis=0, dtype=np.float32).min() > np.finfo(np.float16).max
    np.testing.assert_allclose(standardise(rows), np.where(rows == 60, 1.0, -1.0))


def test_half_precision_of_the_largest_size():
    rows = np.array([[65504.0], [-65504.0]] * 50, np.float16)
    np.testing.assert_allclose(standardise(rows), np.sign(rows).astype(np.float32))


@pytest.mark.parametrize("value", (0.0, 0.1, 1e6, -7.7))
def test_constant_columns_become_zero(value):
    rows = features()
    rows[:, 2] = value
    np.testing.assert_allclose(standardise(rows)[:, 2], 0, atol=1e-6)


def test_standardise_leaves_its_input_alone():
    rows = features().astype(np.float64)
    before = rows.copy()
    standardise(rows)
    np.testing.assert_array_equal(rows, before)


def test_codes_are_deterministic_bounded_and_distinct():
    first, kept = nearest_codes(features(), n_codes=7, n_nearest=3, seed=1)
    again, kept_again = nearest_codes(features(), n_codes=7, n_nearest=3, seed=1)
    np.testing.assert_array_equal(first, again)
    assert kept == kept_again and 0 < kept < 1
    assert first.shape == (N_ITEMS, 3) and first.dtype == np.int32
    assert first.min() >= 0 and first.max() < 7
    assert all(len(set(row)) == 3 for row in first.tolist())


def test_codes_depend_on_the_seed():
    codes = [nearest_codes(features(), n_codes=7, n_nearest=1, seed=s)[0] for s in range(3)]
    assert any((codes[0] != other).any() for other in codes[1:])


def test_codes_come_nearest_first():
    rows = standardise(features())
    codes, kept = nearest_codes(features(), n_codes=6, n_nearest=6, seed=0)
    centres = np.stack([rows[codes[:, 0] == code].mean(axis=0) for code in range(6)])
    distances = np.linalg.norm(rows[:, None] - centres[None], axis=2)
    ordered = np.take_along_axis(distances, codes, axis=1)
    assert (np.diff(ordered, axis=1) >= -1e-3).all()
    lost = np.square(ordered[:, 0]).sum() / np.square(rows).sum()
    assert kept == pytest.approx(1 - lost, abs=1e-3)


def test_no_more_codes_than_different_rows():
    rows = np.repeat(np.eye(3), 4, axis=0)
    codes, kept = nearest_codes(rows, n_codes=100, n_nearest=50, seed=0)
    assert codes.shape == (12, 3)
    assert kept == pytest.approx(1.0)
    groups = codes[:, 0].reshape(3, 4)
    assert (groups == groups[:, :1]).all() and len(set(groups[:, 0])) == 3


def test_constant_features_give_one_code_and_keep_nothing():
    codes, kept = nearest_codes(np.ones((5, 2), np.float16), n_codes=4, n_nearest=2, seed=0)
    assert codes.tolist() == [[0]] * 5 and kept == 0.0


def test_codebook_relations_of_two_modalities_share_no_entity():
    relations = [codebook_relation(m, features(n), SMALL) for n, m in enumerate(("image", "text"))]
    graph = join_relations(relations, ())
    assert graph.relation_names == ("image", "text")
    assert graph.triples.shape == (2 * 2 * N_ITEMS, 3)
    assert len(graph.entity_names) == graph.triples[:, 2].max() + 1
    for number, modality in enumerate(graph.relation_names):
        of_relation = graph.triples[graph.triples[:, 1] == number]
        assert np.bincount(of_relation[:, 0]).tolist() == [2] * N_ITEMS
        assert {graph.entity_names[e].split()[0] for e in of_relation[:, 2]} == {modality}
    assert [r.note.split(":")[0] for r in relations] == ["image", "text"]


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
