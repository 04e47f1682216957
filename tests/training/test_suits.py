"""What cannot run on a data set is refused before anything is made."""

import dataclasses

import numpy as np
import pytest

from kdiffe_jax.config import Limits
from kdiffe_jax.data.synthetic import planted_dataset
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.models.registry import MODELS, is_trained, make_config, preset
from kdiffe_jax.training import setup
from kdiffe_jax.training.suits import check_suits
from tests.small_model import SIZES
from tests.small_setups import silent

DATASET = planted_dataset(SIZES)
BARE = dataclasses.replace(
    DATASET,
    triples=np.zeros((0, 3), np.int32),
    relation_names=(),
    entity_names=(),
    relevant=None,
)


def best(model):
    return make_config({"model": model, **preset("best", model)})


@pytest.mark.parametrize("model", MODELS)
def test_every_model_suits_data_with_content_and_no_neighbours_are_made(model, monkeypatch):
    def none(*args, **kwargs):
        raise AssertionError("nearest items were made")

    monkeypatch.setattr(setup, "nearest_items", none)
    check_suits(DATASET, best(model), Limits())


@pytest.mark.parametrize("model", ["bm3", "diffkg"])
def test_data_without_content_are_refused_as_a_run_refuses_them(model, tmp_path):
    config = make_config({"model": model})
    with pytest.raises(DataError) as asked:
        check_suits(BARE, config, Limits())
    with pytest.raises(DataError) as run:
        setup.build_setup(BARE, config, cache_dir=tmp_path, log=silent)
    assert str(asked.value) == str(run.value)


def test_memory_and_empty_splits_are_looked_at():
    with pytest.raises(ConfigError, match="--model_memory_gb"):
        check_suits(DATASET, best("ease"), Limits(model_memory_gb=1e-9))
    untested = dataclasses.replace(DATASET, test=DATASET.test[:0])
    for model in MODELS:
        if is_trained(model):
            continue
        with pytest.raises(DataError, match="test split is empty"):
            check_suits(untested, best(model), Limits())
