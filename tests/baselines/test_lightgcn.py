import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.baselines.lightgcn import LightGCN, initial_params, plain_laplacian, view_of
from tests.reference.oracles import laplacian

FIXED = dict(dim=8, batch_size=32, learning_rate=0.02, patience=3, seed=0)


def test_view_is_the_sum_of_layers_over_the_plain_laplacian(bench):
    params = initial_params(bench, dim=4, seed=0)
    dense = laplacian(bench.train, np.zeros(len(bench.train)), bench.n_users, bench.n_items, 0.0)
    nodes = np.concatenate([params["users"], params["items"]])
    expected = nodes + dense @ nodes + dense @ dense @ nodes
    view = view_of(params, plain_laplacian(bench), layers=2)
    np.testing.assert_allclose(jnp.concatenate(view), expected, rtol=1e-4, atol=1e-6)


def test_training_beats_the_start_on_validation(bench):
    start = LightGCN(bench, epochs=1, **FIXED).fit(layers=1, theta_2=1e-5)
    trained = LightGCN(bench, epochs=40, **FIXED).fit(layers=1, theta_2=1e-5)
    assert bench.selection_score(trained) > bench.selection_score(start)


def test_stops_when_patience_is_over_and_gives_the_best_epoch(bench, monkeypatch):
    scores = iter([0.1, 0.3, 0.2, 0.2, 0.1, 0.9])
    seen = []

    def scored(self, rank):
        seen.append(np.asarray(rank(bench.valid, k=5)))
        return next(scores)

    monkeypatch.setattr(type(bench), "selection_score", scored)
    ranker = LightGCN(bench, epochs=50, **FIXED).fit(layers=1, theta_2=0.0)
    assert len(seen) == 5
    np.testing.assert_array_equal(np.asarray(ranker(bench.valid, k=5)), seen[1])


def test_the_same_point_is_trained_once_and_again_the_same(bench, monkeypatch):
    first = LightGCN(bench, epochs=2, **FIXED)
    ranked = first.fit(layers=2, theta_2=1e-4)(bench.test, k=10)
    monkeypatch.setattr(first, "_best_view", lambda *point: pytest.fail("trained again"))
    again = first.fit(layers=2, theta_2=1e-4)(bench.test, k=10)
    other = LightGCN(bench, epochs=2, **FIXED).fit(layers=2, theta_2=1e-4)(bench.test, k=10)
    np.testing.assert_array_equal(ranked, again)
    np.testing.assert_array_equal(ranked, other)
