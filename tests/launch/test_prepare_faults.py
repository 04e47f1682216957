"""Every file of every layout, damaged: prepared all the same, or one line and nothing written."""

import shutil

import numpy as np
import pytest
from absl import flags as absl_flags

from kdiffe_jax.data.readers.prepared import read_prepared
from launch import prepare as command
from tests.launch.source_layouts import LAYOUTS

pytest.importorskip("pyarrow")

SMALL = ("--words_min_items=1", "--words_max_share=1", "--codebook_size=3", "--codes_per_item=1")


def emptied(content, rng):
    return b""


def halved(content, rng):
    return content[: len(content) // 2]


def lfs_pointer(content, rng):
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


def web_page(content, rng):
    return b"<!DOCTYPE html>\n<html><body>Not found</body></html>\n"


def bytes_flipped(content, rng):
    damaged = bytearray(content)
    for place in rng.integers(0, len(damaged), size=6):
        damaged[place] ^= int(rng.integers(1, 256))
    return bytes(damaged)


def line_repeated(content, rng):
    return content + content[: content.find(b"\n") + 1]


def negative_ids(content, rng):
    return content.replace(b"0", b"-1")


def huge_ids(content, rng):
    return content.replace(b"1", b"99999999999999999999")


def nan_in_it(content, rng):
    return content.replace(b"4", b"nan")


def crlf(content, rng):
    return content.replace(b"\n", b"\r\n")


DAMAGES = (
    emptied,
    halved,
    lfs_pointer,
    web_page,
    bytes_flipped,
    line_repeated,
    negative_ids,
    huge_ids,
    nan_in_it,
    crlf,
)


def run(*arguments) -> int:
    return command.main(["prepare", *arguments], absl_flags.FlagValues())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_recognised_and_prepared(layout, tmp_path, capsys):
    source = tmp_path / "source"
    source.mkdir()
    LAYOUTS[layout](source)
    assert run(f"--input={source}", f"--output={tmp_path / 'out'}", *SMALL) == 0
    dataset = read_prepared(tmp_path / "out")
    assert dataset.provenance["source"] == layout
    assert len(dataset.triples) and len(dataset.valid) and len(dataset.test)
    assert set(dataset.provenance["files"]) == {file.name for file in source.iterdir()}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_damaged_files(layout, damage, tmp_path, capsys):
    whole = tmp_path / "whole"
    whole.mkdir()
    LAYOUTS[layout](whole)
    rng = np.random.default_rng(len(layout))
    for file in sorted(whole.iterdir()):
        source, output = tmp_path / "source", tmp_path / "out"
        shutil.copytree(whole, source)
        (source / file.name).write_bytes(damage(file.read_bytes(), rng))
        capsys.readouterr()
        status = run(f"--source={layout}", f"--input={source}", f"--output={output}", *SMALL)
        error = capsys.readouterr().err
        if status == 0:
            read_prepared(output)
            shutil.rmtree(output)
        else:
            assert status == 2, file.name
            assert error.startswith("error: ") and error.count("\n") == 1, error
            assert len(error) < 600, error
        shutil.rmtree(source)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["whole"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_missing_files(layout, tmp_path, capsys):
    whole = tmp_path / "whole"
    whole.mkdir()
    LAYOUTS[layout](whole)
    refused = 0
    for file in sorted(whole.iterdir()):
        content = file.read_bytes()
        file.unlink()
        status = run(
            f"--source={layout}", f"--input={whole}", f"--output={tmp_path / 'out'}", *SMALL
        )
        error = capsys.readouterr().err
        if status == 2:
            refused += 1
            assert error.startswith("error: ") and error.count("\n") == 1
            assert not (tmp_path / "out").exists()
        else:
            shutil.rmtree(tmp_path / "out")
        file.write_bytes(content)
    assert refused
