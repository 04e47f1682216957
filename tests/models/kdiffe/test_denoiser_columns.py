"""Columns of the denoiser's row: the frequent have one each, the others share, none is left out."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdiffe_jax.models.kdiffe.denoiser_columns import entity_columns, number_of_columns
from kdiffe_jax.models.kdiffe.entity_rows import entity_rows, places_of_items
from kdiffe_jax.models.kdiffe.rebuild import dense_rows, own_values, top_of_values

N_ENTITIES = 9
# Entity e belongs to e items, the last one by two relations.
TRIPLES = np.array(
    sorted(
        [(item, 0, entity) for entity in range(N_ENTITIES) for item in range(entity)]
        + [(0, 1, 1), (1, 1, 2), (0, 1, 2)]
    )
)
N_ITEMS = N_ENTITIES - 1


def columns_of(n_columns, triples=TRIPLES, n_entities=N_ENTITIES):
    return entity_columns(triples, n_entities=n_entities, n_columns=n_columns)


def test_the_frequent_half_is_alone_and_the_rest_are_dealt_round():
    assert columns_of(4).tolist() == [2, 3, 2, 3, 2, 3, 2, 1, 0]
    assert columns_of(5).tolist() == [2, 4, 3, 2, 4, 3, 2, 1, 0]


def test_an_entity_of_many_relations_counts_its_items_once():
    doubled = np.concatenate([TRIPLES, TRIPLES[TRIPLES[:, 2] == 4] + [0, 5, 0]])
    np.testing.assert_array_equal(columns_of(4, doubled), columns_of(4))


@pytest.mark.parametrize("asked", (0, N_ENTITIES, 100))
def test_a_column_an_entity_is_its_id(asked):
    n_columns = number_of_columns(asked, N_ENTITIES)
    np.testing.assert_array_equal(columns_of(n_columns), np.arange(N_ENTITIES))


@given(st.data())
def test_shared_columns_are_equally_loaded_and_all_used(data):
    n_entities = data.draw(st.integers(2, 60))
    n_columns = data.draw(st.integers(1, n_entities - 1))
    seed = data.draw(st.integers(0, 100))
    triples = np.random.default_rng(seed).integers(0, [30, 3, n_entities], (50, 3))
    counts = np.bincount(columns_of(n_columns, triples, n_entities), minlength=n_columns)
    own, shared = np.split(counts, [n_columns // 2])
    assert len(counts) == n_columns and (own == 1).all()
    assert shared.min() >= 1 and np.ptp(shared) <= 1


@pytest.fixture
def rows():
    return entity_rows(TRIPLES, n_items=N_ITEMS, n_entities=N_ENTITIES, n_columns=4)


def test_a_column_is_one_where_any_of_its_entities_is(rows):
    dense = dense_rows(rows, jnp.arange(N_ITEMS), n_columns=4)
    column = columns_of(4)
    expected = np.zeros((N_ITEMS, 4))
    for item, _, entity in TRIPLES:
        expected[item, column[entity]] = 1
    np.testing.assert_array_equal(dense, expected)


def test_a_triple_is_worth_its_column(rows):
    denoised = np.arange(4 * N_ITEMS, dtype=np.float32).reshape(N_ITEMS, 4)
    places = places_of_items(rows, jnp.arange(N_ITEMS))
    scores = np.asarray(own_values(jnp.asarray(denoised), rows, places))
    column = columns_of(4)
    for item in range(N_ITEMS):
        own = TRIPLES[TRIPLES[:, 0] == item]
        np.testing.assert_array_equal(scores[item, : len(own)], denoised[item, column[own[:, 2]]])
        assert np.isneginf(scores[item, len(own) :]).all()


def test_what_is_kept_are_entities_and_not_columns(rows):
    denoised = jnp.tile(jnp.array([0.1, 5.0, 0.2, 0.3]), (N_ITEMS, 1))
    places = places_of_items(rows, jnp.arange(N_ITEMS))
    kept = top_of_values(own_values(denoised, rows, places), rows, places, 2)
    np.testing.assert_array_equal(kept.entities[0], [7, 1])
    np.testing.assert_array_equal(kept.entities[N_ITEMS - 1, :1], [8])


def test_without_sharing_the_columns_are_the_entities_themselves():
    rows = entity_rows(TRIPLES, n_items=N_ITEMS, n_entities=N_ENTITIES)
    np.testing.assert_array_equal(rows.columns, rows.entities)
