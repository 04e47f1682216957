"""Dense features to codes: which codes an item gets, and how much they keep."""

import dataclasses
import sys

import numpy as np
import pytest
from sklearn.cluster import KMeans

from kdiffe_jax.data.content import codebooks, dense
from kdiffe_jax.data.content.codebooks import (
    codebook_relation,
    product_codes,
    standardise,
)
from kdiffe_jax.data.options import ContentConfig
from kdiffe_jax.data.relation import join_relations
from kdiffe_jax.errors import DataError

N_ITEMS = 24
SMALL = ContentConfig(codebook_size=5, codes_per_item=2)
PRODUCT = dataclasses.replace(SMALL, codebook="product", codebook_groups=3)


def nearest_codes(rows, **options):
    (codes,), kept = product_codes(rows, n_groups=1, **options)
    return codes, kept


def features(seed=0, width=6):
    return np.random.default_rng(seed).normal(size=(N_ITEMS, width)).astype(np.float32)


def assert_same(one, other):
    for field in ("items", "entities", "weights"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    assert one.entity_names == other.entity_names and one.note == other.note


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
    assert codes.shape == (12, 1)
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


@pytest.mark.parametrize("block", (1, 2 * N_ITEMS, 3 * N_ITEMS))
@pytest.mark.parametrize("width", (1, 2, 7))
def test_standardising_in_blocks_of_columns_gives_the_same_rows(monkeypatch, width, block):
    rows = features(width=width) * 3 + 1
    whole = standardise(rows)
    monkeypatch.setattr(codebooks, "BLOCK_NUMBERS", block)
    np.testing.assert_allclose(standardise(rows), whole, rtol=1e-6)


@pytest.mark.parametrize("size", (3, 100))
def test_codes_are_those_of_plain_k_means(size):
    rows = standardise(features())
    model = KMeans(min(size, N_ITEMS), n_init=1, max_iter=50, random_state=4).fit(rows)
    distances = model.transform(rows)
    codes, kept = nearest_codes(features(), n_codes=size, n_nearest=2, seed=4)
    np.testing.assert_array_equal(codes, np.argsort(distances, axis=1, kind="stable")[:, :2])
    lost = float(np.square(distances.min(axis=1)).sum())
    assert kept == 1.0 - lost / float(np.square(rows).sum())


def test_distances_in_blocks_give_the_same_codes(monkeypatch):
    whole, kept = nearest_codes(features(), n_codes=6, n_nearest=3, seed=0)
    monkeypatch.setattr(dense, "BLOCK_NUMBERS", 30)
    parts, kept_in_parts = nearest_codes(features(), n_codes=6, n_nearest=3, seed=0)
    np.testing.assert_array_equal(whole, parts)
    assert kept_in_parts == pytest.approx(kept, abs=1e-6)


def test_many_rows_are_learnt_in_small_batches(monkeypatch, rng):
    centres = rng.normal(size=(4, 8)) * 20
    truth = rng.integers(4, size=600)
    rows = centres[truth] + rng.normal(size=(600, 8))
    monkeypatch.setattr(codebooks, "LARGE", 500)
    monkeypatch.setattr("sklearn.cluster.KMeans", None)
    codes, kept = nearest_codes(rows, n_codes=4, n_nearest=2, seed=0)
    again, _ = nearest_codes(rows, n_codes=4, n_nearest=2, seed=0)
    np.testing.assert_array_equal(codes, again)
    assert len(set(zip(truth.tolist(), codes[:, 0].tolist(), strict=True))) == 4
    assert kept > 0.9 and codes.shape == (600, 2)


def test_many_equal_rows_give_no_more_codes_than_there_are_rows(monkeypatch):
    monkeypatch.setattr(codebooks, "LARGE", 50)
    codes, kept = nearest_codes(np.repeat(np.eye(3), 20, axis=0), n_codes=9, n_nearest=9, seed=0)
    assert codes.shape == (60, 1) and kept == pytest.approx(1.0)


@pytest.mark.parametrize("classes", [2, 3, 5, 8])
def test_of_rows_of_few_values_each_value_is_an_entity(classes):
    of_item = np.arange(24) % classes
    relation = codebook_relation("cat", np.eye(classes)[of_item], ContentConfig())
    assert relation.items.tolist() == list(range(24))
    assert len({*zip(of_item.tolist(), relation.entities.tolist(), strict=True)}) == classes
    assert len({*relation.entities.tolist()}) == classes


def test_rows_that_all_differ_share_codes_however_few_they_are():
    relation = codebook_relation("image", features(), ContentConfig(codes_per_item=4))
    assert np.bincount(relation.items).tolist() == [4] * N_ITEMS


def test_relation_of_one_codebook():
    relation = codebook_relation("image", features(), SMALL)
    codes, kept = nearest_codes(features(), n_codes=5, n_nearest=2, seed=0)
    assert relation.items.tolist() == np.repeat(np.arange(N_ITEMS), 2).tolist()
    np.testing.assert_array_equal(relation.entities, codes.ravel())
    assert relation.weights.tolist() == [0, -1] * N_ITEMS
    assert relation.items.dtype == relation.entities.dtype == np.int32
    assert relation.entity_names == tuple(f"image code {code}" for code in range(5))
    assert relation.note == f"image: 5 codes keep {kept:.0%} of the variance"


@pytest.mark.parametrize("config", (SMALL, PRODUCT))
def test_items_without_the_modality_get_no_code_and_change_none(config):
    rows = np.zeros((N_ITEMS + 3, 6), np.float32)
    present = np.r_[1:5, 6 : N_ITEMS + 2]
    rows[present] = features()
    relation = codebook_relation("image", rows, config)
    alone = codebook_relation("image", features(), config)
    np.testing.assert_array_equal(relation.entities, alone.entities)
    np.testing.assert_array_equal(relation.items, present[alone.items])
    assert relation.entity_names == alone.entity_names
    assert relation.note == alone.note + "; 3 items have no image"


@pytest.mark.parametrize("config", (SMALL, PRODUCT))
@pytest.mark.parametrize("shape", ((4, 3), (0, 3), (4, 0)))
def test_no_item_with_the_modality(config, shape):
    relation = codebook_relation("image", np.zeros(shape), config)
    assert len(relation.items) == len(relation.entities) == len(relation.entity_names) == 0
    assert relation.note == "image: no item has a row but zeros"
    assert join_relations([relation], ()).triples.shape == (0, 3)


def test_a_product_has_the_codes_of_a_codebook_for_each_group_of_columns():
    relation = codebook_relation("image", features(), PRODUCT)
    for part in range(3):
        columns = features()[:, 2 * part : 2 * part + 2]
        codes, _ = nearest_codes(columns, n_codes=5, n_nearest=2, seed=0)
        expected = [
            {f"image part {part + 1} code {code}": -rank for rank, code in enumerate(row)}
            for row in codes.tolist()
        ]
        found = [{} for _ in range(N_ITEMS)]
        for item, entity, weight in zip(
            relation.items, relation.entities, relation.weights, strict=True
        ):
            name = relation.entity_names[entity]
            if name.startswith(f"image part {part + 1} "):
                found[item][name] = weight
        assert found == expected
    assert len(relation.entity_names) == 15 and len(relation.items) == 6 * N_ITEMS
    assert relation.items.dtype == relation.entities.dtype == np.int32
    assert relation.weights.dtype == np.float32


def test_a_product_keeps_what_its_nearest_codes_rebuild():
    rows = standardise(features(width=7))
    parts, kept = product_codes(features(width=7), n_groups=3, n_codes=5, n_nearest=1, seed=0)
    rebuilt = []
    for codes, columns in zip(parts, np.array_split(rows, 3, axis=1), strict=True):
        centres = np.stack([columns[codes[:, 0] == code].mean(axis=0) for code in range(5)])
        rebuilt.append(centres[codes[:, 0]])
    lost = np.square(rows - np.concatenate(rebuilt, axis=1)).sum()
    assert kept == pytest.approx(1 - lost / np.square(rows).sum(), abs=1e-3)
    assert kept > nearest_codes(features(width=7), n_codes=5, n_nearest=1, seed=0)[1]


def test_no_more_groups_than_columns():
    many = dataclasses.replace(PRODUCT, codebook_groups=50)
    relation = codebook_relation("image", features(width=2), many)
    assert {name.split(" code ")[0] for name in relation.entity_names} == {
        "image part 1",
        "image part 2",
    }


def test_a_constant_group_of_columns_is_one_code():
    rows = features()
    rows[:, 2:4] = 7
    relation = codebook_relation("image", rows, PRODUCT)
    assert [n for n in relation.entity_names if "part 2" in n] == ["image part 2 code 0"]


@pytest.mark.parametrize("config", (SMALL, PRODUCT))
def test_codebooks_are_deterministic_and_depend_on_the_seed(config):
    assert_same(
        codebook_relation("image", features(), config),
        codebook_relation("image", features(), config),
    )
    entities = [
        codebook_relation(
            "image", features(), dataclasses.replace(config, content_seed=seed)
        ).entities
        for seed in range(3)
    ]
    assert any((entities[0] != other).any() for other in entities[1:])


def refusal(rows) -> str:
    with pytest.raises(DataError) as caught:
        codebook_relation("image", rows, SMALL)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_bad_features_are_refused():
    rows = features()
    rows[3, 1] = np.inf
    assert refusal(rows) == "image, row 3: a NaN or infinite value; mend the row"
    assert "expected a numeric matrix" in refusal(rows[0])


def test_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    assert "pip install 'kdiffe_jax[content]'" in refusal(features())


@pytest.mark.real_data
def test_tiktok_codes_do_not_change(real_data):
    rows = np.load(real_data / "tiktok" / "image_feat.npy")
    config = ContentConfig(codebook_size=16, codes_per_item=2)
    relation = codebook_relation("image", rows, config)
    model = KMeans(16, n_init=1, max_iter=50, random_state=0).fit(standardise(rows))
    distances = model.transform(standardise(rows))
    expected = np.argsort(distances, axis=1, kind="stable")[:, :2]
    np.testing.assert_array_equal(relation.entities.reshape(-1, 2), expected)
    assert relation.note == "image: 16 codes keep 19% of the variance"
