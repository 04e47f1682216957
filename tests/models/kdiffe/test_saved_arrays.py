"""What a trained KDiffE leaves says what it computes."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from kdiffe_jax.models.kdiffe.rebuild import KeptRelations
from kdiffe_jax.models.kdiffe.saved_arrays import _of_given, kept_triples
from tests.small_setups import compiled_of, small_setup, started

VARIANTS = {
    "default": {},
    "deep": {"layers": 3, "degree_from": "weighted", "rebuild_from": "all", "top_q": 2},
    "near": {"neighbour_weight": 0.5, "nearest_items": 3, "layer_pooling": "mean"},
}


@pytest.fixture(scope="module", params=VARIANTS)
def case(request):
    """A setup, a view and what stands in the file for it."""
    setup = small_setup(**VARIANTS[request.param])
    (state, carry), inputs = started(setup), setup.inputs
    view = compiled_of(setup).view(state.params, inputs, carry)
    return setup, view, setup.model.artifacts(state.params, inputs, carry, setup.edges)


def whole(matrix, *shape):
    dense = np.zeros(shape)
    dense[matrix.rows, matrix.columns] = matrix.values
    return dense


def test_entries_and_similarity_are_of_the_training_interactions(case):
    setup, _, saved = case
    users, items = setup.dataset.train.T
    found = whole(setup.inputs.laplacian.to_users, setup.dataset.n_users, setup.dataset.n_items)
    np.testing.assert_array_equal(found[users, items], saved["laplacian"].astype(float))
    np.testing.assert_array_equal(saved["similarity"], setup.edges.similarity)


def test_users_are_their_own_and_what_items_pass_on(case):
    setup, view, saved = case
    matrix = whole(setup.inputs.laplacian.to_users, setup.dataset.n_users, setup.dataset.n_items)
    expected = saved["own_users"] + matrix @ saved["messages"]
    np.testing.assert_allclose(expected, view.users, rtol=1e-4, atol=1e-5)


def test_what_nearest_items_add_is_kept_from_before_it_is_added():
    setup = small_setup(**VARIANTS["near"])
    assert setup.config.options.layers == 2
    model = dataclasses.replace(
        setup.model, options=dataclasses.replace(setup.config.options, layers=1)
    )
    state, carry = started(setup)
    saved = model.artifacts(state.params, setup.inputs, carry, setup.edges)
    before = saved["before_neighbours"].astype(float)
    np.testing.assert_allclose(np.linalg.norm(before, axis=1), 1.0, rtol=1e-5)
    near = whole(setup.inputs.neighbours.forward, *[setup.dataset.n_items] * 2)
    layer_0 = before + 0.5 * near @ before
    np.testing.assert_allclose(saved["messages"], layer_0 / 2, atol=1e-5)


def test_attention_sums_to_one_and_kept_relations_have_their_number(case):
    setup, _, saved = case
    n_items, triples = setup.dataset.n_items, setup.dataset.triples
    sums = np.bincount(triples[:, 0], saved["attention"], n_items)
    np.testing.assert_allclose(sums, 1.0, atol=1e-5)
    counts = np.bincount(saved["kept"][:, 0], minlength=n_items)
    assert (counts == setup.config.options.top_q).all()
    if setup.config.options.rebuild_from == "own":
        assert set(map(tuple, saved["kept"].tolist())) <= set(map(tuple, triples.tolist()))


def test_kept_triples_are_sorted_and_without_padding():
    scores = np.array([[0.5, 0.9], [0.1, -np.inf]])
    kept = KeptRelations(np.array([[7, 3], [5, 0]]), np.array([[1, 0], [2, 0]]), scores)
    triples, values = kept_triples(kept)
    np.testing.assert_array_equal(triples, [[0, 0, 3], [0, 1, 7], [1, 2, 5]])
    assert values.tolist() == [0.9, 0.5, 0.1]


def test_padding_of_a_rebuilt_graph_hides_no_triple():
    """Padding is of weight 0 and may carry the key of a triple that is there."""
    keys, values = [3, 3, 1, 3], [0.0, 0.0, 1.0, 1.0]
    main = graph_of(keys, values)
    given = graph_of([1, 2, 3], [1.0, 1.0, 1.0])
    model = SimpleNamespace(
        options=SimpleNamespace(main_graph="rebuilt"),
        sizes=SimpleNamespace(n_relations=1, n_entities=10),
    )
    attention = np.array([0.0, 0.0, 0.5, 0.25])
    assert _of_given(model, attention, main, given).tolist() == [0.5, 0.0, 0.25]
    nothing = graph_of([1, 2], [0.0, 0.0])
    assert _of_given(model, np.zeros(2), nothing, given).tolist() == [0.0, 0.0, 0.0]


def graph_of(columns, values):
    """Triples of item 0 in relation 0."""
    zeros = np.zeros(len(columns), np.int32)
    structure = SimpleNamespace(rows=zeros, columns=np.array(columns), values=np.array(values))
    return SimpleNamespace(structure=structure, relations=zeros)
