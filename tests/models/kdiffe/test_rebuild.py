import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.models.kdiffe import rebuild
from kdiffe_jax.models.kdiffe.entity_rows import entity_rows, places_of_items, usual_relation
from kdiffe_jax.ops.row_blocks import map_row_blocks

TRIPLES = np.array([[0, 0, 1], [0, 1, 3], [0, 1, 4], [2, 0, 0], [2, 1, 0]])
N_ITEMS, N_ENTITIES = 4, 5
ROWS = entity_rows(TRIPLES, n_items=N_ITEMS, n_entities=N_ENTITIES)


def kept_of(denoised, items, q, rows=ROWS):
    """The top q of the rows of some items."""
    places = places_of_items(rows, jnp.array(items))
    return rebuild.top_of_values(rebuild.own_values(denoised, rows, places), rows, places, q)


def test_rows_are_eq_9():
    found = rebuild.dense_rows(ROWS, jnp.array([2, 0, 1]), n_columns=N_ENTITIES)
    np.testing.assert_array_equal(found, [[1, 0, 0, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0]])


def test_top_q_of_own_relations():
    denoised = jnp.array([[9.0, 0.1, 9.0, 0.7, 0.3], [0.2, 9.0, 9.0, 9.0, 9.0]])
    kept = kept_of(denoised, [0, 2], 2)
    np.testing.assert_array_equal(kept.entities, [[3, 4], [0, 0]])
    np.testing.assert_array_equal(kept.relations, [[1, 1], [0, 1]])
    np.testing.assert_allclose(kept.scores, [[0.7, 0.3], [0.2, 0.2]])


@pytest.mark.parametrize("q", [1, 2, 3, 7])
def test_own_top_q_equals_sorting(rng, q):
    denoised = rng.normal(size=(N_ITEMS, N_ENTITIES)).astype(np.float32)
    kept = kept_of(jnp.asarray(denoised), range(N_ITEMS), q)
    for item in range(N_ITEMS):
        mine = TRIPLES[TRIPLES[:, 0] == item, 2]
        expected = np.sort(denoised[item, mine])[::-1][:q]
        scores = np.asarray(kept.scores[item])
        np.testing.assert_array_equal(scores[np.isfinite(scores)], expected)


def test_top_q_of_all_entities_brings_new_ones_with_their_usual_relation():
    relation = usual_relation(TRIPLES, n_entities=N_ENTITIES, n_relations=2)
    denoised = jnp.array([[0.0, 0.0, 3.0, 0.0, 2.0]])
    kept = rebuild.top_relations(denoised, relation, ROWS, places_of_items(ROWS, jnp.array([1])), 2)
    np.testing.assert_array_equal(kept.entities, [[2, 4]])
    np.testing.assert_array_equal(kept.relations, [[0, 1]])


def test_top_q_of_all_entities_leaves_an_item_its_own_relations():
    """Entity 1 is usually of relation 1; item 0 has it in relation 0, item 2 lacks it."""
    triples = np.array([[0, 0, 1], [0, 1, 2], [1, 1, 1], [3, 1, 1]])
    rows = entity_rows(triples, n_items=N_ITEMS, n_entities=N_ENTITIES)
    usual = usual_relation(triples, n_entities=N_ENTITIES, n_relations=2)
    denoised, items = jnp.array([[0.0, 5.0, 1.0, 0.0, 0.0]] * 2), jnp.array([0, 2])
    kept = rebuild.top_relations(denoised, usual, rows, places_of_items(rows, items), 2)
    assert kept.relations.tolist() == [[0, 1], [1, 1]]


def test_the_usual_relation_is_the_most_frequent_and_the_first_of_equals():
    triples = np.array([[0, 0, 0], [1, 1, 0], [0, 1, 2], [1, 1, 2], [2, 0, 2], [0, 2, 3]])
    found = usual_relation(triples, n_entities=N_ENTITIES, n_relations=3)
    assert found.tolist() == [0, 0, 1, 2, 0]


def test_an_item_of_many_triples_makes_nothing_wider_for_the_others():
    """What is kept of all items grows with the triples alone."""
    many = np.stack([np.zeros(1000, int), np.zeros(1000, int), np.arange(1000)], axis=1)
    triples = np.concatenate([many, [[item, 0, 0] for item in range(1, 500)]])
    rows = entity_rows(triples, n_items=500, n_entities=1000)
    assert sum(array.size for array in rows) <= 3 * len(triples) + 501 + 1000


def test_rebuilt_graph_has_a_static_shape_and_masks_padding():
    denoised = jnp.zeros((N_ITEMS, N_ENTITIES))
    kept = kept_of(denoised, range(N_ITEMS), 2)
    graph = rebuild.rebuilt_graph(kept, n_items=N_ITEMS, n_entities=N_ENTITIES)
    assert graph.structure.values.shape == (N_ITEMS * 2,)
    np.testing.assert_array_equal(graph.structure.values, [1, 1, 0, 0, 1, 1, 0, 0])
    np.testing.assert_array_equal(graph.structure.row_starts, [0, 2, 4, 6, 8])


@pytest.mark.parametrize("block", [1, 3, 4, 100])
def test_blocks_change_nothing(block):
    found = map_row_blocks(lambda items: items * 2, N_ITEMS, block)
    np.testing.assert_array_equal(found, [0, 2, 4, 6])
