"""The same API for models without S, attention, embeddings or reasons."""

import pytest
from starlette.testclient import TestClient

from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.serve.app import make_app
from tests.serve.conftest import BOUNDS, COLD, ODD_ITEM, ODD_USER, awkward
from tests.small_model import small_saved


@pytest.fixture(scope="module", params=["lightgcn", "ease", "rp3beta", "most_popular"])
def recommender(request, tmp_path_factory):
    return Recommender(awkward(small_saved(tmp_path_factory.mktemp("cache"), request.param)))


@pytest.fixture(scope="module")
def client(recommender):
    return TestClient(make_app(recommender, BOUNDS), base_url="http://localhost")


def test_health_says_what_the_model_can(get, recommender):
    health, name = get("health"), recommender.model.config["model"]
    assert (health["model"], health["new_users"]) == (name, True)
    assert health["best_epoch"] == (0 if name == "lightgcn" else None)
    assert health["reasons"] == (name != "most_popular")


@pytest.mark.parametrize("user", [ODD_USER, f"ann {COLD}"])
def test_lists(get, recommender, same_list, user):
    given = get("recommend", user=user, k=7)
    same_list(given["items"], recommender.recommend(user, 7)[user])
    assert get("recommend", user="nobody", k=3, unknown="popular")["source"] == "most popular"
    alike = get("similar-items", item=ODD_ITEM, k=5)["items"]
    same_list(alike, recommender.similar_items(ODD_ITEM, 5)[ODD_ITEM])
    same_list(
        get("similar-users", user=user, k=5)["users"], recommender.similar_users(user, 5)[user]
    )


def test_scores(post, recommender):
    (score,) = recommender.score([("ann 1", "p2")])
    assert post("score", pairs=[["ann 1", "p2"]])["scores"] == [pytest.approx(float(score))]


def test_reasons_or_one_line(client, recommender):
    answer = client.get("/api/explain", params={"user": ODD_USER, "item": ODD_ITEM, "k": 2})
    if not recommender.explains:
        name = recommender.model.config["model"]
        assert answer.status_code == 422
        assert answer.json() == {"error": f"{name} has no reasons to give for a score"}
        return
    given = answer.json()
    assert {one["similarity"] for one in given["past"]} == {None}
    parts = [one["contribution"] for one in given["past"]] + [given["rest"]["contribution"]]
    assert given["own"] + sum(parts) == pytest.approx(given["score"], abs=1e-5)
    assert {(one["attention"], one["status"]) for one in given["entities"]} == {(None, "has")}


def test_new_users(post, recommender, same_list):
    given = post("fold-in", items=[ODD_ITEM, "p2"], k=7)
    more = recommender.with_users({"zoe": [ODD_ITEM, "p2"]})
    same_list(given["items"], more.recommend("zoe", 7)["zoe"])
    if recommender.explains:
        reasons = post("fold-in/explain", items=["p2"], item="p3")
        assert [one["id"] for one in reasons["past"]] == ["p2"]


def test_an_item_and_what_it_is_made_of(get, recommender):
    entities = get("item", item="p4")["entities"]
    mine = recommender.model.triples[recommender.model.triples[:, 0] == 4]
    assert len(entities) == len(mine) > 0
    assert {(one["attention"], one["status"]) for one in entities} == {(None, "has")}


def test_a_model_that_takes_no_new_users_is_served(lightgcn_alone):
    client = TestClient(make_app(lightgcn_alone, BOUNDS), base_url="http://localhost")
    assert client.get("/api/health").json()["new_users"] is False
    answer = client.post("/api/fold-in", json={"items": ["p1"]})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("lightgcn has no way to fold in a user")


@pytest.fixture
def lightgcn_alone(tmp_path):
    return Recommender(small_saved(tmp_path, "lightgcn")._replace(artifacts={}))
