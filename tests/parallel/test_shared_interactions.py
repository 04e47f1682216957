"""Two processes read no more than their shares of the interactions, and pass rows round."""

import re
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest

from kdiffe_jax.data.dataset import SPLITS
from kdiffe_jax.data.plain_files import part_of_lines
from kdiffe_jax.data.readers.prepared import write_prepared
from kdiffe_jax.data.share import Share
from kdiffe_jax.data.synthetic import planted_dataset
from tests.parallel.launched import ROOT, check_equal, end, read, start, start_two
from tests.parallel.speaking import LENGTHS, NUMBERS
from tests.small_model import SIZES


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each of two processes heard."""
    directory = tmp_path_factory.mktemp("speaking")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "tests.parallel.speaking", address]
    both = [
        subprocess.Popen(
            [*command, str(number), str(directory)], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        for number in range(2)
    ]
    for process in both:
        assert process.wait(timeout=300) == 0, process.stderr.read()[-3000:]
        process.stderr.close()
    return [dict(np.load(directory / f"{number}.npz")) for number in range(2)]


def test_both_hear_the_rows_of_all_in_order(said):
    for heard in said:
        for name, (first, second) in LENGTHS.items():
            expected = np.concatenate([NUMBERS[0, :first], NUMBERS[1, :second]])
            np.testing.assert_array_equal(heard[name], expected, err_msg=name)
        np.testing.assert_array_equal(heard["floats"], NUMBERS[:, :, 0].ravel())


def test_both_know_sums_and_maxima(said):
    for heard in said:
        for kind in (np.int64, np.float64):
            found = heard[f"summed {kind.__name__}"]
            assert found.dtype == kind
            np.testing.assert_array_equal(found, sum(NUMBERS[:, 0].astype(kind) // 3))
        np.testing.assert_array_equal(heard["summed int32"], sum(NUMBERS[:, 0] // 3))
        np.testing.assert_array_equal(heard["largest"], NUMBERS[:, 0].max(axis=0))


def test_a_mistake_of_one_stops_both(said):
    other = "RunError: another process stopped; its own message says why"
    for number, heard in enumerate(said):
        own = f"DataError: process {number} found a mistake"
        assert heard["failing ()"] == str(number)
        assert heard["failing (0, 1)"] == own
        for one in (0, 1):
            assert heard[f"failing ({one},)"] == (own if one == number else other)


def test_each_knows_its_place(said):
    assert [heard["share"].tolist() for heard in said] == [[0, 2, 0, 21], [1, 2, 10, 21]]


def scrambled(source, target, number):
    """A copy in which only the lines that one of two processes is to read can be read."""
    shutil.copytree(source, target)
    for split in SPLITS:
        file = target / f"{split}.tsv"
        part, text = part_of_lines(file, Share(number, 2)), file.read_bytes()
        own = text[part.start : part.stop]
        assert own and len(own) < len(text)
        others = (re.sub(rb"\d", b"x", t) for t in (text[: part.start], text[part.stop :]))
        file.write_bytes(own.join(others))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    directory = tmp_path_factory.mktemp("shares")
    write_prepared(planted_dataset(SIZES), directory / "whole")
    scrambled(directory / "whole", directory / "of process 1", 1)
    return directory


def flags_of(directory, *names):
    return [(f"--data_dir={directory / name}", "--dataset=shop") for name in names]


# Whatever counts, numbers or masks the interactions of all.
OF_ALL = (
    "--contrast=edge_drop", "--self_loops", "--mask_valid", "--epoch_steps=3",
    "--neighbour_weight=0.5", "--neighbour_kinds=lift", "--cold_items=neighbours",
    "--data_ablation=items:0.2",
)  # fmt: skip


def test_two_processes_train_what_one_trains_from_their_shares_alone(prepared, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    (flags,) = flags_of(prepared, "whole")
    (alone,) = end([start(tmp_path / "cache", one, *flags, *OF_ALL)])
    assert alone[0] == 0, alone
    own = flags_of(prepared, "whole", "of process 1")
    both = end(start_two(tmp_path, (two, tmp_path / "nowhere"), own=own, more=OF_ALL))
    assert [status for status, *_ in both] == [0, 0], both
    check_equal(read(one), read(two))


def test_a_mistake_in_a_share_ends_both_before_anything_is_written(prepared, tmp_path):
    own = flags_of(prepared, "of process 1", "of process 1")
    first, second = end(start_two(tmp_path, (tmp_path / "run", tmp_path / "nowhere"), own=own))
    assert first[0] != 0 and second[0] != 0
    assert "train.tsv" in first[2] and "counted from line 1" in first[2], first
    assert "another process stopped" in second[2], second
    assert "Traceback" not in first[2] + second[2]
    assert not (tmp_path / "run").exists()
