"""Compiles before the first request what requests need, so that none of them waits for it.

A list's program depends on how many items are left out of it, rounded up to a power of two
(`recommend/blocks.py`). One request of each such shape is answered and forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kdiffe_jax.serve.answers import Answers
from kdiffe_jax.storage.saved_model import SavedModel


def warm_up(answers: Answers, *, most_items: int) -> None:
    """Answers one request of every shape.

    Args:
      most_items: of a new user.
    """
    model = answers.recommender.model
    for user, seen in one_of_each_shape(model):
        answers.recommend(user, 1, exclude_seen=seen, unknown="popular")
    nobody = "nobody"
    while nobody in answers.recommender.users:
        nobody += "'"
    answers.recommend(nobody, 1, unknown="popular")
    if answers.recommender.folds_in:
        for length in _lengths(min(most_items, len(model.item_ids))):
            answers.fold_in(model.item_ids[:length], 1)
        answers.fold_in(model.item_ids[:1], 1, exclude_seen=False)
    answers.similar_items(model.item_ids[0], 1)
    answers.similar_users(model.user_ids[0], 1)


def one_of_each_shape(model: SavedModel) -> Iterator[tuple[str, str]]:
    """(user, what is left out) such that their lists need every program that any needs."""
    n_users = len(model.user_ids)
    train = np.bincount(model.train[:, 0], minlength=n_users)
    held_out = np.bincount(model.held_out[:, 0], minlength=n_users)
    for seen, counts in (("all", train + held_out), ("train", train), ("none", 0 * train)):
        doublings = np.ceil(np.log2(np.maximum(counts, 1))).astype(int)
        shapes = np.stack([doublings, train == 0], axis=1)
        _, users = np.unique(shapes, axis=0, return_index=True)
        yield from ((model.user_ids[user], seen) for user in users.tolist())


def _lengths(most: int) -> list[int]:
    """Powers of two below `most`, and `most`.

    >>> _lengths(10)
    [1, 2, 4, 8, 10]
    """
    return [1 << power for power in range((most - 1).bit_length())] + [most]
