"""Batches by users: different users a step, all taken alike, with items of theirs."""

import numpy as np
import pytest

from kdiffe_jax.data.share import Share
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.training.user_sampler import UserSampler

N_ITEMS = 11
# User u has u + 1 items; user 9 has none.
PAIRS = np.array([(u, (3 * u + k) % N_ITEMS) for u in range(9) for k in range(u + 1)], np.int32)
PAIRS = PAIRS[np.lexsort(PAIRS.T[::-1])]


def sampler(**changes):
    of = dict(n_users=10, n_items=N_ITEMS, batch_size=4, seed=0) | changes
    return UserSampler(PAIRS, **of)


def test_a_step_takes_different_users_and_items_of_theirs():
    known = set(map(tuple, PAIRS.tolist()))
    for number in range(3):
        epoch = sampler().epoch(number)
        assert epoch.users.shape == (len(PAIRS) // 4 + 1, 4)
        assert all(len(set(users)) == 4 for users in epoch.users.tolist())
        pairs = zip(epoch.users.ravel().tolist(), epoch.positives.ravel().tolist(), strict=True)
        assert known.issuperset(pairs)
        drawn = zip(epoch.users.ravel().tolist(), epoch.negatives.ravel().tolist(), strict=True)
        assert known.isdisjoint(drawn)
        assert epoch.weights.all()


def test_users_of_few_and_of_many_items_are_taken_alike_and_items_of_a_user_too():
    epochs = [sampler().epoch(number) for number in range(300)]
    users, positives = (np.concatenate([e[i].ravel() for e in epochs]) for i in (0, 1))
    taken = np.bincount(users, minlength=10)
    assert taken[9] == 0
    np.testing.assert_allclose(taken[:9] / taken.sum(), 1 / 9, atol=0.01)
    of_last = np.bincount(positives[users == 8], minlength=N_ITEMS)
    own = PAIRS[PAIRS[:, 0] == 8, 1]
    assert of_last.sum() == of_last[own].sum()
    np.testing.assert_allclose(of_last[own] / of_last.sum(), 1 / 9, atol=0.02)


def test_parts_of_a_pass_are_the_pass():
    whole = sampler().epoch(1)
    cut = sampler(epoch_steps=5)
    parts = [cut.epoch(cut.epochs_of_pass + number) for number in range(cut.epochs_of_pass)]
    for name in ("users", "positives", "negatives", "weights"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined[: len(whole.users)], getattr(whole, name))
        assert not joined[len(whole.users) :].any()


def test_a_batch_larger_than_the_users_takes_all_of_them():
    epoch = sampler(batch_size=100).epoch(0)
    assert all(sorted(users) == list(range(9)) for users in epoch.users.tolist())


def test_several_processes_are_refused():
    with pytest.raises(ConfigError, match="one process"):
        sampler(share=Share(0, 2))
