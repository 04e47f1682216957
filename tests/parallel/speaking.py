"""One of two processes that pass rows round: python speaking.py ADDRESS NUMBER DIRECTORY."""

import sys
from pathlib import Path

import jax
import numpy as np

from kdiffe_jax.errors import DataError, RunError
from kdiffe_jax.parallel import shares

NUMBERS = np.random.default_rng(0).integers(-(2**31), 2**31, (2, 9, 3)).astype(np.int32)
LENGTHS = {"both": (9, 7), "none": (0, 0), "first": (8, 0), "second": (0, 5)}


def fail_on(numbers, number):
    def work():
        if number in numbers:
            raise DataError(f"process {number} found a mistake")
        return number

    try:
        return str(shares.all_or_none(work))
    except (DataError, RunError) as error:
        return f"{type(error).__name__}: {error}"


def main(address, number, directory):
    jax.distributed.initialize(address, 2, number)
    shares.PIECE = 4
    found = {}
    for name, lengths in LENGTHS.items():
        pieces = list(shares.pieces(NUMBERS[number][: lengths[number]]))
        assert all(0 < len(piece) <= 4 for piece in pieces)
        found[name] = np.concatenate(pieces) if pieces else np.zeros((0, 3), np.int32)
    floats = NUMBERS[number].view(np.float32)[:, 0]
    found["floats"] = np.concatenate(list(shares.pieces(floats))).view(np.int32)
    for kind in (np.int64, np.float64, np.int32):
        found[f"summed {kind.__name__}"] = shares.summed(NUMBERS[number, 0].astype(kind) // 3)
    found["largest"] = shares.largest(NUMBERS[number, 0])
    for numbers in ((), (0,), (1,), (0, 1)):
        found[f"failing {numbers}"] = np.array(fail_on(numbers, number))
    share = shares.share_of_process()
    found["share"] = np.array([share.number, share.of, *share.offset_and_total(10 + number)])
    np.savez(directory / f"{number}.npz", **found)
    jax.distributed.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
