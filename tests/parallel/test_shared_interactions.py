"""Two processes read no more than their shares of the interactions, and pass rows round."""

import socket
import subprocess
import sys

import numpy as np
import pytest

from tests.parallel.launched import ROOT, end, flags_of, prepared_shares, start_two
from tests.parallel.speaking import LENGTHS, NUMBERS


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


def test_a_mistake_in_a_share_ends_both_before_anything_is_written(tmp_path):
    prepared_shares(tmp_path)
    own = flags_of(tmp_path, "of process 1", "of process 1")
    first, second = end(start_two(tmp_path, (tmp_path / "run", tmp_path / "nowhere"), own=own))
    assert first[0] != 0 and second[0] != 0
    assert "train.tsv" in first[2] and "counted from line 1" in first[2], first
    assert "another process stopped" in second[2], second
    assert "Traceback" not in first[2] + second[2]
    assert not (tmp_path / "run").exists()
