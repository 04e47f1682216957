"""Options that change nothing beside others are told, and no preset has any."""

import pytest

from kdiffe_jax.models.idle_options import idle_options
from kdiffe_jax.models.registry import MODELS, is_trained, make_config, model_class


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"xi": 0.0, "restart_probability": 0.1}, ["restart_probability = 0.1", "xi is 0.0"]),
        ({"noise_schedule": "cosine", "noise_max": 0.5}, ["noise_max = 0.5", "is 'cosine'"]),
        ({"theta_1": 0.0, "temperature": 0.1}, ["temperature = 0.1", "theta_1 is 0.0"]),
        ({"softmax_temperature": 0.7}, ["softmax_temperature = 0.7", "ranking_loss is 'bpr'"]),
        ({"nearest_items": 3}, ["nearest_items = 3", "neighbour_weight is 0.0"]),
        ({"model": "hccf", "hyper_scale": 0.1}, ["hyper_scale = 0.1", "is 'learned'"]),
        ({"model": "sgl", "contrast_weight": 0.0, "temperature": 0.5}, ["temperature = 0.5"]),
        ({"model": "sgl", "contrast_weight": 0.0, "edge_drop": 0.5}, ["contrast_weight is 0.0"]),
        ({"model": "sgl", "contrast_weight": 0.01, "edge_drop": 0.5}, []),
        ({"model": "mgcl", "contrast_rate": 0.0, "temperature": 0.5}, ["contrast_rate is 0.0"]),
        ({"model": "mgcl", "contrast_rate": 0.0, "denominators": "released"}, ["denominators"]),
        ({"model": "mgcl", "contrast_weight": 0.0, "temperature": 0.5}, ["contrast_weight is 0.0"]),
        ({"model": "mgcn", "contrast_weight": 0.0, "temperature": 0.5}, ["contrast_weight is 0.0"]),
        ({"model": "hccf", "contrast_weight": 0.0, "temperature": 0.5}, ["contrast_weight is 0.0"]),
        ({"model": "mmgcl", "contrast_weight": 0.0, "edge_drop": 0.5}, ["contrast_weight is 0.0"]),
        ({"model": "diffkg", "contrast_weight": 0.0, "temperature": 0.5}, ["temperature = 0.5"]),
        ({"model": "diffmm", "contrast_weight": 0.0, "contrast_with": "modalities"}, ["with ="]),
        ({"model": "slmrec", "contrast_weight": 0.0, "contrast_temperature": 0.5}, ["weight is"]),
        ({"model": "slmrec", "contrast_weight": 0.0, "temperature": 0.5}, []),
        ({"model": "ncl", "structure_weight": 0.0, "hyper_layers": 2}, ["hyper_layers = 2"]),
        ({"model": "ncl", "prototype_weight": 0.0, "clusters": 20}, ["prototype_weight is 0.0"]),
        ({"model": "freedom", "item_layers": 0, "first_share": 0.5}, ["item_layers is 0"]),
        ({"model": "lattice", "item_layers": 0, "frozen_share": 0.5}, ["item_layers is 0"]),
        ({"model": "mgcn", "item_layers": 0, "item_neighbours": 3}, ["item_layers is 0"]),
        ({"data_ablation_seed": 5}, ["data_ablation_seed = 5", "data_ablation is 'none'"]),
        ({"data_ablation_seed": 5, "data_ablation": "users:0.5"}, []),
        ({"mask_valid": True, "score_test": False}, ["mask_valid = True", "score_test is False"]),
        ({"model": "ncl", "prototype_weight": 0.0, "temperature": 0.2}, []),
        ({"model": "diffkg", "tails_per_head": 0, "kg_seed": 3}, ["kg_seed = 3"]),
        ({"model": "clcrec", "own_share": 1.0, "swapped": 0.1}, ["own_share is 1.0"]),
        ({"model": "mhgcf", "weight_decay": 0.0, "content_decay": 1.0}, ["content_decay = 1.0"]),
        ({"model": "mgcl", "weight_decay": 0.0, "content_decay": 1.0}, ["content_decay = 1.0"]),
        ({"weight_power": 3.0}, ["weight_power = 3.0", "main_graph is 'given'"]),
        ({"weight_power": 4.0}, []),
        ({"guidance": False, "guidance_rank": 9}, ["guidance_rank = 9", "guidance is False"]),
        ({"guidance": False, "guidance_dropout": 0.1}, ["guidance_dropout = 0.1"]),
        ({"guidance": False, "guidance_scale": "unit", "guidance_dropout": 0.3}, []),
        ({"nearest_items": 3, "cold_items": "neighbours"}, []),
        ({"ranking_loss": "softmax", "softmax_temperature": 0.7}, []),
        ({"xi": 0.1, "restart_probability": 0.1, "temperature": 0.1}, []),
    ],
)
def test_options_without_effect_are_told(values, told):
    lines = [*idle_options(make_config(values))]
    assert len(lines) == bool(told) and all(part in line for line in lines for part in told)


def test_without_contrast_no_option_of_it_has_an_effect():
    given = {"theta_1": 0.0, "contrast": "edge_drop", "edge_drop": 0.3, "temperature": 0.1}
    told = [line.split()[0] for line in idle_options(make_config(given))]
    assert sorted(told) == ["contrast", "edge_drop", "temperature"]


@pytest.mark.parametrize("name", [*filter(is_trained, MODELS)])
def test_presets_have_no_option_without_effect(name):
    for values in model_class(name).presets.values():
        assert not [*idle_options(make_config({"model": name} | values))]
