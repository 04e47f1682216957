"""The score that chooses, and what tells one set of interactions from another."""

import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.config import EvalConfig
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.evaluation.ranking import ranking_task
from kdiffe_jax.evaluation.top_k_lists import lists_by_embeddings

# Every user has seen item 0; validation holds item 1, test item 3.
USERS, ITEMS = 4, 25


@pytest.fixture
def eval_data():
    def pairs(item):
        return np.stack([np.arange(USERS), np.full(USERS, item)], axis=1)

    train = pairs(0)
    tasks = (ranking_task(train, pairs(item), n_users=USERS) for item in (1, 3))
    return EvalData(train, USERS, ITEMS, *tasks, EvalConfig())


def lists_with_first(item):
    scores = jnp.zeros((ITEMS, 1)).at[item].set(1.0)
    return lists_by_embeddings(jnp.ones((USERS, 1)), scores, block=2)


def test_selection_on_validation_does_not_look_at_the_test_split(eval_data):
    blind = eval_data._replace(test=None, eval=EvalConfig(selection_metric="mrr@5"))
    assert blind.selection_score(lists_with_first(1)) == 1.0
    assert blind.selection_score(lists_with_first(24)) == 0.5


def test_selection_on_test_asks_the_test_split(eval_data):
    metric = dict(selection_metric="mrr@5")
    on_valid = eval_data._replace(eval=EvalConfig(**metric))
    on_test = eval_data._replace(eval=EvalConfig(selection="test", **metric))
    lists = lists_with_first(3)
    assert on_test.selection_score(lists) == 1.0
    # Item 3, then item 1: the seen item 0 is left out.
    assert on_valid.selection_score(lists) == 0.5


def test_popularity_counts_the_training_interactions(eval_data):
    assert eval_data.popularity().tolist() == [USERS] + [0] * (ITEMS - 1)


@pytest.mark.parametrize("change", ["train", "valid", "test", "eval"])
def test_the_fingerprint_is_of_everything_that_a_fit_reads(eval_data, change):
    seen = eval_data.valid.seen
    hidden = seen._replace(values=seen.values + 1)
    other = {
        "train": eval_data.train[1:],
        "valid": eval_data.valid._replace(seen=hidden),
        "test": eval_data.test._replace(relevant=eval_data.test.relevant - 1),
        "eval": EvalConfig(selection_metric="ndcg@10"),
    }[change]
    assert eval_data._replace(**{change: other}).fingerprint() != eval_data.fingerprint()
    same = eval_data._replace(eval=EvalConfig(eval_block=7))
    assert same.fingerprint() == eval_data.fingerprint()
