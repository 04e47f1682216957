"""Full ranking at 20 for every user (eq. 7): the metrics alone, and the lists."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Case, Part, Work
from benchmarks.parts.sizes import Sizes, random_dataset
from kdiffe_jax.config import EvalConfig
from kdiffe_jax.evaluation.ranking import evaluate, rank_all, ranking_task

DIM = 64
CUTOFF = 20
_SAMPLE = 200


def part(sizes: Sizes) -> Part:
    """Ours, of float32 and of bfloat16 tables, against the bare blocked product, the product
    with argpartition, and user by user."""
    seen = random_dataset(sizes).train
    rng = np.random.default_rng(0)
    users, items = (rng.standard_normal((n, DIM), np.float32) for n in (sizes.users, sizes.items))
    everyone = np.stack([np.arange(sizes.users), rng.integers(0, sizes.items, sizes.users)], axis=1)
    task = ranking_task(seen, everyone, n_users=sizes.users)
    block = min(EvalConfig().eval_block, sizes.users)
    cutoff = min(CUTOFF, sizes.items - 1)
    starts = np.searchsorted(seen[:, 0], np.arange(sizes.users + 1))
    blocks = [np.arange(u, min(u + block, sizes.users)) for u in range(0, sizes.users, block)]
    sample = np.arange(min(_SAMPLE, sizes.users))
    on_device = (jnp.asarray(users), jnp.asarray(items))
    rounded = tuple(table.astype(jnp.bfloat16) for table in on_device)
    product = jax.jit(lambda users, items: users @ items.T)
    out = np.empty((block, sizes.items), np.float32)

    def bare():
        parts = (on_device[0][first[0] : first[-1] + 1] for first in blocks)
        for rows in parts:
            jax.block_until_ready(product(rows, on_device[1]))

    def bare_numpy():
        for ids in blocks:
            np.matmul(users[ids], items.T, out=out[: len(ids)])

    def partitioned():
        return np.concatenate(
            [_best(_masked(users[i] @ items.T, i, seen, starts), cutoff) for i in blocks]
        )

    def one_by_one():
        scores = (_masked(users[[u]] @ items.T, [u], seen, starts) for u in sample)
        return np.concatenate([_best(row, cutoff) for row in scores])

    def lists():
        return rank_all(*on_device, task, k=cutoff, block=block)

    def metrics():
        return evaluate(*on_device, task, block=block, cutoffs=(cutoff,))

    def metrics_rounded():
        return evaluate(*rounded, task, block=block, cutoffs=(cutoff,))

    def lists_rounded():
        return rank_all(*rounded, task, k=cutoff, block=block)

    work = ranking_work(sizes.users, sizes.items, dim=DIM)
    return Part(
        f"full ranking at {cutoff}: {sizes.users} users, {sizes.items} items, d = {DIM}, blocks "
        f"of {block}; user by user: {len(sample)} users, scaled to all",
        [
            Case("ours, metrics at 20", metrics, work=work),
            Case("ours, metrics at 20, bfloat16 tables", metrics_rounded),
            Case("ours, lists of 20", lists, work=work),
            Case("ours, lists of 20, bfloat16 tables", lists_rounded),
            Case("bare blocked product, XLA", bare, work=work),
            Case("bare blocked product, NumPy, buffer kept", bare_numpy, True, work),
            Case("product, mask, argpartition, NumPy", partitioned, work=work),
            Case("user by user, NumPy", one_by_one, work=work, scale=sizes.users / len(sample)),
        ],
        check=lambda: _check(lists(), (partitioned(), one_by_one()), lists_rounded(), users, items),
    )


def ranking_work(users: int, items: int, *, dim: int) -> Work:
    """The product alone; a block's scores need not leave the caches."""
    return Work(bytes=4.0 * (users + items) * dim, operations=2.0 * users * items * dim)


def _masked(scores, users, seen, starts):
    for row, user in enumerate(users):
        scores[row, seen[starts[user] : starts[user + 1], 1]] = -np.inf
    return scores


def _best(scores, cutoff):
    kept = np.argpartition(-scores, cutoff, axis=1)[:, :cutoff]
    values = np.take_along_axis(scores, kept, axis=1)
    return np.take_along_axis(kept, np.argsort(-values, axis=1), axis=1)


def _check(ours, others, rounded, users, items):
    def scores(ranked, count):
        return np.einsum("ud,ukd->uk", users[:count], items[np.asarray(ranked)[:count]])

    for other in others:
        a, b = scores(ours, len(other)), scores(other, len(other))
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    exact = scores(ours, _SAMPLE)
    atol = 2e-2 * np.abs(exact).max()
    np.testing.assert_allclose(scores(rounded, _SAMPLE), exact, rtol=0, atol=atol)
