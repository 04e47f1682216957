import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp

from kdiffe_jax.graph.knowledge import knowledge_graph
from kdiffe_jax.models.kdiffe.attention_laplacian import attention_laplacian
from kdiffe_jax.models.kdiffe.encoder import Encoder
from kdiffe_jax.models.kdiffe.entity_rows import entity_rows, places_of_items
from kdiffe_jax.models.kdiffe.rebuild import own_values, rebuilt_graph, top_of_values
from kdiffe_jax.ops.sparse import laplacian_blocks, sparse_pair
from tests.small_setups import assert_close

SIZES = dict(n_users=5, n_items=4, n_entities=3, n_relations=2)
NODES = dict(n_items=4, n_entities=3)
PAIRS = np.array([[0, 0], [0, 1], [1, 1], [2, 2], [3, 2]], np.int32)
TRIPLES = np.array([[0, 0, 1], [1, 1, 0], [1, 1, 2]], np.int32)


@pytest.fixture(scope="module")
def laplacian():
    similarity = np.linspace(0.1, 0.5, len(PAIRS)).astype(np.float32)
    sizes = dict(n_users=5, n_items=4)
    return laplacian_blocks(attention_laplacian(*PAIRS.T, similarity, **sizes, xi=0.7), n_users=5)


@pytest.fixture(scope="module")
def knowledge():
    return knowledge_graph(*TRIPLES.T, jnp.ones(len(TRIPLES)), **NODES)


@pytest.fixture(scope="module")
def graphs(laplacian, knowledge):
    return laplacian, knowledge


@pytest.fixture(scope="module")
def params(graphs):
    return jax.jit(encoder_of().init)(jax.random.key(0), *graphs)


def encoder_of(**changes):
    return Encoder(**SIZES, **(dict(dim=4, layers=2) | changes))


def view_of(params, *graphs, **changes):
    return jax.jit(encoder_of(**changes).apply)(params, *graphs)


def dense(block, n_columns):
    matrix = np.zeros((len(block.row_starts) - 1, n_columns))
    matrix[np.asarray(block.rows), np.asarray(block.columns)] = block.values
    return matrix


@pytest.mark.parametrize("pooling", ("sum", "mean", "last"))
def test_view_is_eq_6_pooled_over_layers(params, graphs, pooling):
    view = view_of(params, *graphs, pooling=pooling)
    zero = view_of(params, *graphs, layers=0)
    nodes = np.concatenate([zero.users, zero.items])
    matrix = np.zeros((9, 9))
    matrix[:5, 5:] = dense(graphs[0].to_users, 4)
    matrix += matrix.T
    layers = [nodes, matrix @ nodes, matrix @ matrix @ nodes]
    expected = {"sum": sum(layers), "mean": sum(layers) / 3, "last": layers[2]}[pooling]
    np.testing.assert_allclose(
        np.concatenate([view.users, view.items]), expected, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(zero.users, params["params"]["user_embedding"])
    np.testing.assert_allclose(np.linalg.norm(zero.items, axis=1), 1.0, rtol=1e-5)


def test_user_without_interactions_keeps_the_own_embedding(params, graphs):
    view = view_of(params, *graphs)
    np.testing.assert_array_equal(view.users[4], params["params"]["user_embedding"][4])


def test_entities_that_are_items_share_embedding_and_gradient(params, graphs):
    encoder, shared = encoder_of(layers=0), jnp.array([-1, 3, 0])

    def items(params, shared):
        return encoder.apply(params, *graphs, shared).items

    table = params["params"]
    entities = [table["entity_embedding"][0], *table["item_embedding"][jnp.array([3, 0])]]
    replaced = {"params": table | {"entity_embedding": jnp.stack(entities)}}
    found = items(params, shared)
    np.testing.assert_allclose(found, items(replaced, None), rtol=1e-6)
    assert not np.allclose(found, items(params, None))
    gradient = jax.jit(jax.grad(lambda params: items(params, shared)[0, 0]))(params)["params"]
    assert np.abs(gradient["item_embedding"][3]).max() > 0
    np.testing.assert_array_equal(gradient["entity_embedding"][1], 0)


@pytest.mark.parametrize(
    ("layers", "pooling"), [(0, "sum"), (1, "last"), (2, "last"), (2, "mean"), (3, "sum")]
)
def test_two_views_and_their_gradients_are_those_one_by_one(graphs, layers, pooling):
    laplacian, knowledge = graphs
    other = knowledge._replace(
        structure=knowledge.structure._replace(values=jnp.array([1.0, 0.0, 1.0]))
    )
    near = sparse_pair(sp.csr_array(np.eye(4, k=1, dtype=np.float32)))
    weights = dict(neighbour_weight=0.3, last_neighbour_weight=0.2)
    encoder = encoder_of(layers=layers, pooling=pooling, **weights)
    params = encoder.init(jax.random.key(1), laplacian, knowledge, None, near)
    upstream = jax.random.normal(jax.random.key(2), (9, 4))

    def loss(views):
        return sum(
            jnp.sum(jnp.concatenate(view) * upstream * (i + 1)) for i, view in enumerate(views)
        )

    def together(params):
        arguments = (laplacian, knowledge, other, None, near)
        return loss(encoder.apply(params, *arguments, method=Encoder.two_views))

    def apart(params):
        return loss(encoder.apply(params, laplacian, g, None, near) for g in (knowledge, other))

    both = jax.jit(lambda p: [jax.value_and_grad(f)(p) for f in (together, apart)])
    assert_close(*both(params), rtol=1e-4, atol=1e-5)


def test_neighbours_enter_layer_0(params, graphs, rng):
    matrix = (rng.random((4, 4)) * (rng.random((4, 4)) < 0.6)).astype(np.float32)
    near = sparse_pair(sp.csr_array(matrix))
    plain = view_of(params, *graphs, layers=0).items
    found = view_of(params, *graphs, None, near, layers=0, neighbour_weight=0.5).items
    np.testing.assert_allclose(found, plain + 0.5 * matrix @ plain, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pooling", ("sum", "mean", "last"))
def test_neighbours_stand_beside_the_layers_with_a_length_of_1(params, graphs, rng, pooling):
    """Whatever pools the layers; users receive nothing of them; without weight there are none."""
    matrix = rng.random((4, 4)).astype(np.float32)
    near = sparse_pair(sp.csr_array(matrix))
    plain = view_of(params, *graphs, layers=0).items
    content = dict(pooling=pooling, neighbour_weight=0.5)
    without = view_of(params, *graphs, None, near, **content)
    found = view_of(params, *graphs, None, near, **content, last_neighbour_weight=0.3)
    rows = matrix @ plain
    beside = 0.3 * rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(found.items, without.items + beside, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.users, without.users)
    none = view_of(params, *graphs, pooling=pooling, last_neighbour_weight=0.3)
    assert_close(none, view_of(params, *graphs, pooling=pooling))


def test_a_rebuilt_graph_of_every_relation_is_the_given_one(params, graphs, rng):
    rows, denoised = entity_rows(TRIPLES, **NODES), rng.normal(size=(4, 3)).astype(np.float32)
    places = places_of_items(rows, jnp.arange(4))
    kept = top_of_values(own_values(denoised, rows, places), rows, places, 3)
    rebuilt = rebuilt_graph(kept, **NODES)
    found, given = (view_of(params, graphs[0], graph) for graph in (rebuilt, graphs[1]))
    assert_close(found, given, rtol=1e-4, atol=1e-6)
