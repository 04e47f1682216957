"""Cold items rank by the rows of their nearest trained items; nothing else moves."""

import dataclasses

import jax
import numpy as np
import pytest

from kdiffe_jax.data.item_neighbours import nearest_items
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.evaluation.split_scores import score_split
from kdiffe_jax.evaluation.top_k_lists import lists_by_embeddings
from kdiffe_jax.parallel.mesh import build_mesh
from kdiffe_jax.training.placement_on_mesh import OnMesh
from kdiffe_jax.training.setup import build_setup
from tests.small_model import small_config, small_problem
from tests.small_setups import CACHE, after_epochs, compiled_of, planted, small_setup, started

COLD = dict(model="lightgcn", data_ablation="items:0.2", neighbour_kinds="evidence")


def view_of(setup, params):
    return compiled_of(setup).view(params, setup.inputs, ())


@pytest.mark.parametrize("score", ["inner_product", "cosine"])
def test_cold_rows_point_to_the_mean_and_are_as_long_as_their_proxies(score):
    own, meant = (small_setup(cold_items=how, score=score, **COLD) for how in ("own", "neighbours"))
    before, after = (view_of(setup, started(setup).state.params) for setup in (own, meant))
    degrees = np.bincount(meant.dataset.train[:, 1], minlength=meant.dataset.n_items)
    np.testing.assert_array_equal(after.users, before.users)
    np.testing.assert_array_equal(after.items[degrees > 0], before.items[degrees > 0])
    rows = np.asarray(before.items, np.float64)
    near = nearest_items(meant.dataset, 10, weighed="evidence").of_cold.toarray()
    replaced = 0
    for item in np.flatnonzero(degrees == 0):
        weights = np.where(degrees > 0, near[item], 0.0)
        if not weights.any():
            np.testing.assert_array_equal(after.items[item], before.items[item])
            continue
        mean = weights @ rows
        length = weights @ np.linalg.norm(rows, axis=1) / weights.sum()
        expected = mean / np.linalg.norm(mean) * length
        np.testing.assert_allclose(after.items[item], expected, rtol=1e-4, atol=1e-6)
        replaced += 1
    assert replaced > 5


def test_own_rows_build_no_neighbours():
    inputs = small_setup(cold_items="own", **COLD).inputs
    assert inputs.cold_item_proxies is None and inputs.neighbours is None


def test_relations_between_items_stay_in_the_graph_for_proxies_alone():
    near = dataclasses.replace(
        planted(),
        entity_items=np.arange(planted().n_entities, dtype=np.int32) % planted().n_items,
    )
    kept, gone = (
        small_problem(CACHE, near, **(COLD | dict(model="kdiffe", cold_items="neighbours") | more))
        for more in ({}, {"neighbour_weight": 1.0})
    )
    assert len(kept.dataset.triples) == len(near.triples) > len(gone.dataset.triples)
    assert kept.inputs.cold_item_proxies is not None and kept.inputs.neighbours is None


def test_users_find_cold_items_of_their_taste():
    """On planted data, trained for a few epochs, among all items and among the cold ones."""
    sizes = PlantedSizes(users=300, items=120, topics=4, interactions_per_user=12, noise_share=0.2)
    settings = dict(
        COLD, batch_size=256, ranking_loss="softmax", neighbour_weight=1.0, dim=16, layers=2
    )
    recall = {}
    for how in ("own", "neighbours"):
        setup = small_problem(CACHE, planted_dataset(sizes), cold_items=how, **settings)
        view = view_of(setup, after_epochs(setup, 6)[0].params)
        ranker = lists_by_embeddings(view.users, view.items, block=128)
        popularity = np.bincount(setup.dataset.train[:, 1], minlength=sizes.items)
        found = score_split(ranker, setup.test, popularity, n_users=sizes.users)
        recall[how] = found.cold["among_all"]["recall@20"]
    assert recall["neighbours"] > 2 * recall["own"] and recall["neighbours"] > 0.2


@pytest.mark.parametrize("model", ["kdiffe", "lightgcn"])
def test_where_content_tells_nothing_only_cold_items_have_neighbours(model):
    """A model trains and ranks with no neighbour at all; `--mesh` lays the empty matrix out too."""
    changes = COLD | dict(model=model, cold_items="neighbours", neighbour_weight=1.0)
    nothing = planted_dataset(PlantedSizes(users=60, items=48, topics=4, interactions_per_user=8))
    shuffled = np.random.default_rng(0).permutation(nothing.triples[:, 0]).astype(np.int32)
    triples = sorted_unique(np.column_stack([shuffled, nothing.triples[:, 1:]]))
    nothing = dataclasses.replace(nothing, triples=triples, relevant=None)
    said = []
    setup = build_setup(nothing, small_config(**changes), cache_dir=CACHE, log=said.append)
    assert any("content tells nothing beside interactions" in line for line in said)
    assert not np.asarray(setup.inputs.neighbours.forward.values).any()
    assert np.asarray(setup.inputs.cold_item_proxies.values).any()
    params, carry = after_epochs(setup, 1)[0].params, started(setup).carry
    view = compiled_of(setup).view(params, setup.inputs, carry)
    assert np.isfinite(view.items).all()
    on_mesh = OnMesh(build_mesh("data:1", jax.devices()[:1]))
    blocks = small_problem(CACHE, nothing, placement=on_mesh, **changes).inputs.neighbours
    assert not np.asarray(blocks.forward.values).any()
