"""One small model with awkward ids, names, pictures and a user without training."""

import numpy as np
import pytest

from kdiffe_jax.recommend.recommender import Recommender
from tests.small_model import small_saved

pytest.importorskip("fastapi")
pytest.importorskip("httpx2")

from starlette.testclient import TestClient

from kdiffe_jax.serve.app import make_app
from kdiffe_jax.serve.bounds import Bounds

COLD = 3
ODD_USER, ODD_ITEM = "Zoë/?&#=%2F 猫", "thé/vert #1 & 猫"
BOUNDS = Bounds(k=10, items=6, text=40, body=2000, query=400)


def awkward(model):
    """User COLD has no training interactions; a user and an item have ids that need quoting."""
    trained = model.train[:, 0] != COLD
    users, arrays = model.users.copy(), model.artifacts
    if "own_users" in arrays:
        users[COLD] = arrays["own_users"][COLD]
    of_edges = {
        name: arrays[name][trained] for name in ("laplacian", "similarity") if name in arrays
    }
    pictures = ["https://example.org/{}.jpg", "", "javascript:alert({})", "HTTP://example.org/{}"]
    return model._replace(
        users=users,
        train=model.train[trained],
        artifacts={**arrays, **of_edges},
        user_ids=(ODD_USER, *model.user_ids[1:]),
        item_ids=(ODD_ITEM, *model.item_ids[1:]),
        item_names=("", *model.item_names[1:]),
        item_pictures=tuple(pictures[i % 4].format(i) for i in range(len(model.item_ids))),
    )


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return awkward(small_saved(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def recommender(model):
    return Recommender(model)


@pytest.fixture(scope="session")
def app(recommender):
    return make_app(recommender, BOUNDS)


@pytest.fixture(scope="session")
def client(app):
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture
def get(client):
    def call(path, **parameters):
        answer = client.get(f"/api/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return call


@pytest.fixture
def post(client):
    def call(path, **body):
        answer = client.post(f"/api/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return call


@pytest.fixture
def same_list():
    """Whether an answer lists what the recommender lists."""

    def compare(given, expected):
        assert [one["id"] for one in given] == [name for name, _ in expected]
        np.testing.assert_allclose(
            [one["score"] for one in given], [score for _, score in expected], rtol=1e-5, atol=1e-6
        )

    return compare
