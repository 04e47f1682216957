"""Pickled matrices are read whole or refused, and never run code."""

import functools
import io
import os
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from kdiffe_jax.data.readers.safe_pickle import load_sparse
from kdiffe_jax.errors import DataError

ROOT = Path(__file__).parents[3]
DENSE = np.array([[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, 1]])
PROTOCOLS = (
    2,
    3,
    4,
    5,
)
DTYPES = ("bool", "int8", "float32", "float64")
KINDS = [f"{kind}_{suffix}" for kind in ("coo", "csr", "csc") for suffix in ("matrix", "array")]


def stored(tmp_path, content, protocol=4):
    path = tmp_path / "trnMat.pkl"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        load_sparse(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def with_state(kind: str, state: dict):
    """An instance of `kind` whose attributes nobody checked."""
    made = getattr(sp, kind).__new__(getattr(sp, kind))
    made.__dict__.clear()
    made.__dict__.update(state)
    return made


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", KINDS)
def test_sparse_round_trip_of_every_protocol(tmp_path, kind, protocol):
    matrix = load_sparse(stored(tmp_path, getattr(sp, kind)(DENSE.astype(np.float32)), protocol))
    assert isinstance(matrix, sp.coo_array)
    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix.toarray(), DENSE)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sparse_round_trip_of_every_dtype(tmp_path, dtype, protocol):
    expected = DENSE.astype(dtype)
    matrix = load_sparse(stored(tmp_path, sp.coo_matrix(expected), protocol))
    np.testing.assert_array_equal(matrix.toarray(), expected.astype(np.float64))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dense_round_trip(tmp_path, dtype, protocol):
    expected = DENSE.astype(dtype)
    matrix = load_sparse(stored(tmp_path, expected, protocol))
    np.testing.assert_array_equal(matrix.toarray(), expected.astype(np.float64))


def test_dense_float16_values_are_read(tmp_path):
    matrix = load_sparse(stored(tmp_path, DENSE.astype(np.float16)))
    np.testing.assert_array_equal(matrix.toarray(), DENSE)


def test_sparse_float16_values_are_read(tmp_path):
    state = sp.coo_matrix(DENSE.astype(np.float32)).__dict__.copy()
    state["data"] = state["data"].astype(np.float16)
    matrix = load_sparse(stored(tmp_path, with_state("coo_matrix", state)))
    np.testing.assert_array_equal(matrix.toarray(), DENSE)


def test_fortran_ordered_dense_matrix_keeps_its_orientation(tmp_path):
    matrix = load_sparse(stored(tmp_path, np.asfortranarray(DENSE)))
    np.testing.assert_array_equal(matrix.toarray(), DENSE)


@pytest.mark.parametrize("protocol", (2, 3))
@pytest.mark.parametrize("kind", ("coo", "csr", "csc"))
def test_module_names_of_old_scipy_and_numpy(tmp_path, kind, protocol):
    content = pickle.dumps(getattr(sp, f"{kind}_matrix")(DENSE), protocol)
    old = content.replace(f"scipy.sparse._{kind}".encode(), f"scipy.sparse.{kind}".encode())
    old = old.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != content
    np.testing.assert_array_equal(load_sparse(stored(tmp_path, old)).toarray(), DENSE)


def test_state_of_coo_before_scipy_1_13(tmp_path):
    coo = sp.coo_matrix(DENSE)
    state = {"_shape": coo.shape, "maxprint": 50, "row": coo.row, "col": coo.col}
    state |= {"data": coo.data, "has_canonical_format": False}
    content = pickle.dumps(with_state("coo_matrix", state), 2)
    content = content.replace(b"scipy.sparse._coo", b"scipy.sparse.coo")
    np.testing.assert_array_equal(load_sparse(stored(tmp_path, content)).toarray(), DENSE)


@pytest.mark.parametrize(
    "protocol",
    (
        2,
        *PROTOCOLS[1:],
    ),
)
def test_matrix_without_entries_keeps_its_shape(tmp_path, protocol):
    matrix = load_sparse(stored(tmp_path, sp.coo_matrix((3, 5)), protocol))
    assert matrix.shape == (3, 5) and matrix.nnz == 0


class Attack:
    """Pickles as a call of `function` on `arguments`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def attacks(marker):
    touch = f"touch {marker}"
    write = f"open({str(marker)!r}, 'w')"
    return {
        "os.system": pickle.dumps(Attack(os.system, touch)),
        "os.mkdir": pickle.dumps(Attack(os.mkdir, str(marker))),
        "eval": pickle.dumps(Attack(eval, write)),
        "exec": pickle.dumps(Attack(exec, write)),
        "open": pickle.dumps(Attack(open, str(marker), "w")),
        "getattr": b"cbuiltins\ngetattr\n.",
        "popen": pickle.dumps(Attack(subprocess.Popen, ["touch", str(marker)])),
        "check_output": pickle.dumps(Attack(subprocess.check_output, ["touch", str(marker)])),
        "numpy.load": pickle.dumps(Attack(np.load, str(marker))),
        "numpy.memmap": pickle.dumps(Attack(np.memmap, str(marker), "u1", "w+", 0, (1,))),
        "numpy.save": pickle.dumps(Attack(np.save, str(marker), 1)),
        "scipy.sparse.load_npz": pickle.dumps(Attack(sp.load_npz, str(marker))),
        "scipy.sparse.save_npz": b"cscipy.sparse\nsave_npz\n.",
        "functools.partial": pickle.dumps(Attack(functools.partial, os.system, touch)),
        "posix": b"cposix\nsystem\n(S'" + touch.encode() + b"'\ntR.",
        "python 2 name": b"c__builtin__\neval\n(S'1'\ntR.",
        "dotted name": b"\x80\x04\x8c\x0cscipy.sparse\x8c\x0enp.load.__name\x93.",
        "inst opcode": b"(S'" + touch.encode() + b"'\nios\nsystem\n.",
        "extension code": b"\x80\x02\x82\x01.",
        "io": pickle.dumps(Attack(io.open, str(marker), "w")),
        "wrapped in a list": pickle.dumps([sp.coo_matrix(DENSE), Attack(os.system, touch)]),
        "other codec": b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00utf-8tR.",
    }


@pytest.mark.parametrize("name", sorted(attacks("/none")))
def test_foreign_names_are_refused_and_not_run(tmp_path, name):
    marker = tmp_path / "executed"
    assert "refused" in refusal(stored(tmp_path, attacks(marker)[name]))
    assert list(tmp_path.iterdir()) == [tmp_path / "trnMat.pkl"]


def test_the_attacks_are_real(tmp_path):
    marker = tmp_path / "executed"
    pickle.loads(attacks(marker)["os.mkdir"])
    assert marker.is_dir()


def test_persistent_id_is_refused_in_one_line(tmp_path):
    refusal(stored(tmp_path, b"Pany\n."))


def test_refusal_says_which_name(tmp_path):
    assert "posix.system" in refusal(stored(tmp_path, Attack(os.system, "true")))


@pytest.mark.parametrize("share", (0.05, 0.3, 0.6, 0.99))
@pytest.mark.parametrize("protocol", (2, 3, 4, 5))
def test_truncated_file(tmp_path, share, protocol):
    whole = pickle.dumps(sp.csr_matrix(DENSE), protocol)
    refusal(stored(tmp_path, whole[: int(share * len(whole))]))


def test_empty_missing_and_pointer_files(tmp_path):
    assert "no such file" in refusal(tmp_path / "absent.pkl")
    assert "empty" in refusal(stored(tmp_path, b""))
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    assert "git lfs pull" in refusal(stored(tmp_path, pointer))
    assert "refused" in refusal(stored(tmp_path, b"<!DOCTYPE html>\n<html></html>\n"))


@pytest.mark.parametrize(
    "content",
    [[1, 2], {"a": 1}, "text", 7, None, np.arange(4), np.zeros((2, 2, 2)), sp.coo_array([1, 2])],
    ids=lambda value: f"{type(value).__name__}{getattr(value, 'ndim', '')}",
)
def test_other_content_is_refused(tmp_path, content):
    refusal(stored(tmp_path, content))


@pytest.mark.parametrize("kind", ("dok_matrix", "lil_matrix", "dia_matrix", "bsr_matrix"))
def test_other_sparse_formats_are_refused(tmp_path, kind):
    assert "not admitted" in refusal(stored(tmp_path, getattr(sp, kind)(DENSE)))


def test_arrays_of_objects_are_refused(tmp_path):
    refusal(stored(tmp_path, DENSE.astype(object)))


def test_duplicates_are_summed_and_zeros_dropped(tmp_path):
    coo = sp.coo_matrix(([1, 1, 0, 5], ([1, 1, 0, 2], [2, 2, 0, 0])), shape=(3, 3), dtype="int8")
    matrix = load_sparse(stored(tmp_path, coo))
    entries = list(zip(matrix.row.tolist(), matrix.col.tolist(), matrix.data, strict=True))
    assert entries == [(1, 2, 2.0), (2, 0, 5.0)]


def test_small_integers_do_not_wrap_where_duplicates_are_summed(tmp_path):
    coo = sp.coo_matrix((np.full(2, 100, np.int8), ([0, 0], [1, 1])), shape=(1, 2))
    assert load_sparse(stored(tmp_path, coo)).data.tolist() == [200.0]


@pytest.mark.parametrize("value", (-1.0, np.nan, np.inf, -np.inf))
@pytest.mark.parametrize("kind", ("csr_matrix", "coo_array", "asarray"))
def test_bad_values_name_their_row(tmp_path, kind, value):
    dense = DENSE.astype(float)
    dense[2, 3] = value
    content = dense if kind == "asarray" else getattr(sp, kind)(dense)
    assert "row 2:" in refusal(stored(tmp_path, content))


def test_indices_outside_the_shape_are_refused(tmp_path):
    for index in (-1, 9):
        coo = sp.coo_matrix(DENSE)
        coo.col[0] = index
        assert "outside" in refusal(stored(tmp_path, coo))


def test_decreasing_row_starts_are_refused(tmp_path):
    state = sp.csr_matrix(DENSE).__dict__.copy()
    state["indptr"] = np.array([0, 4, 2, 4], np.int32)
    refusal(stored(tmp_path, with_state("csr_matrix", state)))


@pytest.mark.parametrize(
    "kind",
    (
        "coo_matrix",
        "csr_array",
    ),
)
def test_matrix_without_its_state_is_refused(tmp_path, kind):
    refusal(stored(tmp_path, with_state(kind, {"flag": 1})))


def test_row_starts_beyond_the_entries_do_not_kill_the_process(tmp_path):
    state = sp.csr_matrix(DENSE).__dict__.copy()
    state["indptr"] = np.array([0, 5_000_000, 5_000_000, 4], np.int32)
    path = stored(tmp_path, with_state("csr_matrix", state))
    program = (
        f"from kdiffe_jax.data.readers.safe_pickle import load_sparse; load_sparse({str(path)!r})"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "DataError" in done.stderr.splitlines()[-1]


def test_room_that_scipy_kept_for_more_entries_is_not_read(tmp_path):
    state = sp.csr_matrix(DENSE).__dict__.copy()
    state["indices"] = np.append(state["indices"], 99).astype(np.int32)
    state["data"] = np.append(state["data"], -1)
    matrix = load_sparse(stored(tmp_path, with_state("csr_matrix", state)))
    np.testing.assert_array_equal(matrix.toarray(), DENSE)


def test_arrays_of_different_lengths_are_refused(tmp_path):
    state = sp.coo_matrix(DENSE).__dict__.copy()
    state["data"] = state["data"][:-1]
    refusal(stored(tmp_path, with_state("coo_matrix", state)))


def opcodes(*parts) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


def called(module: str, name: str, *arguments) -> bytes:
    """A pickle that calls what it names."""
    inner = pickle.dumps(arguments, 2)[2:-1]
    return opcodes(f"c{module}\n{name}\n".encode(), inner, b"R")


def with_attributes(name: bytes, slots: dict) -> bytes:
    """A pickle that sets attributes of what it names."""
    return opcodes(name, b"N", pickle.dumps(slots, 2)[2:-1], b"\x86b")


def type_with_fields() -> bytes:
    fields = {"a": (np.dtype("f8"), 1 << 40)}
    state = pickle.dumps((3, "|", None, ("a",), fields, 8, 1, 0), 2)[2:-1]
    named = pickle.dumps(("V8", False, True), 2)[2:-1]
    return opcodes(b"cnumpy\ndtype\n", named, b"R", state, b"b")


ABSURD = {
    "an array of petabytes": called("numpy", "ndarray", (1 << 50,)),
    "an array of some gigabytes": called("numpy", "ndarray", (1 << 34,)),
    "a matrix of petabytes": called("scipy.sparse", "csr_matrix", (1 << 50, 1 << 50)),
    "a matrix of some gigabytes": called("scipy.sparse", "csr_matrix", (1 << 33, 3)),
    "a values type of gigabytes": called("numpy", "dtype", "S2000000000"),
    "a values type with fields": type_with_fields(),
    "the number of an object": opcodes(b"]r\xff\xff\xff\x7f"),
    "bytes of petabytes": opcodes(b"\x8e" + (1 << 50).to_bytes(8, "little")),
    "defaults of a function": with_attributes(b"c_codecs\nencode\n", {"__defaults__": (1,)}),
    "attributes of a class": with_attributes(b"cscipy.sparse\ncoo_matrix\n", {"format": "x"}),
}


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_declarations_are_refused_before_there_is_room_for_them(tmp_path, name):
    path = stored(tmp_path, ABSURD[name])
    tracemalloc.start()
    try:
        refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    matrix = load_sparse(stored(tmp_path, pickle.dumps(sp.coo_matrix(DENSE), 2)))
    np.testing.assert_array_equal(matrix.toarray(), DENSE)


@pytest.mark.parametrize("kind", ("coo_matrix", "coo_array"))
def test_a_matrix_of_many_rows_needs_no_room_for_them(tmp_path, kind):
    side = np.iinfo(np.int32).max
    path = stored(tmp_path, getattr(sp, kind)(([1.0], ([side - 1], [0])), shape=(side, side)))
    tracemalloc.start()
    try:
        assert load_sparse(path).shape == (side, side)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_side_beyond_any_id_is_refused(tmp_path):
    state = sp.coo_matrix(DENSE).__dict__.copy() | {"_shape": (1 << 40, 4)}
    assert "shape" in refusal(stored(tmp_path, with_state("coo_matrix", state)))
