"""Requests to a server, good and bad, from many threads: python -m tests.endurance.load ADDRESS.

Prints one object: how many requests were sent, how many were answered as they should be, and
those that were not.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any, NamedTuple

_SECONDS = 60


class Request(NamedTuple):
    """What is sent and the statuses that are right."""

    method: str
    path: str
    body: bytes | None
    right: range


_GOOD, _BAD = range(200, 201), range(400, 500)


def requests(rng: random.Random, users: list[str], items: list[str]) -> Iterator[Request]:
    """Endlessly: every address of the API, and every third request wrong somewhere."""
    while True:
        user, item = rng.choice(users), rng.choice(items)
        few = rng.sample(items, 3)
        yield rng.choice(
            (
                _get("recommend", user=user, k=rng.randint(1, 10)),
                _get("similar-items", item=item),
                _get("similar-users", user=user),
                _get("explain", user=user, item=item),
                _get("items", q=item[:2]),
                _get("user", user=user),
                _post("fold-in", {"items": few, "k": 5}),
                _post("score", {"pairs": [[user, item]]}),
            )
        )
        yield _get("item", item=item)
        yield rng.choice(
            (
                _get("recommend", _BAD, user="nobody at all"),
                _get("recommend", _BAD, user=user, k=10**9),
                _get("recommend", _BAD, k=3),
                _get("item", _BAD, item="x" * 3000),
                _get("nothing", _BAD),
                _post("fold-in", {"items": []}, _BAD),
                _post("fold-in", {"items": ["x"] * 5000}, _BAD),
                Request("POST", "/api/score", b"{" * 500, _BAD),
                Request("POST", "/api/score", bytes(1 << 19), _BAD),
                Request("DELETE", "/api/item", None, _BAD),
                Request("GET", "/" + "../" * 9 + "etc/passwd", None, _BAD),
            )
        )


def hammer(address: str, count: int, threads: int, seed: int = 0) -> dict[str, Any]:
    """Sends requests and waits for every answer.

    Args:
      address: of a server.
      count: how many requests each thread sends.
      threads: how many send at the same time.
      seed: of what is asked.
    """
    users = [user["id"] for user in _ask(address, "users")["users"]]
    items = [item["id"] for item in _ask(address, "items")["items"]]
    answers: list[tuple[Request, str]] = []

    def send(number: int) -> None:
        own = requests(random.Random(f"{seed} {number}"), users, items)
        connection = _connection(address)
        for request, _ in zip(own, range(count), strict=False):
            answers.append((request, _answer(connection, request)))

    workers = [threading.Thread(target=send, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    wrong = [f"{r.method} {r.path[:80]}: {said}" for r, said in answers if said]
    return {"sent": count * threads, "answered": len(answers) - len(wrong), "wrong": wrong[:20]}


def _answer(connection: http.client.HTTPConnection, request: Request) -> str:
    """What is wrong with an answer, empty where nothing is."""
    headers = {"content-type": "application/json"} if request.body else {}
    try:
        connection.request(request.method, request.path, request.body, headers)
        answer = connection.getresponse()
        content = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        connection.close()
        return f"lost: {type(error).__name__}: {error}"
    if answer.status not in request.right:
        return f"status {answer.status}"
    refused = request.right is _BAD
    return "" if ("error" in content) == refused else f"content {str(content)[:80]}"


def _get(name: str, right: range = _GOOD, **parameters: Any) -> Request:
    query = urllib.parse.urlencode(parameters)
    return Request("GET", f"/api/{name}?{query}", None, right)


def _post(name: str, body: Any, right: range = _GOOD) -> Request:
    return Request("POST", f"/api/{name}", json.dumps(body).encode(), right)


def _ask(address: str, name: str) -> Any:
    connection = _connection(address)
    connection.request("GET", f"/api/{name}?k=10")
    return json.loads(connection.getresponse().read())


def _connection(address: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc, timeout=_SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.load")
    parser.add_argument("address")
    parser.add_argument("--count", type=int, default=1000, help="requests a thread")
    parser.add_argument("--threads", type=int, default=8)
    given = parser.parse_args()
    print(json.dumps(hammer(given.address, given.count, given.threads)))
