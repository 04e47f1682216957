"""Processes that share a data set have its interactions once, and know what the whole one tells."""

import dataclasses
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from kdiffe_jax.data import plain_files
from kdiffe_jax.data.beside_interactions import told_beside_interactions
from kdiffe_jax.data.co_interaction import lift
from kdiffe_jax.data.data_ablations import some_users, untrained_items
from kdiffe_jax.data.dataset import SPLITS
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.data.readers.prepared import read_prepared, write_prepared
from kdiffe_jax.data.share import Share
from kdiffe_jax.errors import DataError, RunError
from tests.played import played
from tests.small_model import SIZES, named_dataset

USERS = SIZES.users


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    path = tmp_path_factory.mktemp("shared") / "shop"
    write_prepared(named_dataset(), path)
    return path


@pytest.fixture
def by_hand(tmp_path):
    (tmp_path / "dataset.json").write_text('{"format": 1, "users": 5, "items": 9, "entities": 0}')
    for split, pairs in {"train": "0\t1\n", "valid": "0\t2\n", "test": "0\t3\n"}.items():
        (tmp_path / f"{split}.tsv").write_text(pairs)
    return tmp_path


def joined(shares, split):
    return np.concatenate([getattr(share, split) for share in shares])


@pytest.fixture(scope="module", autouse=True)
def small_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_files, "_BYTES_AT_ONCE", 8)
        yield


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["0\t1", "12\t7", "3\t4 # a note", "", "# 1\t1", "999\t0"])),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.integers(1, 7),
)
def test_the_parts_of_a_file_are_its_lines_once(tmp_path_factory, lines, ending, last, of):
    file = tmp_path_factory.getbasetemp() / f"lines of {os.getpid()}.tsv"
    text = ending.join(lines) + ending * last
    file.write_bytes(text.encode())
    parts = [plain_files.part_of_lines(file, Share(number, of)) for number in range(of)]
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert parts[0].start == 0 and parts[-1].stop == len(text)
    for part in parts:
        assert part.start in (0, len(text)) or text.encode()[: part.start].endswith(b"\n")
        assert plain_files.line_at(file, part.start) == 1 + text[: part.start].count("\n")
    rows = [plain_files.read_integers(file, 2, part) for part in parts]
    np.testing.assert_array_equal(np.concatenate(rows), plain_files.read_integers(file, 2))


@pytest.mark.parametrize("of", (2, 3, 7))
def test_each_process_has_the_interactions_of_its_users(prepared, of):
    whole = read_prepared(prepared)
    shares = played(of, lambda share: read_prepared(prepared, share=share))
    for split in SPLITS:
        np.testing.assert_array_equal(joined(shares, split), getattr(whole, split))
    for number, own in enumerate(shares):
        users = np.unique(own.train[:, 0])
        assert users.min() == USERS * number // of and users.max() == USERS * (number + 1) // of - 1
        assert own.n_users == whole.n_users and own.user_ids == whole.user_ids
        np.testing.assert_array_equal(own.triples, whole.triples)


def test_a_process_parses_no_more_than_its_part_of_the_lines(prepared, monkeypatch):
    whole, parsed, real = read_prepared(prepared), [], np.loadtxt

    def noted(source, *rest, **more):
        parsed.append(source if isinstance(source, Path) else list(source))
        return real(parsed[-1], *rest, **more)

    monkeypatch.setattr(np, "loadtxt", noted)
    played(4, lambda share: read_prepared(prepared, share=share))
    assert {file.name for file in parsed if isinstance(file, Path)} == {"triples.tsv"}
    counts = [sum(map(bool, lines)) for lines in parsed if isinstance(lines, list)]
    assert len(counts) == 4 * len(SPLITS) and max(counts) < len(whole.train) / 3
    assert sum(counts) == sum(len(getattr(whole, split)) for split in SPLITS)


def test_lines_in_any_order_written_by_hand(by_hand):
    rows = ["4\t8", "0\t5 # why not", "", "2\t2", "0\t5", "1\t0", "3\t3", "# the end", "0\t1"]
    (by_hand / "train.tsv").write_bytes("\r\n".join(rows).encode("utf-8-sig"))
    whole = read_prepared(by_hand)
    assert len(whole.train) == 6
    for of in range(2, 9):
        shares = played(of, lambda share: read_prepared(by_hand, share=share))
        for split in SPLITS:
            np.testing.assert_array_equal(joined(shares, split), getattr(whole, split))


def test_what_is_wrong_in_a_part_is_said_with_its_line_and_stops_all(by_hand):
    (by_hand / "train.tsv").write_text("0\t1\n1\t2\n2\t3\n3\t9\n4\t4\n")
    first, second = played(2, lambda share: read_prepared(by_hand, share=share))
    assert isinstance(first, RunError)
    assert re.search(
        r"train\.tsv, row 1: item 9 is outside 0\.\.8; counted from line 4", str(second)
    )
    (by_hand / "train.tsv").write_text("0\t1\nx\t2\n2\t3\n3\t7\n4\t4\n")
    first, second = played(2, lambda share: read_prepared(by_hand, share=share))
    assert "train.tsv" in str(first) and "counted from line 1" in str(first)
    assert isinstance(second, RunError)


def test_an_interaction_in_two_splits_stops_all(by_hand):
    (by_hand / "train.tsv").write_text("0\t1\n4\t4\n")
    (by_hand / "test.tsv").write_text("0\t3\n4\t4\n")
    first, second = played(2, lambda share: read_prepared(by_hand, share=share))
    assert isinstance(first, RunError)
    assert "1 interactions are in both train and test, the first is user 4, item 4" in str(second)


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_that_was_changed_is_refused_by_all(prepared, tmp_path, split):
    file = tmp_path / "shop" / f"{split}.tsv"
    write_prepared(named_dataset(), tmp_path / "shop")
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:-1], f"{lines[-1].split()[0]}\t{SIZES.items - 1}"]) + "\n")
    for error in played(3, lambda share: read_prepared(tmp_path / "shop", share=share)):
        assert isinstance(error, DataError), error
        assert f"{split}.tsv: missing or changed since it was prepared" in str(error)
    forget(tmp_path / "shop", "sha256", f"{split}.tsv")
    changed = played(3, lambda share: read_prepared(tmp_path / "shop", share=share))
    expected = getattr(read_prepared(tmp_path / "shop"), split)
    np.testing.assert_array_equal(joined(changed, split), expected)


def forget(path, key, file):
    manifest = json.loads((path / "dataset.json").read_text())
    del manifest[key][file]
    (path / "dataset.json").write_text(json.dumps(manifest))


def test_data_prepared_before_their_rows_had_a_checksum_are_verified_by_their_files(tmp_path):
    write_prepared(named_dataset(), tmp_path / "shop")
    for split in SPLITS:
        forget(tmp_path / "shop", "rows_sha256", split)
    read = played(2, lambda share: read_prepared(tmp_path / "shop", share=share))
    assert len(joined(read, "train")) == len(named_dataset().train)
    with (tmp_path / "shop" / "test.tsv").open("a") as lines:
        lines.write("# changed\n")
    for error in played(2, lambda share: read_prepared(tmp_path / "shop", share=share)):
        assert "test.tsv: missing or changed" in str(error)


def test_processes_with_other_data_are_refused(prepared, tmp_path):
    write_prepared(dataclasses.replace(named_dataset(), name="other"), tmp_path / "shop")
    paths = [prepared, tmp_path / "shop"]
    for error in played(2, lambda share: read_prepared(paths[share.number], share=share)):
        assert "process 1 has another than process 0" in str(error)
    sets = [named_dataset(), dataclasses.replace(named_dataset(), test=named_dataset().test[1:])]
    for error in played(2, lambda share: sets[share.number].shared(share)):
        assert "process 1 has another than process 0" in str(error)


def test_no_directory_is_said_on_all(tmp_path):
    for error in played(2, lambda share: read_dataset(tmp_path / "no", name="no", share=share)):
        assert "there is no such directory" in str(error)


def test_the_fingerprint_is_that_of_the_whole(prepared):
    whole = read_prepared(prepared)
    shares = played(3, lambda share: read_prepared(prepared, share=share).fingerprint())
    assert set(shares) == {whole.fingerprint()}
    again = played(2, lambda share: whole.shared(share).fingerprint())
    assert set(again) == {whole.fingerprint()}


@pytest.mark.parametrize("ablated", (some_users, untrained_items))
def test_data_ablations_take_what_they_take_from_the_whole(ablated):
    whole = named_dataset()
    expected = ablated(whole, 0.4, seed=3)
    shares = played(3, lambda share: ablated(whole.shared(share), 0.4, seed=3))
    for split in SPLITS:
        np.testing.assert_array_equal(joined(shares, split), getattr(expected, split))
    assert {share.notes for share in shares} == {expected.notes}


def test_lift_is_that_of_all_users():
    whole = named_dataset()
    links = np.stack([np.arange(SIZES.items), np.arange(SIZES.items)[::-1]], axis=1)
    sizes = dict(n_users=whole.n_users, n_items=whole.n_items)

    def of(share):
        return lift(whole.shared(share).train, links, share=share, **sizes)

    expected = lift(whole.train, links, **sizes)
    assert 0 < expected.value != 1
    assert played(4, of) == [pytest.approx(expected, rel=1e-12)] * 4


def test_what_a_kind_tells_is_of_all_users():
    whole = named_dataset()
    kinds = [sparse.csr_array(np.eye(SIZES.items, k=k, dtype=np.float32)) for k in (1, 4)]
    sizes = dict(n_users=whole.n_users, n_items=whole.n_items)

    def of(share):
        return told_beside_interactions(whole.shared(share).train, kinds, share=share, **sizes)

    expected = told_beside_interactions(whole.train, kinds, **sizes)
    for found in played(4, of):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_degrees_are_those_of_all_users():
    whole = named_dataset()
    for degrees in played(3, lambda share: whole.shared(share).item_degrees()):
        np.testing.assert_array_equal(degrees, whole.item_degrees())
    assert whole.item_degrees().sum() == len(whole.train)
