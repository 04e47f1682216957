"""Names do not matter, and the options meet what they replace at the ends of their ranges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kdiffe_jax.graph.build import build_graphs, build_laplacian

from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.models.kdiffe.encoder import Encoder
from kdiffe_jax.models.kdiffe.options import GraphConfig
from kdiffe_jax.models.kdiffe.rebuild import rebuilt_graph, top_own_relations
from kdiffe_jax.models.lightgcn import plain_laplacian
from kdiffe_jax.ops.losses import bpr

USERS, ITEMS, ENTITIES, RELATIONS = 6, 5, 7, 2
SIZES = dict(n_users=USERS, n_items=ITEMS, n_entities=ENTITIES, n_relations=RELATIONS)


@pytest.fixture
def data(rng):
    pairs = np.unique(rng.integers(0, [USERS, ITEMS], (16, 2)), axis=0)
    triples = np.unique(rng.integers(0, [ITEMS, RELATIONS, ENTITIES], (14, 3)), axis=0)
    return pairs, triples, rng.random(len(pairs)).astype(np.float32)


def graphs_of(pairs, triples, similarity):
    """Of rows in any order."""
    order = np.lexsort(pairs.T[::-1])
    triples = triples[np.lexsort(triples.T[::-1])]
    return build_graphs(pairs[order], triples, similarity[order], config=GraphConfig(), **SIZES)


def encoder():
    return Encoder(**SIZES, dim=4, layers=2)


def test_renaming_users_items_and_entities_renames_the_views(data, rng):
    pairs, triples, similarity = data
    graphs = graphs_of(*data)
    params = encoder().init(jax.random.key(0), graphs.laplacian, graphs.knowledge)
    view = encoder().apply(params, graphs.laplacian, graphs.knowledge)
    users, items, entities = (rng.permutation(n) for n in (USERS, ITEMS, ENTITIES))
    renamed = graphs_of(
        np.stack([users[pairs[:, 0]], items[pairs[:, 1]]], axis=1),
        np.stack([items[triples[:, 0]], triples[:, 1], entities[triples[:, 2]]], axis=1),
        similarity,
    )
    table = dict(params["params"])
    for name, order in (("user", users), ("item", items), ("entity", entities)):
        table[f"{name}_embedding"] = table[f"{name}_embedding"][np.argsort(order)]
    found = encoder().apply({"params": table}, renamed.laplacian, renamed.knowledge)
    np.testing.assert_allclose(found.users[users], view.users, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.items[items], view.items, rtol=1e-4, atol=1e-6)


def test_keeping_every_relation_is_the_given_graph(data, rng):
    graphs = graphs_of(*data)
    denoised = jnp.asarray(rng.normal(size=(ITEMS, ENTITIES)), jnp.float32)
    kept = top_own_relations(denoised, graphs.rows, ENTITIES)
    rebuilt = rebuilt_graph(kept, n_items=ITEMS, n_entities=ENTITIES)
    params = encoder().init(jax.random.key(0), graphs.laplacian, graphs.knowledge)
    given = encoder().apply(params, graphs.laplacian, graphs.knowledge)
    found = encoder().apply(params, graphs.laplacian, rebuilt)
    np.testing.assert_allclose(found.items, given.items, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.users, given.users, rtol=1e-4, atol=1e-6)


def test_without_xi_the_laplacian_is_lightgcns(data):
    pairs, _, similarity = data
    ours = build_laplacian(
        pairs, similarity, n_users=USERS, n_items=ITEMS, config=GraphConfig(xi=0.0)
    )
    theirs = plain_laplacian(EvalData(pairs, USERS, ITEMS, None, None, None))
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


@pytest.mark.parametrize("scale", (1e-3, 1.0, 30.0, 1e4))
def test_bpr_is_its_formula_in_float64(rng, scale):
    positive, negative = scale * rng.normal(size=(2, 200))
    found = bpr(jnp.asarray(positive, jnp.float32), jnp.asarray(negative, jnp.float32))
    difference = positive.astype(np.float32).astype(float) - negative.astype(np.float32)
    np.testing.assert_allclose(found, np.logaddexp(0.0, -difference), rtol=1e-4, atol=1e-5)
