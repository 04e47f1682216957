from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.graph.knowledge import knowledge_graph
from kdiffe_jax.models.kdiffe.knowledge_layer import KnowledgeLayer
from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.ops.segment_softmax import segment_softmax
from tests.reference import oracles

N_ITEMS, N_ENTITIES, N_RELATIONS, DIM = 7, 9, 3, 4


@pytest.fixture
def case(rng):
    limits = [N_ITEMS - 1, N_RELATIONS, N_ENTITIES]
    triples = np.unique(rng.integers(0, limits, (20, 3)), axis=0)
    items, entities = (
        jnp.asarray(rng.normal(size=(n, DIM)), jnp.float32) for n in (N_ITEMS, N_ENTITIES)
    )
    graph = graph_of(triples)
    layer = KnowledgeLayer(N_RELATIONS, DIM)
    params = jax.jit(layer.init)(jax.random.key(0), items, entities, graph)
    return layer, params, items, entities, triples


def graph_of(triples, weights=None):
    weights = jnp.ones(len(triples)) if weights is None else weights
    return knowledge_graph(*jnp.asarray(triples.T), weights, n_items=N_ITEMS, n_entities=N_ENTITIES)


def literal(params, items, entities, triples):
    """Eq. 2 as printed, in JAX: the 2d-vector [z_e || z_j] of every triple."""
    p = params["params"]
    heads, relations, tails = triples.T
    weight = jnp.concatenate([p["entity_weight"], p["item_weight"]], axis=1)
    pairs = jnp.concatenate([entities[tails], items[heads]], axis=1)
    logits = jax.nn.leaky_relu(jnp.sum(p["relations"][relations] * (pairs @ weight.T), -1), 0.2)
    scaled = jnp.exp(logits)
    attention = scaled / jax.ops.segment_sum(scaled, heads, N_ITEMS)[heads]
    return unit_rows(
        items + jax.ops.segment_sum(attention[:, None] * entities[tails], heads, N_ITEMS)
    )


def test_equals_the_literal_equations(case):
    layer, params, items, entities, triples = case
    found = jax.jit(layer.apply)(params, items, entities, graph_of(triples))
    p = params["params"]
    expected = oracles.knowledge_layer(
        *(np.asarray(a, np.float64) for a in (items, entities)),
        triples,
        *(np.asarray(p[n], np.float64) for n in ("relations", "entity_weight", "item_weight")),
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_gradients_equal_the_literal_form(case, rng):
    layer, params, items, entities, triples = case
    upstream = jnp.asarray(rng.normal(size=items.shape), jnp.float32)
    graph = graph_of(triples)

    def of(function):
        total = jax.grad(lambda *a: jnp.sum(function(*a) * upstream), argnums=(0, 1, 2))
        return jax.jit(total)(params, items, entities)

    fast = of(lambda p, i, e: layer.apply(p, i, e, graph))
    slow = of(lambda p, i, e: literal(p, i, e, triples))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), fast, slow)


def test_attention_sums_to_one_for_each_item_with_triples(case):
    layer, params, items, entities, triples = case
    structure = layer.apply(params, items, entities, graph_of(triples), method="attention")
    sums = np.bincount(triples[:, 0], np.asarray(structure.values), N_ITEMS)
    covered = np.bincount(triples[:, 0], minlength=N_ITEMS) > 0
    np.testing.assert_allclose(sums, covered.astype(float), atol=1e-6)


def test_item_without_triples_keeps_its_direction(case):
    layer, params, items, entities, triples = case
    found = layer.apply(params, items, entities, graph_of(triples))
    np.testing.assert_allclose(found[-1], unit_rows(items)[-1], rtol=1e-6)


def test_padding_is_as_good_as_absent(case):
    layer, params, items, entities, triples = case
    keep = np.arange(len(triples)) % 3 != 0
    padded = layer.apply(params, items, entities, graph_of(triples, jnp.asarray(keep, jnp.float32)))
    absent = layer.apply(params, items, entities, graph_of(triples[keep]))
    np.testing.assert_allclose(padded, absent, rtol=1e-5, atol=1e-6)


def test_permuting_entities_changes_nothing(case, rng):
    layer, params, items, entities, triples = case
    order = rng.permutation(N_ENTITIES)
    renamed = triples.copy()
    renamed[:, 2] = np.argsort(order)[triples[:, 2]]
    renamed = renamed[np.lexsort(renamed.T[::-1])]
    np.testing.assert_allclose(
        layer.apply(params, items, entities[order], graph_of(renamed)),
        layer.apply(params, items, entities, graph_of(triples)),
        rtol=1e-4,
        atol=1e-6,
    )


def test_softmax_at_extremes():
    logits, segments = jnp.array([1e4, -1e4, 5.0, 5.0]), jnp.array([0, 0, 2, 2])

    @jax.jit
    @partial(jax.value_and_grad, has_aux=True)
    def first_of_all(logits):
        weights = jnp.array([1.0, 1.0, 0.0, 0.0])
        found = segment_softmax(logits, weights, segments, n_segments=3)
        return found[0], found

    (_, found), gradient = first_of_all(logits)
    np.testing.assert_allclose(found, [1, 0, 0, 0])
    assert np.isfinite(gradient).all()


def test_norm_of_a_zero_row_has_a_finite_gradient():
    gradient = jax.jit(jax.grad(lambda x: unit_rows(x).sum()))(jnp.zeros((2, 3)))
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(unit_rows(jnp.array([[3.0, 4.0]])), [[0.6, 0.8]], rtol=1e-6)
