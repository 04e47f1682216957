"""Item graphs have the item itself, its nearest, and given lists as they are."""

import dataclasses

import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.feature_rows import feature_rows, in_form, stand_ins
from kdiffe_jax.data.item_graphs import item_graph


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_nearest_by_cosine_and_itself(rng, form):
    rows = np.abs(rng.normal(size=(12, 4))).astype(np.float32)
    rows[5] = 0.0
    unit = in_form(rows, "unit")
    cosines = unit @ unit.T
    graph = item_graph(form(rows), 4).toarray()
    np.testing.assert_array_equal(np.diag(graph), 1.0)
    np.testing.assert_allclose(
        graph[graph > 0], np.where(np.eye(12), 1.0, cosines)[graph > 0], atol=1e-6
    )
    for item in set(range(12)) - {5}:
        expected = [other for other in np.argsort(-cosines[item]) if other != item][:3]
        assert sorted(np.flatnonzero(graph[item])) == sorted([*expected, item])
    assert np.flatnonzero(graph[5]).tolist() == [5]


def test_unit_rows_have_length_1_and_empty_ones_stay_empty(rng):
    rows = rng.normal(size=(6, 4)).astype(np.float32) + 3.0
    rows[2] = 0.0
    dense, of_sparse = in_form(rows, "unit"), in_form(sparse.csr_array(rows), "unit")
    np.testing.assert_allclose(np.linalg.norm(dense, axis=1), [1, 1, 0, 1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(of_sparse.toarray(), dense, atol=1e-6)


def test_standard_columns_have_mean_0_and_together_variance_1(rng):
    rows = in_form(rng.normal(size=(50, 4)).astype(np.float32) * [1, 2, 3, 4] + 5.0, "standard")
    np.testing.assert_allclose(rows.mean(axis=0), 0.0, atol=1e-5)
    assert np.square(rows).mean() == pytest.approx(1.0, abs=1e-5)


def board(**changes):
    triples = [(0, 0, 0), (0, 1, 2), (1, 0, 1), (1, 1, 3), (2, 1, 2)]
    pairs = np.array([(0, 0), (1, 1)], np.int32)
    found = Dataset(
        name="board",
        n_users=2,
        n_items=3,
        n_entities=4,
        train=pairs,
        valid=pairs[:0],
        test=pairs[:0],
        triples=np.array(triples, np.int32),
        relation_names=("near", "word"),
        entity_items=np.array([1, 2, -1, -1]),
    )
    return dataclasses.replace(found, **changes)


def test_given_lists_are_the_graph_and_stand_ins_are_named():
    rows = feature_rows(board(), sparse_too=True)
    assert stand_ins(board()) == {"near": "neighbour rows", "word": "entity rows"}
    graph = item_graph(rows["near"], 2, given=True).toarray()
    assert graph.tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 1]]
    by_words = item_graph(rows["word"], 2).toarray()
    assert by_words.tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]


def test_given_lists_stand_beside_features_of_another_name():
    text = board(features={"text": np.ones((3, 2))})
    assert list(feature_rows(text, sparse_too=True)) == ["near", "text"]
    assert stand_ins(text) == {"near": "neighbour rows"}
    near = board(features={"near": np.ones((3, 2))})
    assert isinstance(feature_rows(near, sparse_too=True)["near"], np.ndarray)
    assert stand_ins(near) == {}
    assert list(feature_rows(text, sparse_too=False)) == ["text"]
