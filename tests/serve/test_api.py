"""The API answers what the recommender does."""

import numpy as np
import pytest

from kdiffe_jax.recommend.explain import entities_of
from tests.serve.conftest import BOUNDS, COLD, ODD_ITEM, ODD_USER

USERS = (ODD_USER, "ann 1", f"ann {COLD}")


def test_health_says_what_is_served(get, model):
    assert get("health") == {
        "status": "ok",
        "data_set": model.about["dataset"],
        "model": "kdiffe",
        "best_epoch": 0,
        "users": len(model.user_ids),
        "items": len(model.item_ids),
        "reasons": True,
        "new_users": True,
        "max_k": BOUNDS.k,
        "max_items": BOUNDS.items,
    }


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("exclude_seen", ["all", "train", "none"])
def test_recommendations(get, recommender, same_list, user, exclude_seen):
    for k in (1, BOUNDS.k):
        given = get("recommend", user=user, k=k, exclude_seen=exclude_seen)
        expected = recommender.recommend(user, k, exclude_seen=exclude_seen)[user]
        assert (given["user"], given["source"]) == (user, "model") and len(expected) == k
        same_list(given["items"], expected)


@pytest.mark.parametrize("user", ["nobody", f"ann {COLD}"])
def test_users_of_whom_nothing_is_known(get, recommender, same_list, user):
    given = get("recommend", user=user, k=4, unknown="popular")
    assert given["source"] == "most popular"
    same_list(given["items"], recommender.recommend(user, 4, unknown="popular")[user])


def test_an_unknown_user_may_be_ignored(get):
    given = get("recommend", user="nobody", unknown="ignore")
    assert given == {"user": "nobody", "source": "none", "items": []}


def test_similar_items_and_users(get, recommender, same_list):
    given = get("similar-items", item=ODD_ITEM, k=5)
    assert given["item"]["id"] == ODD_ITEM
    same_list(given["items"], recommender.similar_items(ODD_ITEM, 5)[ODD_ITEM])
    given = get("similar-users", user=ODD_USER, k=5)
    assert given["user"]["id"] == ODD_USER
    same_list(given["users"], recommender.similar_users(ODD_USER, 5)[ODD_USER])


def test_scores_of_pairs(post, recommender):
    pairs = [[ODD_USER, ODD_ITEM], ["ann 1", "p2"]]
    expected = recommender.score(map(tuple, pairs))
    np.testing.assert_allclose(post("score", pairs=pairs)["scores"], expected, rtol=1e-6)


def same_reasons(given, expected, k):
    assert given["item"]["id"] == expected.item
    assert (given["score"], given["own"]) == pytest.approx((expected.score, expected.own))
    assert [one["id"] for one in given["past"]] == [past.item for past in expected.past[:k]]
    for one, past in zip(given["past"], expected.past, strict=False):
        assert one["contribution"] == pytest.approx(past.contribution)
        assert (one["similarity"], one["weight"]) == pytest.approx((past.similarity, past.weight))
    assert given["rest"]["items"] == len(expected.past[k:])
    parts = [one["contribution"] for one in given["past"]] + [given["rest"]["contribution"]]
    assert given["own"] + sum(parts) == pytest.approx(given["score"], abs=1e-4)
    assert given["entities"] == [entity._asdict() for entity in expected.entities]


@pytest.mark.parametrize("k", [2, 10])
def test_reasons(get, recommender, k):
    given = get("explain", user=ODD_USER, item=ODD_ITEM, k=k)
    same_reasons(given, recommender.explain(ODD_USER, ODD_ITEM), k)
    assert given["user"] == ODD_USER and given["past"] and given["entities"]


@pytest.mark.parametrize("items", [["p5"], [ODD_ITEM, "p2", "p9", "p2"]])
@pytest.mark.parametrize("exclude_seen", [True, False])
def test_new_users(post, recommender, same_list, items, exclude_seen):
    given = post("fold-in", items=items, k=7, exclude_seen=exclude_seen)
    more = recommender.with_users({"zoe": items})
    assert (given["user"], given["source"]) == (None, "model")
    same_list(given["items"], more.recommend("zoe", 7, exclude_seen=exclude_seen)["zoe"])
    reasons = post("fold-in/explain", items=items, item="p3", k=2)
    assert reasons["user"] is None
    same_reasons(reasons, more.explain("zoe", "p3"), 2)


def test_a_user_and_their_history(get, model):
    row = 1
    training = model.train[model.train[:, 0] == row, 1].tolist()
    held_out = model.held_out[model.held_out[:, 0] == row, 1].tolist()
    given = get("user", user="ann 1", k=10)
    assert (given["interactions"], given["held_out"]) == (len(training), len(held_out))
    expected = [(model.item_ids[item], "training") for item in training]
    expected += [(model.item_ids[item], "held out") for item in held_out]
    assert [(one["id"], one["split"]) for one in given["history"]] == expected[:10]
    assert get("user", user="ann 1", k=2)["history"] == given["history"][:2]


def test_an_item_and_what_it_is_made_of(get, model):
    given = get("item", item="p4")
    assert given["name"] == "Tëa cup 4" and given["picture"] == "https://example.org/4.jpg"
    assert given["interactions"] == int((model.train[:, 1] == 4).sum())
    assert given["entities"] == [entity._asdict() for entity in entities_of(model, 4)]
    assert get("item", item=ODD_ITEM)["name"] is None


def test_only_addresses_of_the_web_are_pictures(get):
    pictures = [get("item", item=item)["picture"] for item in ("p5", "p6", "p7")]
    assert pictures == [None, None, "HTTP://example.org/7"]


def test_search(get, model):
    found = get("users", q="ANN 1", k=3)
    assert [user["id"] for user in found["users"]] == ["ann 1", "ann 10", "ann 11"]
    assert found["total"] == 11
    assert [user["id"] for user in get("users", q="zoe/")["users"]] == [ODD_USER]
    assert [item["id"] for item in get("items", q="tea cup 47")["items"]] == ["p47"]
    assert [item["id"] for item in get("items", q="猫")["items"]] == [ODD_ITEM]
    assert get("items", q="no such thing") == {"total": 0, "items": []}
    assert get("items", k=2)["total"] == len(model.item_ids)


def test_the_document_describes_the_api(client):
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert path.startswith("/api/") and operation["summary"]
            failure = operation["responses"]["4XX"]["content"]["application/json"]["schema"]
            assert failure["$ref"].endswith("/Failure"), (path, method)
            assert "422" not in operation["responses"]
            assert client.request(method, path).status_code in (200, 422)
    (k,) = (
        one
        for one in document["paths"]["/api/recommend"]["get"]["parameters"]
        if one["name"] == "k"
    )
    assert (k["schema"]["minimum"], k["schema"]["maximum"]) == (1, BOUNDS.k)
