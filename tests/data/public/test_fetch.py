"""One file over HTTP: continued where it broke off, or refused in one line."""

import contextlib
import socket
import urllib.request

import pytest

from kdiffe_jax.data.public import fetch as module
from kdiffe_jax.data.public.fetch import RefusedByServer, TransferError, fetch
from kdiffe_jax.errors import DataError
from tests.data.public.local_server import serving

CONTENT = bytes(range(256)) * 40
HTML = b"\n<!DOCTYPE html><title>Sign in</title>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with serving({"/a.pkl": CONTENT}) as server:
        yield server


@pytest.fixture
def target(tmp_path):
    return tmp_path / "a.pkl"


@pytest.fixture
def part(tmp_path):
    return tmp_path / "a.pkl.part"


def refusal(url, target, error=TransferError, largest=1 << 20) -> str:
    with pytest.raises(error) as caught:
        fetch(url, target, largest=largest)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_fetches_into_the_part_with_progress(server, target, part):
    steps = []
    got = fetch(f"{server.url}/a.pkl", target, largest=1 << 20, progress=lambda *s: steps.append(s))
    assert got == part and part.read_bytes() == CONTENT
    assert not target.exists()
    assert steps == [(10240, 10240)]
    assert server.requests == [("/a.pkl", None)]


def test_goes_on_after_a_broken_connection(server, target, part):
    server.cut = 3000
    message = refusal(f"{server.url}/a.pkl", target)
    assert message == f"{server.url}/a.pkl: the connection broke after 3,000 of 10,240 bytes"
    assert part.read_bytes() == CONTENT[:3000]
    server.cut, steps = None, []
    fetch(f"{server.url}/a.pkl", target, largest=1 << 20, progress=lambda *s: steps.append(s))
    assert part.read_bytes() == CONTENT
    assert server.requests[1] == ("/a.pkl", "bytes=3000-")
    assert steps == [(10240, 10240)]


@pytest.mark.parametrize("trouble", [{"ranges": False}, {"shift": 1}])
def test_starts_over_where_the_server_gives_another_range(server, target, part, trouble):
    part.write_bytes(b"x" * 3000)
    vars(server).update(trouble)
    fetch(f"{server.url}/a.pkl", target, largest=1 << 20)
    assert part.read_bytes() == CONTENT


def test_starts_over_where_the_part_is_longer_than_the_file(server, target, part):
    part.write_bytes(CONTENT + b"more")
    fetch(f"{server.url}/a.pkl", target, largest=1 << 20)
    assert part.read_bytes() == CONTENT


def test_a_length_that_is_not_known_is_no_harm(server, target, part):
    server.length, steps = False, []
    fetch(f"{server.url}/a.pkl", target, largest=1 << 20, progress=lambda *s: steps.append(s))
    assert part.read_bytes() == CONTENT
    assert steps[-1] == (10240, None)


@pytest.mark.parametrize(
    ("length", "line"), [(True, "10,240 bytes; at most 100"), (False, "more than the 100 bytes")]
)
def test_more_bytes_than_expected_are_refused(server, target, part, length, line):
    server.length = length
    assert line in refusal(f"{server.url}/a.pkl", target, largest=100)
    assert not part.exists()


def test_a_file_that_the_server_lacks(server, target, part):
    message = refusal(f"{server.url}/b.pkl", target, RefusedByServer)
    assert message == f"{server.url}/b.pkl: the server answers 404 Not Found"
    assert not part.exists()


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_is_not_taken_for_the_file(server, target, part, kind):
    server.files["/a.pkl"], server.kind = HTML, kind
    message = refusal(f"{server.url}/a.pkl", target)
    assert message.endswith("the answer is a web page, not the file; is a login needed?")
    assert not part.exists()


def test_a_web_page_leaves_what_came_before_it(server, target, part):
    part.write_bytes(CONTENT[:3000])
    server.kind = "text/html"
    refusal(f"{server.url}/a.pkl", target)
    assert part.read_bytes() == CONTENT[:3000]


@pytest.mark.parametrize(("content", "line"), [(POINTER, "a Git LFS pointer"), (b"", "empty")])
def test_what_stands_in_for_a_file_is_named(server, target, part, content, line):
    server.files["/a.pkl"] = content
    assert f"a.pkl: the answer is {line}" in refusal(f"{server.url}/a.pkl", target)
    assert not part.exists()


def test_no_server(monkeypatch, target):
    monkeypatch.setenv("no_proxy", "*")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as closed:
        port = closed.getsockname()[1]
    message = refusal(f"http://127.0.0.1:{port}/a.pkl", target)
    assert "/a.pkl: no connection: " in message and "refused" in message


def test_a_server_that_says_nothing(monkeypatch, target):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(module, "_SECONDS_OF_SILENCE", 0.1)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        message = refusal(f"http://127.0.0.1:{silent.getsockname()[1]}/a.pkl", target)
    assert message.endswith("/a.pkl: no connection: timed out")


def test_an_encrypted_address_must_not_lead_to_another(monkeypatch, server, target, part):
    plain = urllib.request.build_opener()

    class Redirecting:
        def open(self, request, timeout):
            return plain.open(f"{server.url}/a.pkl", timeout=timeout)

    monkeypatch.setattr(urllib.request, "build_opener", Redirecting)
    message = refusal("https://data.example/a.pkl", target)
    assert message == (
        f"https://data.example/a.pkl: leads to {server.url}/a.pkl, which is not encrypted"
    )
    assert not part.exists()


def test_a_place_that_cannot_be_written(server, target, part):
    part.mkdir()
    message = refusal(f"{server.url}/a.pkl", target, DataError)
    assert message == f"{part}: cannot be written: Is a directory; make room"
