import numpy as np
import pytest

from kdiffe_jax.data import co_interaction
from kdiffe_jax.data.co_interaction import lift


def test_equals_a_dense_oracle(rng, monkeypatch):
    has = rng.random((30, 20)) < 0.2
    pairs, links = np.argwhere(has), rng.integers(0, 20, (50, 2))
    common = has.T.astype(float) @ has
    degrees, of_user = has.sum(axis=0), has.sum(axis=1)
    together = (of_user * (of_user - 1)).sum()
    apart = links[links[:, 0] != links[:, 1]]
    by_chance = (degrees[apart] ** 1.0).prod(axis=1).sum() * together / has.sum() ** 2
    expected = common[apart[:, 0], apart[:, 1]].sum() / by_chance
    sizes = dict(n_users=30, n_items=20)
    both = (has[:, apart[:, 0]] & has[:, apart[:, 1]]).sum(axis=1)
    around = both - both.sum() * of_user * (of_user - 1) / together
    error = np.sqrt((around**2).sum()) / by_chance
    assert lift(pairs, links, **sizes) == pytest.approx((expected, error), rel=1e-6)
    for most in (1, 7):
        monkeypatch.setattr(co_interaction, "_USERS_AT_ONCE", most)
        assert lift(pairs, links, **sizes) == pytest.approx((expected, error), rel=1e-6)


def test_an_item_that_everyone_has_costs_no_more_than_another(monkeypatch):
    """It stands in every link, and its users are never asked."""
    n, asked = 300, []
    everyone = np.stack([np.arange(n), np.zeros(n, int)], axis=1)
    own = np.stack([np.arange(n), 1 + np.arange(n) % (n - 1)], axis=1)
    links = np.stack([np.arange(1, n), np.zeros(n - 1, int)], axis=1)
    blocks = co_interaction._blocks
    monkeypatch.setattr(
        co_interaction, "_blocks", lambda ends: asked.append(ends[-1]) or blocks(ends)
    )
    found = lift(np.concatenate([everyone, own]), links, n_users=n, n_items=n)
    assert found.value > 0 and asked == [n]


def test_random_links_tell_nothing(rng):
    pairs = np.argwhere(rng.random((400, 100)) < 0.1)
    links = rng.integers(0, 100, (4000, 2))
    found = lift(pairs, links, n_users=400, n_items=100)
    assert found.value == pytest.approx(1.0, abs=3 * found.error) and 0 < found.error < 0.05


@pytest.mark.parametrize("links", [np.zeros((0, 2), int), np.array([[2, 2]]), np.array([[2, 3]])])
def test_without_a_possible_common_user_it_is_one(links):
    pairs = np.array([[0, 0], [0, 1]])
    assert lift(pairs, links, n_users=1, n_items=4) == (1.0, 0.0)
