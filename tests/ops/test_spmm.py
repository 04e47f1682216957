"""Products with a sparse matrix, and their gradients, against the dense matrix."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from jax.experimental.sparse import BCOO
from jax.test_util import check_grads

import kdiffe_jax.ops.spmm as module
from kdiffe_jax.ops.sparse import operator_from_entries, sparse_operator, sparse_pair
from kdiffe_jax.ops.sparse_types import SparsePair
from kdiffe_jax.ops.spmm import multiply, spmm


@pytest.fixture
def dense_matrix(rng):
    matrix = rng.normal(size=(9, 6)) * (rng.random((9, 6)) < 0.4)
    matrix[2] = 0
    matrix[:, 3] = 0
    return matrix.astype(np.float32)


def operator_of(matrix):
    return sparse_operator(BCOO.fromdense(jnp.asarray(matrix)).sort_indices())


def test_product_and_both_gradients_equal_dense(rng, dense_matrix):
    operator = operator_of(dense_matrix)
    x = jnp.asarray(rng.normal(size=(6, 4)), jnp.float32)
    upstream = jnp.asarray(rng.normal(size=(9, 4)), jnp.float32)
    found, pull = jax.vjp(
        lambda values, x: multiply(operator._replace(values=values), x), operator.values, x
    )
    to_values, to_x = pull(upstream)
    np.testing.assert_allclose(found, dense_matrix @ x, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(to_x, dense_matrix.T @ upstream, rtol=1e-5, atol=1e-6)
    full = upstream @ x.T
    np.testing.assert_allclose(
        to_values, full[operator.rows, operator.columns], rtol=1e-5, atol=1e-6
    )


def test_numerical_gradient(rng, dense_matrix):
    operator = operator_of(dense_matrix)
    x = jnp.asarray(rng.normal(size=(6, 2)), jnp.float32)
    check_grads(
        lambda values, x: jnp.tanh(multiply(operator._replace(values=values), x)),
        (operator.values, x),
        order=1,
        modes=["rev"],
        atol=2e-2,
        rtol=2e-2,
    )


def test_both_platform_forms_agree(rng, dense_matrix):
    o = operator_of(dense_matrix)
    x = jnp.asarray(rng.normal(size=(6, 4)), jnp.float32)
    arguments = (o.values, o.row_starts, o.columns, o.rows, x)
    np.testing.assert_allclose(
        module._csr_product(*arguments), module._segment_product(*arguments), rtol=1e-5, atol=1e-6
    )


def test_unsorted_indices_are_refused(dense_matrix):
    matrix = BCOO.fromdense(jnp.asarray(dense_matrix))
    shuffled = BCOO((matrix.data[::-1], matrix.indices[::-1]), shape=matrix.shape)
    with pytest.raises(ValueError, match="sorted"):
        sparse_operator(shuffled)


def test_graph_is_an_argument_so_a_new_one_compiles_nothing(rng, dense_matrix):
    compiled = jax.jit(multiply)
    x = jnp.ones((6, 4))
    compiled(operator_of(dense_matrix), x)
    compiled(operator_of(2 * dense_matrix), x)
    assert compiled._cache_size() == 1


@pytest.mark.parametrize("block", (1, 4, 64))
def test_gradient_to_the_values_does_not_depend_on_the_block(rng, dense_matrix, monkeypatch, block):
    monkeypatch.setattr(module, "_ENTRIES_AT_ONCE", block)
    operator = operator_of(dense_matrix)
    x = jnp.asarray(rng.normal(size=(6, 4)), jnp.float32)
    upstream = jnp.asarray(rng.normal(size=(9, 4)), jnp.float32)
    _, pull = jax.vjp(lambda values: multiply(operator._replace(values=values), x), operator.values)
    expected = (upstream @ x.T)[operator.rows, operator.columns]
    np.testing.assert_allclose(pull(upstream)[0], expected, rtol=1e-5, atol=1e-6)


def test_a_pair_carries_the_gradient_of_the_dense_side(rng, dense_matrix):
    operator = sparse_pair(sp.csr_array(dense_matrix))
    x, upstream = rng.normal(size=(6, 4)), rng.normal(size=(9, 4))
    found, pull = jax.vjp(lambda x: spmm(*operator, x), jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(found, dense_matrix @ x, rtol=1e-4, atol=1e-5)
    gradient = pull(jnp.asarray(upstream, jnp.float32))[0]
    np.testing.assert_allclose(gradient, dense_matrix.T @ upstream, rtol=1e-4, atol=1e-5)


def test_the_host_lays_out_what_a_traced_call_does(dense_matrix):
    entries = sp.coo_array(dense_matrix)
    values, shape = entries.data.astype(np.float32), entries.shape
    of_host = operator_from_entries(values, entries.row, entries.col, shape=shape)
    traced = operator_from_entries(jnp.asarray(values), entries.row, entries.col, shape=shape)
    for ours, theirs in zip(of_host, traced, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_a_matrix_beside_its_transpose_multiplies_as_it_does_alone(rng, dense_matrix):
    operator = operator_of(dense_matrix)
    both = SparsePair(operator, operator_of(dense_matrix.T))
    x = jnp.asarray(rng.normal(size=(6, 4)), jnp.float32)
    upstream = jnp.asarray(rng.normal(size=(9, 4)), jnp.float32)
    (ours, pull), (theirs, alone) = (jax.vjp(partial(multiply, m), x) for m in (both, operator))
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(pull(upstream)[0], alone(upstream)[0])


def test_an_operator_is_in_order_and_its_own_copy(rng):
    """Of a matrix that scipy has not sorted, and sorts in place later."""
    dense = rng.normal(size=(5, 6)).astype(np.float32)
    matrix = sp.csr_array(dense)
    backwards = np.concatenate([np.arange(6)[::-1] + 6 * row for row in range(5)])
    unsorted = sp.csr_array((matrix.data[backwards], matrix.indices[backwards], matrix.indptr))
    pair = sparse_pair(unsorted)
    unsorted.sort_indices()
    for operator, expected in zip(pair, (dense, dense.T), strict=True):
        places = np.asarray(operator.rows) * expected.shape[1] + np.asarray(operator.columns)
        assert (np.diff(places) > 0).all()
        np.testing.assert_array_equal(multiply(operator, jnp.eye(expected.shape[1])), expected)
