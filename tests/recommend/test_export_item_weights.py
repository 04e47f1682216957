"""What is exported of a model of item weights gives its scores without this package."""

import json

import jax
import jax.export
import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.recommend.export import export
from kdiffe_jax.recommend.recommender import Recommender
from tests.recommend.weighted import KINDS, weighted_model

pytest.importorskip("flatbuffers")
parquet = pytest.importorskip("pyarrow.parquet")
safetensors = pytest.importorskip("safetensors")


@pytest.fixture(scope="module", params=KINDS)
def weighted(request, model):
    return weighted_model(model, request.param, nobody=5)


@pytest.fixture(scope="module")
def exported(weighted, tmp_path_factory):
    directory = tmp_path_factory.mktemp("export") / "out"
    assert export(weighted, directory) is None
    return directory


def tensors_of(exported):
    with safetensors.safe_open(exported / "item_weights.safetensors", "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def histories_of(model):
    histories = np.zeros((len(model.user_ids), len(model.item_ids)), np.float32)
    histories[tuple(model.train.T)] = 1
    return histories


def exported_histories(arrays, model):
    histories = np.zeros((len(model.user_ids), len(model.item_ids)), np.float32)
    counts = np.diff(arrays["history_starts"])
    histories[np.repeat(np.arange(len(counts)), counts), arrays["history_items"]] = 1
    return histories


def expected_scores(model):
    users, items = model.user_ids, model.item_ids
    pairs = [(user, item) for user in users for item in items]
    return Recommender(model).score(pairs).reshape(len(users), len(items))


def test_parquet_has_ids_and_names_alone(exported, weighted):
    users = parquet.read_table(exported / "users.parquet").to_pydict()
    items = parquet.read_table(exported / "items.parquet").to_pydict()
    assert users == {"id": list(weighted.user_ids)}
    assert items == {"id": list(weighted.item_ids), "name": list(weighted.item_names)}


def test_the_arrays_score_as_export_json_says(exported, weighted):
    arrays, metadata = tensors_of(exported)
    assert tuple(json.loads(metadata["item_ids"])) == weighted.item_ids
    if "weights" in arrays:
        weights = arrays["weights"]
    else:
        parts = arrays["data"], arrays["indices"], arrays["indptr"]
        weights = sparse.csr_array(parts, shape=(48, 48)).toarray()
    histories = exported_histories(arrays, weighted)
    np.testing.assert_array_equal(histories, histories_of(weighted))
    scores = (histories @ weights) * arrays["scale"]
    np.testing.assert_allclose(scores, expected_scores(weighted), rtol=1e-4, atol=1e-5)


def test_dense_weights_come_with_a_program(exported, weighted):
    about = json.loads((exported / "export.json").read_text())
    file = exported / "scorer.stablehlo"
    dense = "item_weights" in weighted.artifacts
    assert file.exists() == dense == (about["scorer"] is not None)
    assert (about["model"], about["dim"]) == (weighted.config["model"], None)
    assert ("indptr[i]" in about["how_to_score"]) == (not dense)
    if dense:
        arrays, _ = tensors_of(exported)
        scorer = jax.export.deserialize(bytearray(file.read_bytes()))
        histories = histories_of(weighted)[:7]
        scores = scorer.call(histories, arrays["weights"], arrays["scale"])
        expected = expected_scores(weighted)[:7]
        np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_there_is_nothing_to_index(weighted, tmp_path):
    name = weighted.config["model"]
    with pytest.raises(ConfigError, match=f"^{name} scores without item embeddings: there is no"):
        export(weighted, tmp_path / "out", index="exact")
    assert list(tmp_path.iterdir()) == []
