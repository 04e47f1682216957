"""Options of KDiffE that the sizes of the data, or another option, forbid."""

import pytest

from kdiffe_jax.config import Limits
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.arrays import Sizes
from kdiffe_jax.models.registry import build_model, make_config

SIZES = Sizes(n_users=5, n_items=7, n_entities=11, n_relations=2)


def check(**options):
    build_model(make_config(options), SIZES).check(steps=3, limits=Limits())


def test_more_relations_to_keep_than_there_are_entities():
    check(rebuild_from="all", top_q=11)
    with pytest.raises(ConfigError, match="top_q = 12: there are only 11 entities"):
        check(rebuild_from="all", top_q=12)


def test_entities_of_one_column_cannot_be_told_apart():
    with pytest.raises(ConfigError, match="cannot tell entities apart that share a column"):
        check(rebuild_from="all", denoiser_columns=4)


def test_dropped_edges_need_degrees_of_the_adjacency():
    check(contrast="edge_drop")
    with pytest.raises(ConfigError, match="use degree_from = 'adjacency'"):
        check(contrast="edge_drop", degree_from="weighted")


def test_no_gradient_passes_guidance_that_is_made_before_training():
    check(guidance_rank=5)
    check(guidance_gradient=True)
    with pytest.raises(ConfigError, match="no effect beside guidance_rank = 5"):
        check(guidance_gradient=True, guidance_rank=5)


def test_nearest_items_beside_the_layers_need_nearest_items():
    check(last_neighbour_weight=0.3, neighbour_weight=1.0)
    with pytest.raises(ConfigError, match="last_neighbour_weight = 0.3 has no effect"):
        check(last_neighbour_weight=0.3)
