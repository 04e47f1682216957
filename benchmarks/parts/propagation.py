"""Propagation, forward and backward (eq. 3, 6): d = 64, L = 2."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jax.experimental.sparse import BCOO

from benchmarks.harness import Case, Part, Work
from benchmarks.parts import torch_sparse
from benchmarks.parts.sizes import Sizes, random_dataset
from kdiffe_jax.models.kdiffe.attention_laplacian import attention_laplacian
from kdiffe_jax.ops.propagate import propagate
from kdiffe_jax.ops.sparse import laplacian_blocks

DIM = 64
LAYERS = 2


def part(sizes: Sizes) -> Part:
    """Ours against BCOO autodiff, segment sums and, where it is there, torch.sparse."""
    laplacian = random_laplacian(sizes)
    n_nodes, entries = laplacian.shape[0], laplacian.nse
    rng = np.random.default_rng(0)
    nodes, cotangent = (
        jnp.asarray(rng.standard_normal((n_nodes, DIM)), jnp.float32) for _ in range(2)
    )
    ours = jax.jit(_with_gradient(lambda m, z: _ours(m, z, sizes.users)))
    bcoo = jax.jit(_with_gradient(_layers_of(lambda m, z: m @ z)))
    segments = jax.jit(_with_gradient(_layers_of(_segment_product)))
    operator = laplacian_blocks(laplacian, n_users=sizes.users)
    runs = {
        "ours": lambda: ours(operator, nodes, cotangent),
        "BCOO @ dense, autodiff": lambda: bcoo(laplacian, nodes, cotangent),
        "segment_sum, autodiff": lambda: segments(laplacian, nodes, cotangent),
        **torch_sparse.propagations(laplacian, nodes, cotangent, layers=LAYERS),
    }
    work = propagation_work(n_nodes, entries, dim=DIM, layers=LAYERS)
    return Part(
        f"propagation, forward and backward: {n_nodes} nodes, {entries} entries, "
        f"d = {DIM}, L = {LAYERS}",
        [Case(name, run, name.startswith("BCOO"), work) for name, run in runs.items()],
        check=lambda: _check(runs, laplacian, nodes, cotangent),
    )


def _ours(laplacian, nodes, n_users):
    split = propagate(laplacian, nodes[:n_users], nodes[n_users:], layers=LAYERS)
    return jnp.concatenate(split)


def random_laplacian(sizes: Sizes) -> BCOO:
    """Eq. 4 of the random data, with a random S."""
    pairs = random_dataset(sizes).train
    similarity = np.random.default_rng(1).random(len(pairs), np.float32)
    return attention_laplacian(
        pairs[:, 0],
        pairs[:, 1],
        similarity,
        n_users=sizes.users,
        n_items=sizes.items,
        xi=0.7,
    )


def propagation_work(n_nodes: int, entries: int, *, dim: int, layers: int) -> Work:
    """Of both directions: 2 L products, each reading and writing the dense side once."""
    product = Work(
        bytes=8.0 * entries + 2 * 4.0 * n_nodes * dim,
        gathered=4.0 * entries * dim,
        operations=2.0 * entries * dim + n_nodes * dim,
    )
    return product.times(2 * layers)


def _with_gradient(function):
    def both(matrix, nodes, cotangent):
        value, pull = jax.vjp(lambda z: function(matrix, z), nodes)
        return value, pull(cotangent)[0]

    return both


def _layers_of(product):
    def total(matrix, nodes):
        summed = nodes
        for _ in range(LAYERS):
            nodes = product(matrix, nodes)
            summed = summed + nodes
        return summed

    return total


def _segment_product(matrix: BCOO, nodes):
    rows, columns = matrix.indices.T
    return jax.ops.segment_sum(matrix.data[:, None] * nodes[columns], rows, matrix.shape[0])


def _check(runs, laplacian, nodes, cotangent):
    rows, columns = np.asarray(laplacian.indices).T
    exact = sp.csr_array((np.asarray(laplacian.data, np.float64), (rows, columns)))
    value, gradient = (_exact(exact, np.asarray(x, np.float64)) for x in (nodes, cotangent))
    for name, run in runs.items():
        for found, expected in zip(run(), (value, gradient), strict=True):
            found = torch_sparse.as_numpy(found)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=name)


def _exact(matrix, nodes):
    return nodes + matrix @ nodes + matrix @ (matrix @ nodes)
