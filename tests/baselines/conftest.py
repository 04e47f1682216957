import numpy as np
import pytest

from kdiffe_jax.config import EvalConfig
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.evaluation.ranking import ranking_task


def eval_data_of(train, valid, test, n_users, n_items, **choice):
    tasks = (ranking_task(train, pairs, n_users=n_users) for pairs in (valid, test))
    return EvalData(train, n_users, n_items, *tasks, EvalConfig(**choice))


@pytest.fixture
def eval_data(rng):
    """30 users with tastes for one half of 24 items; the last two items are cold."""
    n_users, n_items = 30, 24
    likes = rng.random((n_users, n_items)) < 0.15
    for user in range(n_users):
        half = np.arange(n_items) % 2 == user % 2
        likes[user, half] |= rng.random(half.sum()) < 0.5
    pairs = np.argwhere(likes)
    part = rng.integers(0, 4, len(pairs))
    part[pairs[:, 1] >= n_items - 2] = rng.integers(2, 4, (pairs[:, 1] >= n_items - 2).sum())
    train, valid, test = (pairs[s] for s in (part < 2, part == 2, part == 3))
    return eval_data_of(train, valid, test, n_users, n_items)
