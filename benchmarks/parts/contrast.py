"""InfoNCE of one step, value and gradient with respect to both views (eq. 13)."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Case, Part, Work
from benchmarks.parts.sizes import Sizes, random_dataset
from kdiffe_jax.ops.losses import first_occurrence, info_nce

DIM = 64
BATCH = 1024
TEMPERATURE = 0.5


def part(sizes: Sizes) -> Part:
    """All nodes and in-batch, ours, against logits of all pairs with autodiff."""
    batch = random_dataset(sizes).train[: min(BATCH, sizes.train)]
    rng = np.random.default_rng(0)
    nodes = tuple(map(jnp.asarray, batch.T))
    views = tuple(
        tuple(jnp.asarray(rng.standard_normal((n, DIM)), jnp.float32) for _ in range(2))
        for n in (sizes.users, sizes.items)
    )
    every = sizes.users + sizes.items
    runs = {
        "all nodes, ours": _gradient_of(all_nodes, views, nodes),
        "all nodes, all logits kept, autodiff": _gradient_of(_naive, views, nodes),
        "in-batch, ours": _gradient_of(in_batch, views, nodes),
    }
    works = (
        contrast_work(len(batch), every, dim=DIM),
        contrast_work(len(batch), every, dim=DIM),
        contrast_work(len(batch), 2 * len(batch), dim=DIM),
    )
    ours, naive, _ = runs.values()
    return Part(
        f"InfoNCE over users and over items, value and gradient: {len(batch)} anchors each, "
        f"{every} nodes, d = {DIM}",
        [
            Case(name, run, "kept" in name, work)
            for (name, run), work in zip(runs.items(), works, strict=True)
        ],
        check=lambda: _check(ours(), naive()),
    )


def contrast_work(anchors: int, candidates: int, *, dim: int) -> Work:
    """Of both directions, for all candidates of users and items together.

    The logits' product and its two transposes; exponentials are not counted.
    """
    return Work(
        bytes=3 * 4.0 * (2 * anchors + candidates) * dim,
        operations=3 * 2.0 * anchors * candidates * dim,
    )


def all_nodes(main, other, nodes):
    """The mean over the batch, every node of the other view a candidate."""
    return info_nce(main[nodes], other, nodes, temperature=TEMPERATURE).mean()


def in_batch(main, other, nodes):
    """The mean over the batch, its distinct nodes the candidates."""
    return info_nce(
        main[nodes],
        other[nodes],
        jnp.arange(len(nodes)),
        temperature=TEMPERATURE,
        candidate_weights=first_occurrence(nodes, size=len(main)),
    ).mean()


def _naive(main, other, nodes):
    main, other = (v / jnp.linalg.norm(v, axis=1, keepdims=True) for v in (main, other))
    logits = main[nodes] @ other.T / TEMPERATURE
    return -jax.nn.log_softmax(logits, axis=1)[jnp.arange(len(nodes)), nodes].mean()


def _gradient_of(loss, views, nodes) -> Callable:
    def total(views):
        return sum(loss(*view, ids) for view, ids in zip(views, nodes, strict=True))

    both = jax.jit(jax.value_and_grad(total))
    return lambda: both(views)


def _check(ours, naive):
    np.testing.assert_allclose(ours[0], naive[0], rtol=1e-5)
    for a, b in zip(jax.tree.leaves(ours[1]), jax.tree.leaves(naive[1]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5 * float(jnp.abs(b).max()))
