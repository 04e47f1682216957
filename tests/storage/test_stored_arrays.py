"""What a file of arrays declares must be in it; nothing is unpickled."""

import contextlib
import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from kdiffe_jax.storage import stored_arrays
from kdiffe_jax.storage.stored_arrays import (
    DAMAGED,
    packed_npz,
    read_npy,
    read_npz,
    shape_of_npy,
)


@contextlib.contextmanager
def little_room():
    """A block that may not ask for more than a few megabytes."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def declaring(shape, kind="<f4", content=b"") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    padded = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode() + content


def archive(file, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(file, "w", method) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("rows", [np.ones((4, 3), np.float16), np.zeros((0, 5)), np.array(7)])
def test_what_is_written_is_read(tmp_path, rows, version):
    file = tmp_path / "a.npy"
    with file.open("wb") as stream:
        np.lib.format.write_array(stream, rows, version=version)
    np.testing.assert_array_equal(read_npy(file), rows)
    assert shape_of_npy(file) == rows.shape
    np.savez_compressed(tmp_path / "a.npz", a=rows, b=rows)
    assert read_npz(tmp_path / "a.npz").keys() == {"a", "b"}


@pytest.mark.parametrize(
    "content",
    [
        declaring((1 << 50, 4)),
        declaring((1 << 34,), content=bytes(100)),
        declaring((1 << 62, 1 << 62)),
        declaring((-1, 4), content=bytes(16)),
        declaring((1 << 40, 0)),
        declaring((3,), "<U1000000000"),
        declaring((2,), "|O", content=b"cposix\nsystem\n(S'true'\ntR."),
        declaring("__import__('os').system('true')"),
        declaring((4,), content=bytes(15)),
    ],
)
def test_what_is_declared_and_not_there_is_refused(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    archive(tmp_path / "a.npz", {"a.npy": content})
    for read, name in ((read_npy, "a.npy"), (shape_of_npy, "a.npy"), (read_npz, "a.npz")):
        with little_room(), pytest.raises(DAMAGED):
            read(tmp_path / name)


def test_an_archive_that_unpacks_to_a_million_times_its_size_is_refused(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_BZIP2) as made, made.open("a.npy", "w") as stream:
        stream.write(declaring((1 << 27,), "|u1"))
        for _ in range(128):
            stream.write(bytes(1 << 20))
    (tmp_path / "a.npz").write_bytes(inner.getvalue())
    assert 128 << 20 > 100_000 * len(inner.getvalue())
    with little_room(), pytest.raises(ValueError, match="too much for its size"):
        read_npz(tmp_path / "a.npz")


def test_many_members_that_share_their_bytes_are_refused(tmp_path):
    file = archive(tmp_path / "a.npz", {"a.npy": declaring((1 << 20,), content=bytes(4 << 20))})
    with zipfile.ZipFile(file, "a") as made:
        only = made.infolist()[0]
        made.filelist.extend([only] * 2000)
        made._didModify = True
    with little_room(), pytest.raises(ValueError, match="too much for its size"):
        read_npz(file)


def test_a_size_that_an_archive_understates_is_not_exceeded(tmp_path):
    file = archive(tmp_path / "a.npz", {"a.npy": declaring((1 << 24,), content=bytes(1 << 26))})
    content = file.read_bytes()
    size = (len(declaring(0)) + (1 << 26)).to_bytes(4, "little")
    assert content.count(size) == 2
    file.write_bytes(content.replace(size, (200).to_bytes(4, "little")))
    with little_room(), pytest.raises(DAMAGED):
        read_npz(file)


def test_what_is_packed_is_read_however_little_it_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_arrays, "_ALWAYS_ALLOWED", 1 << 10)
    few = np.zeros((4000, 3))
    few[7, 1] = 1.0
    for arrays in ({"few": few}, {"any": np.random.default_rng(0).random(4000)}):
        file = tmp_path / "packed.npz"
        file.write_bytes(packed_npz(arrays))
        for name, values in read_npz(file).items():
            np.testing.assert_array_equal(values, arrays[name])
    file.write_bytes(packed_npz({"few": np.random.default_rng(0).integers(0, 4, 9000)}))
    assert file.stat().st_size < 9000 * 8 / 10
