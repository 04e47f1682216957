"""Killed anywhere and continued, an extraction ends like the unbroken one, byte for byte."""

import os
from pathlib import Path

import pytest

from kdiffe_jax.extract import journal, results
from kdiffe_jax.extract.resumable import Progress
from kdiffe_jax.storage import files
from tests.extract.tiny import ByteCounts, Killed, files_of, kill_at, run


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("owner", "name", "least"),
    [
        (ByteCounts, "compute", 6),
        (files.os, "replace", 10),
        (journal.os, "fsync", 6),
        (results.np.lib.format, "open_memmap", 2),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_killed_and_continued_equals_unbroken(folder, tmp_path, owner, name, least, after):
    run(folder, tmp_path / "unbroken")
    unbroken = files_of(tmp_path / "unbroken")
    for count in range(1, 100):
        out = tmp_path / f"killed {count}"
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, owner, name, count, after=after)
            try:
                run(folder, out)
            except Killed:
                killed = True
            else:
                killed = False
        run(folder, out)
        assert files_of(out) == unbroken, count
        if not killed:
            break
    assert least < count < 100


def test_half_a_journal_is_mended(folder, tmp_path):
    out = tmp_path / "out"
    run(folder, out)
    whole = files_of(out)
    content = whole["done.tsv"]
    ends = [n + 1 for n, byte in enumerate(content) if byte == ord("\n")]
    for length in [*ends, *range(0, len(content), 31)]:
        (out / "done.tsv").write_bytes(content[:length])
        run(folder, out)
        assert files_of(out) == whole, length


@pytest.mark.parametrize("damage", [Path.unlink, lambda part: os.truncate(part, 100)])
def test_a_lost_or_cut_part_is_extracted_again(folder, tmp_path, damage):
    out = tmp_path / "out"
    run(folder, out)
    before = (out / "tone_feat.npy").read_bytes()
    damage(out / "parts" / "part-00001.npy")
    again = ByteCounts()
    run(folder, out, again)
    assert sorted(again.read_files) == ["item 05.txt", "item 06.txt"]
    assert (out / "tone_feat.npy").read_bytes() == before


def test_progress_starts_where_the_killed_run_was(folder, tmp_path):
    seen = []
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, ByteCounts, "compute", 3)
        run(folder, tmp_path / "out")
    run(folder, tmp_path / "out", on_progress=seen.append)
    assert seen == [
        Progress(tried, unreadable, 11)
        for tried, unreadable in ((4, 1), (6, 3), (8, 4), (10, 4), (11, 4))
    ]
