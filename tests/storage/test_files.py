import os

import pytest

from kdiffe_jax.errors import DataError
from kdiffe_jax.storage.files import new_directory, replacing, replacing_in_cache


def test_a_file_appears_when_it_is_complete(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")
    with replacing(file) as draft:
        draft.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new" and file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [file]


def test_files_and_directories_are_as_open_as_the_umask_says(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "a.txt") as draft:
            draft.write_text("new")
        with new_directory(tmp_path / "b"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o750


def test_a_failure_leaves_the_old_file_alone(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(KeyError), replacing(file) as draft:
        draft.write_text("half")
        raise KeyError
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(DataError, match="cannot be written"), replacing(tmp_path / "no" / "a"):
        pytest.fail("there is no such directory")


def test_a_cache_is_its_owners_alone(tmp_path):
    file = tmp_path / "cache" / "a.txt"
    with replacing_in_cache(file) as draft:
        draft.write_text("a")
    assert file.read_text() == "a" and list(file.parent.iterdir()) == [file]
    assert file.stat().st_mode & 0o077 == file.parent.stat().st_mode & 0o077 == 0


def test_what_a_killed_process_left_in_a_cache_goes_after_a_day(tmp_path):
    old, new = tmp_path / "tmpold.partial", tmp_path / "tmpnew.partial"
    for draft in (old, new):
        draft.write_text("half")
    os.utime(old, (1.0, 1.0))
    with replacing_in_cache(tmp_path / "a.txt") as draft:
        draft.write_text("a")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a.txt", new]


def test_a_cache_that_cannot_be_made_names_the_flag(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DataError, match="cannot be written: .*; choose another --cache_dir$"),
        replacing_in_cache(tmp_path / "file" / "a.txt"),
    ):
        pytest.fail("a file is no directory")


def test_a_directory_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "deep" / "out"
    with new_directory(target) as draft:
        (draft / "a").write_text("a")
        assert not target.exists()
    assert (target / "a").read_text() == "a" and list(target.parent.iterdir()) == [target]
    with pytest.raises(DataError, match="exists already"), new_directory(target):
        pytest.fail("there is something already")


def test_a_failure_leaves_no_directory(tmp_path):
    with pytest.raises(KeyError), new_directory(tmp_path / "out") as draft:
        (draft / "a").write_text("a")
        raise KeyError
    assert list(tmp_path.iterdir()) == []
