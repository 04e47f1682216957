"""What an extraction writes, adds, leaves out and refuses, with a tiny model."""

import json
import os

import numpy as np
import pytest

from kdiffe_jax.errors import DataError
from kdiffe_jax.extract.resumable import Progress
from kdiffe_jax.storage import files
from tests.extract.tiny import ByteCounts, Killed, files_of, kill_at, run


def refusal(*arguments, **options) -> str:
    with pytest.raises(DataError) as caught:
        run(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_arrays_ids_names_and_what_is_missing(folder, tmp_path):
    out = tmp_path / "out"
    assert run(folder, out) == Progress(tried=11, unreadable=4, total=11)
    items = (out / "tone_feat.ids.txt").read_text().splitlines()
    assert items == [f"item {n:02}" for n in (0, 2, 3, 6, 8, 9, 10)]
    assert (out / "tone_labels.ids.txt").read_text().splitlines() == items
    assert (out / "labels.txt").read_text() == "low\nhigh\n"
    features = np.load(out / "tone_feat.npy", allow_pickle=False)
    scores = np.load(out / "tone_labels.npy", allow_pickle=False)
    numbers = np.array([0, 2, 3, 6, 8, 9, 10]) / 7
    assert features.dtype == scores.dtype == np.float32
    assert np.array_equal(features[:, 0], numbers.astype(np.float32))
    assert np.array_equal(scores, np.stack([-numbers, numbers], axis=1).astype(np.float32))
    # Batches are 0 1 | 2 3 || 4 5 | 6 7 || 8 9 | 10, without what can't be read.
    totals = np.array([0, 5, 5, 6, 17, 17, 10]) / 7
    assert np.allclose(features[:, 2], totals)
    assert (out / "unreadable.tsv").read_text().splitlines() == [
        "item 01\titem 01.txt\ttwo lines and a tab",
        "item 04\titem 04.txt\tthe file is empty",
        "item 05\titem 05.txt\tthe model gives a value that is not finite",
        "item 07\titem 07.txt\ttwo lines and a tab",
    ]
    stored = json.loads((out / "extract.json").read_text())
    assert stored == {"options": {"kind": "test", "width": 3}, "versions": {"numpy": "2"}}


def test_a_second_run_reads_nothing_and_changes_nothing(folder, tmp_path):
    run(folder, tmp_path / "out")
    before = files_of(tmp_path / "out")
    again = ByteCounts()
    run(folder, tmp_path / "out", again)
    assert again.read_files == []
    assert files_of(tmp_path / "out") == before


def test_new_files_are_added_and_gone_ones_left_out(folder, tmp_path):
    out = tmp_path / "out"
    run(folder, out)
    (folder / "item 00.txt").unlink()
    (folder / "item 02b.txt").write_text("0.5")
    again = ByteCounts()
    assert run(folder, out, again).total == 11
    assert again.read_files == ["item 02b.txt"]
    items = (out / "tone_feat.ids.txt").read_text().splitlines()
    assert items == [f"item {n}" for n in ("02", "02b", "03", "06", "08", "09", "10")]
    assert np.load(out / "tone_feat.npy")[1, 0] == 0.5


def test_unreadable_entries_are_tried_again_when_asked(folder, tmp_path):
    out = tmp_path / "out"

    class Mended(ByteCounts):
        def read(self, content):
            return 1.0 if content.name == "item 01.txt" else super().read(content)

    run(folder, out)
    assert run(folder, out, Mended()).unreadable == 4
    assert run(folder, out, Mended(), retry_unreadable=True).unreadable == 3
    assert run(folder, out).unreadable == 3
    assert np.load(out / "tone_feat.npy")[1, 0] == 1.0
    assert "item 01" not in (out / "unreadable.tsv").read_text()


def test_a_file_that_has_changed_is_extracted_again(folder, tmp_path):
    out, other = tmp_path / "out", tmp_path / "other"
    run(folder, out)
    (folder / "item 01.txt").write_text("1")
    (folder / "item 00.txt").write_text("5")
    again = ByteCounts()
    assert run(folder, out, again).unreadable == 3
    assert sorted(again.read_files) == ["item 00.txt", "item 01.txt"]
    assert np.load(out / "tone_feat.npy")[:2, 0].tolist() == [5.0, 1.0]
    other.mkdir()
    for n, name in enumerate(["item 00.txt", "item 01.txt"]):
        (other / name).write_text(str(n))
        os.utime(other / name, ns=(7, 7))
    run(other, out)
    assert np.load(out / "tone_feat.npy")[:, 0].tolist() == [0.0, 1.0]


def test_a_kill_never_leaves_rows_beside_the_names_of_others(tmp_path):
    table, out, n = tmp_path / "table.tsv", tmp_path / "out", 0
    for item in "ab":
        (tmp_path / item).write_text(str(n := n + 1))
    table.write_text("a\ta\nb\tb\n")
    run(table, out)
    table.write_text("b\tb\na\ta\n")
    for calls in range(1, 9):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            kill_at(patch, files.os, "replace", calls)
            run(table, out)
            raise Killed
        if (out / "tone_feat.npy").exists():
            names = (out / "tone_feat.ids.txt").read_text().split()
            rows = np.load(out / "tone_feat.npy")[:, 0].tolist()
            assert dict(zip(names, rows, strict=True)) == {"a": 1.0, "b": 2.0}


def test_other_options_are_refused(folder, tmp_path):
    run(folder, tmp_path / "out")
    before = files_of(tmp_path / "out")
    message = refusal(folder, tmp_path / "out", ByteCounts(width=4))
    assert "was begun with width = 3, not 4" in message
    assert files_of(tmp_path / "out") == before


def test_a_foreign_directory_is_refused(folder, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    assert "not empty and no extraction" in refusal(folder, tmp_path / "mine")
    assert "not empty and no extraction" in refusal(folder, tmp_path / "mine" / "thesis.txt")
    assert files_of(tmp_path / "mine") == {"thesis.txt": b"x"}
    assert "can't be written" in refusal(folder, tmp_path / "mine" / "thesis.txt" / "out")


def test_a_directory_in_use_is_refused(folder, tmp_path):
    class Nested(ByteCounts):
        def compute(self, batch):
            assert "another process" in refusal(folder, tmp_path / "out", ByteCounts())
            return super().compute(batch)

    assert run(folder, tmp_path / "out", Nested()).tried == 11


@pytest.mark.parametrize("content", ["{", "[]", '{"versions": {}}', '{"options": 3}'])
def test_a_broken_option_file_is_refused(folder, tmp_path, content):
    run(folder, tmp_path / "out")
    (tmp_path / "out" / "extract.json").write_text(content)
    assert "extract.json: not readable" in refusal(folder, tmp_path / "out")


@pytest.mark.parametrize("line", ["a\tb\n", "x\ta\tb\tdone\t\n", "0\ta\tb\tperhaps\t\n", "\xff\n"])
def test_a_foreign_journal_is_refused(folder, tmp_path, line):
    run(folder, tmp_path / "out")
    (tmp_path / "out" / "done.tsv").write_bytes(line.encode("latin-1"))
    assert "done.tsv: not a journal" in refusal(folder, tmp_path / "out")


def test_nothing_readable_is_an_error_that_names_the_first(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    for name in "ab":
        (raw / name).write_text("broken")
    for _ in range(2):
        message = refusal(raw, tmp_path / "out")
        assert "none of 2 entries could be read; the first, a: two lines and a tab" in message
    assert len((tmp_path / "out" / "unreadable.tsv").read_text().splitlines()) == 2
    assert not (tmp_path / "out" / "tone_feat.npy").exists()
    (raw / "b").write_text("1")
    assert run(raw, tmp_path / "out", retry_unreadable=True).unreadable == 1


def test_rows_of_a_wrong_shape_are_refused(folder, tmp_path):
    class Flat(ByteCounts):
        def compute(self, batch):
            return np.zeros(len(batch))

    assert "array of shape (1,) for 1 inputs" in refusal(folder, tmp_path / "out", Flat())


def test_without_classes_there_are_no_label_files(folder, tmp_path):
    class Plain(ByteCounts):
        class_names = ()

    run(folder, tmp_path / "out", Plain())
    assert np.load(tmp_path / "out" / "tone_feat.npy").shape == (7, 5)
    assert not [name for name in files_of(tmp_path / "out") if "label" in name]


def test_an_error_of_the_model_stops_the_extraction(folder, tmp_path):
    class Failing(ByteCounts):
        def compute(self, batch):
            raise DataError("out of memory")

    assert refusal(folder, tmp_path / "out", Failing()) == "out of memory"
