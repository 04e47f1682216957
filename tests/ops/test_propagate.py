from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from jax.experimental.sparse import BCOO
from jax.test_util import check_grads

from kdiffe_jax.ops import spmm_kernel
from kdiffe_jax.ops import propagate as module
from kdiffe_jax.ops.sparse import laplacian_blocks, sparse_operator, transposed, sparse_pair
from kdiffe_jax.ops.spmm import spmm, multiply
from kdiffe_jax.ops.propagate import propagate, propagate_items
from kdiffe_jax.ops.sparse_types import SparseOperator, SparsePair


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
        product._csr_product(*arguments), product._segment_product(*arguments), rtol=1e-5, atol=1e-6
    )


@pytest.fixture
def halves(rng):
    """A symmetric matrix over 5 users and 3 items, as it stands and by its blocks."""
    matrix = np.zeros((8, 8), np.float32)
    matrix[:5, 5:] = rng.random((5, 3)) * (rng.random((5, 3)) < 0.7)
    return matrix + matrix.T


def blocks_of(matrix):
    return laplacian_blocks(BCOO.fromdense(jnp.asarray(matrix)).sort_indices(), n_users=5)


@pytest.mark.parametrize("loops", (False, True))
@pytest.mark.parametrize("layers", (0, 1, 2, 3))
def test_propagation_is_the_sum_of_layers(rng, halves, layers, loops):
    if loops:
        halves += np.diag(rng.random(8).astype(np.float32))
    powers = sum(np.linalg.matrix_power(halves, k) for k in range(layers + 1))
    x, upstream = rng.normal(size=(2, 8, 3)).astype(np.float32)
    laplacian = blocks_of(halves)
    found, pull = jax.vjp(
        lambda u, i: propagate(laplacian, u, i, layers=layers),
        jnp.asarray(x[:5]),
        jnp.asarray(x[5:]),
    )
    np.testing.assert_allclose(np.concatenate(found), powers @ x, rtol=1e-4, atol=1e-5)
    gradient = pull((jnp.asarray(upstream[:5]), jnp.asarray(upstream[5:])))
    np.testing.assert_allclose(np.concatenate(gradient), powers @ upstream, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loops", (False, True))
@pytest.mark.parametrize("layers", (0, 1, 2, 3))
def test_items_alone_are_propagation_with_zero_users(rng, halves, layers, loops):
    if loops:
        halves += np.diag(rng.random(8).astype(np.float32))
    laplacian = blocks_of(halves)
    items = jnp.asarray(rng.normal(size=(3, 4)), jnp.float32)
    found = propagate_items(laplacian, items, layers=layers)
    expected = propagate(laplacian, jnp.zeros((5, 4)), items, layers=layers)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


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


def gradients(operator, x, upstream):
    """Of the values and of the dense side, for upstream gradients of one member or of all."""
    found, pull = jax.vjp(lambda v, x: multiply(operator._replace(values=v), x), operator.values, x)
    return (found, *pull(upstream))


@pytest.mark.parametrize("own", ["dense", "values", "both"])
def test_members_are_multiplied_as_one_by_one(rng, dense_matrix, own):
    operator, n = operator_of(dense_matrix), 3
    x = jnp.asarray(rng.normal(size=(n, 6, 4)), jnp.float32)
    upstream = jnp.asarray(rng.normal(size=(n, 9, 4)), jnp.float32)
    values = operator.values[None] * jnp.arange(1.0, n + 1)[:, None]
    if own == "dense":
        values = jnp.broadcast_to(operator.values[None], values.shape)
    if own == "values":
        x = jnp.broadcast_to(x[:1], x.shape)
    axes = (None if own == "dense" else 0, None if own == "values" else 0, 0)

    def of_member(values, x, upstream):
        return gradients(operator._replace(values=values), x, upstream)

    inputs = (values[0] if own == "dense" else values, x[0] if own == "values" else x, upstream)
    found = jax.vmap(of_member, axes)(*inputs)
    for member in range(n):
        expected = of_member(values[member], x[member], upstream[member])
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours[member], theirs, rtol=1e-5, atol=1e-5)


def test_one_matrix_and_many_members_are_one_wide_product(dense_matrix):
    operator = operator_of(dense_matrix)
    members = jnp.ones((5, 6, 4))

    def both_ways(operator, members):
        found, pull = jax.vjp(lambda x: jax.vmap(multiply, (None, 0))(operator, x), members)
        return pull(found)

    lowered = jax.jit(both_ways).lower(operator, members).as_text()
    assert "tensor<6x20xf32>" in lowered and "tensor<9x20xf32>" in lowered
    assert "while" not in lowered


def test_two_way_carries_the_gradient_of_the_dense_side(rng, dense_matrix):
    operator = sparse_pair(sp.csr_array(dense_matrix))
    x, upstream = rng.normal(size=(6, 4)), rng.normal(size=(9, 4))
    found, pull = jax.vjp(lambda x: spmm(*operator, x), jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(found, dense_matrix @ x, rtol=1e-4, atol=1e-5)
    gradient = pull(jnp.asarray(upstream, jnp.float32))[0]
    np.testing.assert_allclose(gradient, dense_matrix.T @ upstream, rtol=1e-4, atol=1e-5)


def test_the_transpose_of_an_operator_is_that_of_its_matrix(dense_matrix):
    operator = operator_of(dense_matrix)
    for ours, theirs in zip(transposed(operator), operator_of(dense_matrix.T), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    on_host = SparseOperator(*map(np.asarray, operator))
    for ours, theirs in zip(transposed(transposed(on_host)), operator, strict=True):
        assert isinstance(ours, np.ndarray)
        np.testing.assert_array_equal(ours, theirs)


def test_a_matrix_beside_its_transpose_multiplies_as_it_does_alone(rng, dense_matrix):
    operator = operator_of(dense_matrix)
    both = SparsePair(operator, transposed(operator))
    x = jnp.asarray(rng.normal(size=(6, 4)), jnp.float32)
    upstream = jnp.asarray(rng.normal(size=(9, 4)), jnp.float32)
    (ours, pull), (theirs, alone) = (jax.vjp(partial(multiply, m), x) for m in (both, operator))
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(pull(upstream)[0], alone(upstream)[0])
