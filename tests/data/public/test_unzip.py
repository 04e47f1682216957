"""One file out of an archive; nothing else, nowhere else, and not too much of it."""

import zipfile

import numpy as np
import pytest

from kdiffe_jax.data.public.unzip import unzip
from kdiffe_jax.errors import DataError

ROWS = np.random.default_rng(0).bytes(999)


@pytest.fixture
def directory(tmp_path):
    path = tmp_path / "inside"
    path.mkdir()
    return path


@pytest.fixture
def archive(directory):
    return directory / "image_feat.npy.zip"


def write(archive, members):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        for name, data in members:
            content.writestr(name, data)


def refusal(archive, largest=10_000) -> str:
    with pytest.raises(DataError) as caught:
        unzip(archive, archive.with_suffix(""), largest=largest)
    assert "\n" not in str(caught.value)
    assert list(archive.parent.iterdir()) == [archive]
    assert list(archive.parent.parent.iterdir()) == [archive.parent]
    return str(caught.value)


def test_the_file_is_found_in_any_folder_and_alone(archive):
    junk = ("__MACOSX/baby/._image_feat.npy", b"x")
    write(archive, [("baby/", b""), ("baby/image_feat.npy", ROWS), junk])
    unzip(archive, archive.with_suffix(""), largest=999)
    assert archive.with_suffix("").read_bytes() == ROWS
    assert len(list(archive.parent.iterdir())) == 2


@pytest.mark.parametrize(
    "name",
    ["../image_feat.npy", "/image_feat.npy", "a\\..\\..\\image_feat.npy", "C:image_feat.npy"],
)
def test_a_path_that_leaves_the_directory_is_refused(archive, name):
    write(archive, [("image_feat.npy", ROWS), (name, ROWS)])
    assert f"the path {name!r} leaves the directory; refused" in refusal(archive)


def test_a_bomb_is_refused(archive):
    write(archive, [("image_feat.npy", bytes(5_000_000))])
    assert archive.stat().st_size < 10_000
    assert "unpacks to more than 10,000 bytes; refused" in refusal(archive)


@pytest.mark.parametrize(
    ("members", "line"),
    [
        ([], "0 files called image_feat.npy; unzip the right one by hand"),
        ([("other.npy", ROWS), ("image_feat.npy/", b"")], "0 files called image_feat.npy"),
        ([("a/image_feat.npy", ROWS), ("b/image_feat.npy", ROWS)], "2 files called"),
    ],
)
def test_not_just_one_file_of_that_name_is_refused(archive, members, line):
    write(archive, members)
    assert line in refusal(archive)


def test_damage_is_refused(archive):
    archive.write_bytes(b"PK but no archive")
    assert refusal(archive).endswith("no readable zip file: File is not a zip file; remove it")
    write(archive, [("image_feat.npy", ROWS)])
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-30])
    assert "no readable zip file" in refusal(archive)
    archive.write_bytes(whole[:500] + bytes([whole[500] ^ 255]) + whole[501:])
    assert "no readable zip file" in refusal(archive)


def test_no_archive_is_refused(directory, archive):
    with pytest.raises(DataError, match="not unzipped: No such file"):
        unzip(archive, archive.with_suffix(""), largest=9)
