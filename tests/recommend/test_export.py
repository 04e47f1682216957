"""What is exported gives the same scores without this package's model."""

import hashlib
import json

import jax
import jax.export
import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.recommend import index
from kdiffe_jax.recommend.export import export
from kdiffe_jax.recommend.stablehlo import PLATFORMS

pytest.importorskip("flatbuffers")
parquet = pytest.importorskip("pyarrow.parquet")
safetensors = pytest.importorskip("safetensors")


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("export") / "out"
    assert export(model, directory) is None
    return directory


@pytest.fixture(scope="module")
def expected(model):
    return model.users.astype(float) @ model.items.T.astype(float)


def test_parquet_has_ids_names_and_embeddings(exported, model, expected):
    users = parquet.read_table(exported / "users.parquet").to_pydict()
    items = parquet.read_table(exported / "items.parquet").to_pydict()
    assert tuple(users["id"]) == model.user_ids and tuple(items["id"]) == model.item_ids
    assert tuple(items["name"]) == model.item_names and "name" not in users
    scores = np.array(users["embedding"]) @ np.array(items["embedding"]).T
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_safetensors_has_ids_and_embeddings(exported, model, expected):
    with safetensors.safe_open(exported / "embeddings.safetensors", "numpy") as file:
        users, items, ids = file.get_tensor("users"), file.get_tensor("items"), file.metadata()
    np.testing.assert_allclose(users @ items.T, expected, atol=1e-5)
    assert tuple(json.loads(ids["user_ids"])) == model.user_ids
    assert tuple(json.loads(ids["item_ids"])) == model.item_ids


@pytest.mark.parametrize("n_users", [1, 7, 60])
def test_the_exported_function_scores_any_number_of_users(exported, model, expected, n_users):
    scorer = jax.export.deserialize(bytearray((exported / "scorer.stablehlo").read_bytes()))
    assert scorer.platforms == PLATFORMS
    scores = scorer.call(model.users[:n_users], model.items)
    np.testing.assert_allclose(scores, expected[:n_users], atol=1e-5)


def test_the_manifest_has_versions_and_checksums(exported):
    about = json.loads((exported / "export.json").read_text())
    files = {file.name for file in exported.iterdir()} - {"export.json"}
    assert set(about["sha256"]) == files
    for name, checksum in about["sha256"].items():
        assert hashlib.sha256((exported / name).read_bytes()).hexdigest() == checksum
        assert (exported / name).stat().st_mode & 0o777 == 0o644
    assert (about["users"], about["items"], about["dim"]) == (60, 48, 8)
    assert about["scorer"]["jax"] == jax.__version__


def test_an_existing_directory_is_refused(exported, model):
    before = (exported / "export.json").read_bytes()
    with pytest.raises(DataError, match="exists already"):
        export(model, exported)
    assert (exported / "export.json").read_bytes() == before


@pytest.mark.parametrize("kind", index.KINDS)
def test_the_index_finds_what_it_says(model, tmp_path, kind):
    faiss = pytest.importorskip("faiss")
    quality = export(model, tmp_path / "out", index=kind)
    found = faiss.read_index(str(tmp_path / "out" / "items.faiss")).search(model.users, 20)[1]
    exact = np.argsort(-(model.users @ model.items.T), axis=1)[:, :20]
    hits = [len(set(a) & set(b)) / 20 for a, b in zip(found, exact, strict=True)]
    assert quality.recall == pytest.approx(np.mean(hits))
    assert quality.recall == 1 if kind == "exact" else quality.recall > 0.9
    assert str(quality).startswith(f"items.faiss ({kind})")
    assert json.loads((tmp_path / "out" / "export.json").read_text())["index"]["kind"] == kind


@pytest.mark.parametrize("kind", ["none", "flat", ["exact"]])
def test_another_kind_of_index_is_refused_and_nothing_is_left(model, tmp_path, kind):
    with pytest.raises(ConfigError, match="choose exact or hnsw, or None for no index"):
        export(model, tmp_path / "out", index=kind)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "extra"),
    [("safetensors.numpy", "export"), ("pyarrow", "tables"), ("faiss", "index")],
)
def test_a_missing_library_is_named_and_nothing_is_left(
    model, tmp_path, monkeypatch, module, extra
):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(DataError, match=rf"pip install 'kdiffe_jax\[{extra}\]'"):
        export(model, tmp_path / "out", index="exact")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_and_nothing_is_left(model, tmp_path, monkeypatch):
    from safetensors import SafetensorError, numpy

    def full(*_, **__):
        raise SafetensorError("I/O error:\nNo space left on device")

    monkeypatch.setattr(numpy, "save_file", full)
    with pytest.raises(DataError, match="cannot be written: I/O error: No space left") as refused:
        export(model, tmp_path / "exported")
    assert "\n" not in str(refused.value) and not [*tmp_path.iterdir()]
