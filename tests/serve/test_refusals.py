"""What the server refuses: the status, and one line of JSON in one shape."""

import pytest
from starlette.testclient import TestClient

from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.serve.app import LOCAL, make_app
from tests.serve.conftest import BOUNDS, ODD_USER


def refused(answer, status, *words):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    content = answer.json()
    assert list(content) == ["error"] and "\n" not in content["error"]
    for word in words:
        assert word in content["error"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("address", "status", "word"),
    [
        ("/api/recommend?user=nobody", 404, "no user 'nobody'"),
        ("/api/user?user=nobody", 404, "no user 'nobody'"),
        ("/api/similar-users?user=nobody", 404, "no user 'nobody'"),
        ("/api/item?item=%F0%9F%90%88", 404, "no item '🐈'"),
        ("/api/similar-items?item=x", 404, "no item 'x'"),
        ("/api/explain?user=ann%201&item=x", 404, "no item 'x'"),
        ("/api/recommend?user=%ED%A0%80", 404, "no user"),
        ("/api/recommend", 422, "user"),
        ("/api/recommend?user=ann%201&k=0", 422, "k: "),
        ("/api/recommend?user=ann%201&k=11", 422, "less than or equal to 10"),
        ("/api/recommend?user=ann%201&k=1e9", 422, "k: "),
        ("/api/recommend?user=ann%201&k=" + "9" * 100, 422, "k: "),
        ("/api/recommend?user=ann%201&exclude_seen=some", 422, "exclude_seen: "),
        ("/api/recommend?user=ann%201&unknown=guess", 422, "unknown: "),
        ("/api/recommend?user=ann%201&kk=5", 422, "no parameter 'kk' at this address; there are"),
        ("/api/health?k=5", 422, "it takes none"),
        ("/api/recommend?user=ann%201&user=x", 422, "parameter 'user' is given 2 times"),
        ("/api/explain?user=ann%201", 422, "item"),
        ("/api/users?k=11", 422, "k: "),
        ("/api/items?q=" + "a" * 41, 422, "q: "),
        ("/api/item?item=" + "a" * 41, 422, "item: "),
        ("/api/items?q=" + "a" * 401, 414, "400 bytes"),
        ("/api/nothing", 404, "/api/nothing"),
        ("/nothing.js", 404, "/nothing.js"),
        ("/..%2fapp.py", 404, "app.py"),
        ("/docs", 404, "/docs"),
    ],
)
def test_addresses(client, address, status, word):
    refused(client.get(address), status, word)


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("fold-in", {"items": ["x"]}, 404, "no item 'x'"),
        ("fold-in", {"items": []}, 422, "items: "),
        ("fold-in", {"items": ["p1"] * 7}, 422, "items: "),
        ("fold-in", {"items": [1]}, 422, "items.0: "),
        ("fold-in", {"items": ["a" * 41]}, 422, "items.0: "),
        ("fold-in", {"items": "p1"}, 422, "items: "),
        ("fold-in", {"items": ["p1"], "k": 11}, 422, "k: "),
        ("fold-in", {"items": ["p1"], "exclude_seen": "maybe"}, 422, "exclude_seen: "),
        ("fold-in", {}, 422, "items: "),
        ("fold-in", ["p1"], 422, ""),
        ("fold-in/explain", {"items": ["p1"]}, 422, "item: "),
        ("fold-in/explain", {"items": ["p1"], "item": "x"}, 404, "no item 'x'"),
        ("score", {"pairs": [["ann 1"]]}, 422, "pairs.0"),
        ("score", {"pairs": [["ann 1", "p1"]] * 7}, 422, "pairs: "),
        ("score", {"pairs": [["ann 1", "x"]]}, 404, "no item 'x'"),
        ("fold-in", {"items": ["p1"], "extra": 2}, 422, "no parameter 'extra' at this address"),
    ],
)
def test_bodies(client, path, body, status, word):
    refused(client.post(f"/api/{path}", json=body), status, word)


@pytest.mark.parametrize("content", ["{", "", "\xff", '{"items": ["\\ud800"]}', "[" * 1900])
def test_bodies_that_cannot_be_read(client, content):
    answer = client.post(
        "/api/fold-in",
        content=content.encode("latin-1"),
        headers={"content-type": "application/json"},
    )
    assert 400 <= answer.status_code < 500
    refused(answer, answer.status_code)


def test_methods(client):
    refused(client.put("/api/health"), 405)
    refused(client.post("/api/recommend"), 405)
    refused(client.post("/"), 405)
    for address in ("score", "fold-in", "fold-in/explain"):
        refused(client.get(f"/api/{address}"), 405)
    refused(client.post("/api/nope"), 404)
    refused(client.get("/api/nope"), 404)
    assert client.head("/api/health").status_code == 200


@pytest.mark.parametrize("kind", [None, "text/plain", "text/json", "application/jsonl"])
@pytest.mark.parametrize("content", [b'{"pairs": [["c001", "x"]]}', b"hello", b"\xff\xfe"])
def test_a_body_that_is_not_named_as_json(client, kind, content):
    headers = {} if kind is None else {"content-type": kind}
    refused(client.post("/api/score", content=content, headers=headers), 415)


@pytest.mark.parametrize("kind", ["Application/JSON; charset=utf-8", "application/ld+json"])
def test_a_body_that_is_named_as_json(client, kind):
    for content, status in ((b'{"items": ["p1"]}', 200), (b'{"items": []}', 422), (b"[]", 422)):
        answer = client.post("/api/fold-in", content=content, headers={"content-type": kind})
        assert answer.status_code == status, answer.text


def test_bodies_that_are_too_large(client):
    words = b'{"items": ["' + b"a" * BOUNDS.body + b'"]}'
    headers = {"content-type": "application/json"}
    refused(client.post("/api/fold-in", content=words, headers=headers), 413, "2000 bytes")
    parts = (words[start : start + 500] for start in range(0, len(words), 500))
    answer = client.post("/api/fold-in", content=parts, headers=headers)
    assert "content-length" not in answer.request.headers
    refused(answer, 413, "2000 bytes")


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil:80", ""]
)
def test_foreign_host_names(client, host):
    refused(client.get("/api/health", headers={"host": host}), 421, "host name")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:81", "127.0.0.1:8000", "[::1]", "[::1]:80"]
)
def test_own_host_names(client, host):
    assert client.get("/api/health", headers={"host": host}).status_code == 200


def test_an_unexpected_error_says_no_more_than_that(client, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("secret\nTraceback")

    monkeypatch.setattr(Recommender, "explain", broken)
    answer = client.get("/api/explain", params={"user": ODD_USER, "item": "p1"})
    refused(answer, 500, "unexpected error")
    assert "secret" not in answer.text and guarded(answer)


def guarded(answer):
    policy = answer.headers["content-security-policy"]
    return (
        "default-src 'none'" in policy
        and "unsafe" not in policy
        and answer.headers["x-content-type-options"] == "nosniff"
        and answer.headers["cache-control"] == "no-store"
    )


@pytest.mark.parametrize("path", ["/", "/page.js", "/api/health", "/api/nothing", "/openapi.json"])
def test_every_answer_carries_the_security_headers(client, path):
    assert guarded(client.get(path))


def test_pictures_can_be_left_out(recommender):
    app = make_app(recommender, BOUNDS, hosts=None, pictures=False)
    other = TestClient(app, base_url="http://any.example")
    answer = other.get("/api/item?item=p4")
    assert answer.json()["picture"] is None
    assert "img-src 'self';" in answer.headers["content-security-policy"]


def test_the_name_of_a_proxy_is_taken_where_it_was_named(recommender):
    headers = {"host": "shop.example.org:443"}
    apps = [
        make_app(recommender, BOUNDS, hosts=LOCAL | more, pictures=False)
        for more in (set(), {"shop.example.org"})
    ]
    refused, taken = (TestClient(app).get("/api/health", headers=headers) for app in apps)
    assert refused.status_code == 421 and "--also_named" in refused.json()["error"]
    assert taken.status_code == 200
