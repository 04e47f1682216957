"""What is compiled: all of it before the first request."""

from concurrent.futures import ThreadPoolExecutor

import jax
from starlette.testclient import TestClient

from kdiffe_jax.serve.app import make_app
from tests.serve.conftest import BOUNDS


def test_no_request_compiles(recommender, count_compilations):
    jax.clear_caches()
    with count_compilations() as compiled:
        app = make_app(type(recommender)(recommender.model), BOUNDS)
    assert compiled
    client = TestClient(app, base_url="http://localhost")

    def ask(user):
        for k in (1, 3, BOUNDS.k):
            for seen in ("all", "train", "none"):
                for unknown in ("raise", "popular"):
                    options = {"k": k, "exclude_seen": seen, "unknown": unknown}
                    answer = client.get("/api/recommend", params={"user": user} | options)
                    assert answer.status_code == 200

    with count_compilations() as compiled:
        for user in recommender.users.ids[::3]:
            ask(user)
        client.get("/api/recommend", params={"user": "nobody", "unknown": "popular"})
        for n in range(1, BOUNDS.items + 1):
            items = list(recommender.items.ids[-n:])
            for seen in (True, False):
                body = {"items": items, "k": n, "exclude_seen": seen}
                assert client.post("/api/fold-in", json=body).status_code == 200
            body = {"items": items, "item": "p1"}
            assert client.post("/api/fold-in/explain", json=body).status_code == 200
        for k in (2, 5):
            client.get("/api/similar-items", params={"item": "p1", "k": k})
            client.get("/api/similar-users", params={"user": "ann 1", "k": k})
    assert not compiled


def test_requests_at_once_are_answered_as_one_after_another(client, recommender):
    def ask(user):
        return client.get("/api/recommend", params={"user": user, "k": 5}).json()

    users = recommender.users.ids[:16]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, users)) == list(map(ask, users))
