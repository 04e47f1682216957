"""The public files from a server on this machine: verified, or what to fetch by hand."""

import contextlib
import hashlib
import io
import re
import socket
import zipfile

import pytest

from kdiffe_jax.data.public.download import download
from kdiffe_jax.data.public.files import PUBLIC, PublicData, PublicFile
from kdiffe_jax.errors import ConfigError, DataError
from tests.data.public.local_server import serving

FIRST = bytes(range(256)) * 40
SECOND = b"0 1 7\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with serving({"/toy/first.pkl": FIRST, "/toy/kg.txt": SECOND}) as server:
        yield server


def publish(monkeypatch, *files, **by_hand):
    monkeypatch.setitem(PUBLIC, "toy", PublicData(files, **by_hand))


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    publish(
        monkeypatch,
        PublicFile("first.pkl", "https://data.example/first.pkl", sha256(FIRST)),
        PublicFile("kg.txt", "https://data.example/kg.txt"),
    )


def names_in(path) -> list[str]:
    return sorted(file.name for file in path.iterdir())


def download_quietly(directory, url) -> list[str]:
    lines = []
    download("toy", directory, base_url=url, log=lines.append)
    return lines


def refusal(directory, url, error=DataError) -> str:
    with pytest.raises(error) as caught:
        download_quietly(directory, url)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_fetches_verifies_and_says_what_is_not_pinned(server, tmp_path):
    lines, steps = [], []
    directory = tmp_path / "datasets" / "toy"
    paths = download(
        "toy",
        directory,
        base_url=server.url + "/",
        log=lines.append,
        progress=lambda *step: steps.append(step),
    )
    assert paths == (directory / "first.pkl", directory / "kg.txt")
    assert [path.read_bytes() for path in paths] == [FIRST, SECOND]
    assert names_in(directory) == ["first.pkl", "kg.txt"]
    assert lines == [
        f"{paths[0]}: fetched, SHA-256 verified",
        f"{paths[1]}: fetched, not pinned: SHA-256 is {sha256(SECOND)}",
    ]
    assert steps == [("first.pkl", 10240, 10240), ("kg.txt", 6, 6)]


def test_what_is_there_already_is_verified_and_not_fetched(server, tmp_path):
    download_quietly(tmp_path, server.url)
    server.requests.clear()
    lines = download_quietly(tmp_path, server.url)
    assert server.requests == []
    assert lines[0] == f"{tmp_path / 'first.pkl'}: there already, SHA-256 verified"
    assert f"there already, not pinned: SHA-256 is {sha256(SECOND)}" in lines[1]


def test_a_changed_file_is_refused_and_left_alone(server, tmp_path):
    (tmp_path / "first.pkl").write_bytes(b"mine")
    message = refusal(tmp_path, server.url)
    assert f"first.pkl: SHA-256 is {sha256(b'mine')}, expected {sha256(FIRST)}; move it" in message
    assert (tmp_path / "first.pkl").read_bytes() == b"mine"


def test_goes_on_after_a_broken_connection(server, tmp_path):
    server.cut = 3000
    message = refusal(tmp_path, server.url)
    assert f"{server.url}/toy/first.pkl: the connection broke after 3,000 of 10,240" in message
    assert "first.pkl from https://data.example/first.pkl; kg.txt from" in message
    assert names_in(tmp_path) == ["first.pkl.part"]
    server.cut = None
    download_quietly(tmp_path, server.url)
    assert server.requests[1] == ("/toy/first.pkl", "bytes=3000-")
    assert (tmp_path / "first.pkl").read_bytes() == FIRST
    assert names_in(tmp_path) == ["first.pkl", "kg.txt"]


def test_a_part_that_is_complete_needs_only_its_name(server, tmp_path):
    (tmp_path / "first.pkl.part").write_bytes(FIRST)
    (tmp_path / "kg.txt").write_bytes(SECOND)
    download_quietly(tmp_path, server.url)
    assert server.requests == []
    assert names_in(tmp_path) == ["first.pkl", "kg.txt"]


@pytest.mark.parametrize("part", [b"", b"of another file"])
def test_a_wrong_checksum_removes_the_part(server, tmp_path, part):
    if part:
        (tmp_path / "first.pkl.part").write_bytes(part)
        actual = sha256(part + FIRST[len(part) :])
    else:
        server.files["/toy/first.pkl"] = FIRST[::-1]
        actual = sha256(FIRST[::-1])
    message = refusal(tmp_path, server.url)
    assert f"SHA-256 is {actual}, expected {sha256(FIRST)}" in message
    assert f"it came from {server.url}/toy/first.pkl; it is removed" in message
    assert names_in(tmp_path) == []


def test_the_other_files_are_fetched_where_the_server_lacks_one(server, tmp_path):
    del server.files["/toy/first.pkl"]
    assert refusal(tmp_path, server.url) == (
        f"{server.url}/toy/first.pkl: the server answers 404 Not Found; fetch by hand into "
        f"{tmp_path}: first.pkl from https://data.example/first.pkl"
    )
    assert names_in(tmp_path) == ["kg.txt"]


def test_a_web_page_ends_the_download_with_advice(server, tmp_path):
    server.kind = "text/html"
    message = refusal(tmp_path, server.url)
    assert "first.pkl: the answer is a web page" in message
    assert "kg.txt from https://data.example/kg.txt" in message
    assert len(server.requests) == 1


def test_without_a_network_every_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "*")
    zipped = PublicFile("image_feat.npy.zip", "https://data.example/image_feat.npy.zip")
    files = PUBLIC["toy"].files
    publish(monkeypatch, *files, zipped, by_hand=("valMat.pkl",), page="https://data.example/page")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as closed:
        port = closed.getsockname()[1]
    (tmp_path / "kg.txt").write_bytes(SECOND)
    message = refusal(tmp_path, f"http://127.0.0.1:{port}")
    assert re.search(r"first\.pkl: no connection: .*refused", message)
    assert message.endswith(
        f"; fetch by hand into {tmp_path}: first.pkl from https://data.example/first.pkl; "
        "image_feat.npy.zip from https://data.example/image_feat.npy.zip (and unzip it); "
        "valMat.pkl from the archive at https://data.example/page"
    )


def test_what_only_a_person_can_fetch_is_said_at_the_end(server, monkeypatch, tmp_path):
    first = PublicFile("first.pkl", "https://data.example/first.pkl", sha256(FIRST))
    names = ("valMat.pkl", "image_feat.npy")
    publish(monkeypatch, first, by_hand=names, page="https://data.example/page")
    assert download_quietly(tmp_path, server.url)[1:] == [
        f"fetch by hand into {tmp_path}: valMat.pkl, image_feat.npy from the archive at "
        "https://data.example/page"
    ]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    assert len(download_quietly(tmp_path, server.url)) == 1


def test_an_archive_is_unpacked_once(server, monkeypatch, tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("image_feat.npy", b"rows")
    server.files["/toy/image_feat.npy.zip"] = stream.getvalue()
    publish(monkeypatch, PublicFile("image_feat.npy.zip", "https://data.example/zip"))
    assert download_quietly(tmp_path, server.url)[0].endswith("; unpacked to image_feat.npy")
    assert (tmp_path / "image_feat.npy").read_bytes() == b"rows"
    (tmp_path / "image_feat.npy.zip").unlink()
    assert download_quietly(tmp_path, server.url) == [f"{tmp_path}/image_feat.npy: there already"]
    assert len(server.requests) == 1


def test_unknown_names_and_places_are_refused(server, tmp_path):
    with pytest.raises(ConfigError, match="--download=music: choose one of tiktok, baby, sports"):
        download("music", tmp_path)
    message = refusal(tmp_path, "file:///etc", ConfigError)
    assert message == "file:///etc: expected an address that starts with https://"
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be made" in refusal(tmp_path / "file", server.url)
    (tmp_path / "first.pkl").mkdir()
    assert "first.pkl: Is a directory" in refusal(tmp_path, server.url)


@pytest.mark.parametrize("dataset", ["tiktok", "baby", "sports"])
def test_the_table_is_sound(dataset):
    data = PUBLIC[dataset]
    names = [file.unpacked for file in data.files] + list(data.by_hand)
    assert len(set(names)) == len(names)
    assert {"trnMat.pkl", "tstMat.pkl", "valMat.pkl"} <= set(names)
    assert bool(data.by_hand) == data.page.startswith("https://")
    for file in data.files:
        assert file.url.startswith("https://") and file.url.endswith(f"/{dataset}/{file.name}")
        assert re.fullmatch("[0-9a-f]{64}|", file.sha256)


@pytest.mark.real_data
@pytest.mark.parametrize(("dataset", "pinned"), [("tiktok", 6), ("baby", 4)])
def test_the_sums_are_those_of_the_real_files(real_data, dataset, pinned):
    known = [file for file in PUBLIC[dataset].files if file.sha256]
    assert len(known) == pinned
    for file in known:
        assert sha256((real_data / dataset / file.name).read_bytes()) == file.sha256


def test_an_optional_file_that_the_server_lacks(tmp_path, server, monkeypatch):
    first = PublicFile("first.pkl", "https://data.example/first.pkl", sha256(FIRST))
    extra = PublicFile("text.npy", "https://data.example/text.npy", optional=True)
    publish(monkeypatch, extra, first)
    lines = download_quietly(tmp_path, server.url)
    assert "404 Not Found; going on without it" in lines[0]
    assert names_in(tmp_path) == ["first.pkl"]
