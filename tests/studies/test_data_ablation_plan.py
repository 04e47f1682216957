"""What a data ablation takes away is what the model reads."""

import dataclasses

import numpy as np
import pytest

from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.studies.plan import make_plan


@pytest.fixture(scope="module")
def planted():
    dataset = planted_dataset(PlantedSizes(users=40, items=60, topics=4))
    return dataclasses.replace(dataset, features={"image": np.ones((60, 3), np.float32)})


def taken_from(dataset, **values):
    return list(make_plan("data_ablation", make_config(values), dataset).settings)[1:]


def test_a_model_with_a_graph_loses_each_part_of_it(planted):
    relations = [f"without {name}" for name in planted.relation_names]
    assert taken_from(planted) == ["kg_shuffled", *relations, "noise_features", "no_kg"]


def test_a_model_with_nearest_items_has_no_graph_to_lose(planted):
    taken = taken_from(planted, model="lightgcn", neighbour_weight=1.0)
    assert "kg_shuffled" in taken and "no_kg" not in taken


def test_a_model_of_features_loses_those(planted):
    assert taken_from(planted, model="bm3") == ["kg_shuffled", "noise_features"]
    named = dataclasses.replace(planted, features={planted.relation_names[0]: np.ones((60, 3))})
    taken = taken_from(named, model="bm3")
    assert taken == ["kg_shuffled", f"without {planted.relation_names[0]}", "noise_features"]


def test_a_model_of_interactions_alone_has_nothing_to_lose(planted):
    with pytest.raises(ConfigError, match="lightgcn reads nothing of these data but interactions"):
        taken_from(planted, model="lightgcn")
