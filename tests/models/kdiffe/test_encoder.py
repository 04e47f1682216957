import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from kdiffe_jax.graph.build import build_graphs

from kdiffe_jax.models.base import scores
from kdiffe_jax.models.kdiffe.encoder import Encoder
from kdiffe_jax.models.kdiffe.options import GraphConfig
from kdiffe_jax.ops.sparse import sparse_pair

SIZES = dict(n_users=5, n_items=4, n_entities=3, n_relations=2)
PAIRS = np.array([[0, 0], [0, 1], [1, 1], [2, 2], [3, 2]], np.int32)
TRIPLES = np.array([[0, 0, 1], [1, 1, 2], [1, 1, 0]], np.int32)


@pytest.fixture
def graphs():
    similarity = np.linspace(0.1, 0.5, len(PAIRS)).astype(np.float32)
    triples = TRIPLES[np.lexsort(TRIPLES.T[::-1])]
    return build_graphs(PAIRS, triples, similarity, config=GraphConfig(), **SIZES)


def encoder_of(**changes):
    return Encoder(**SIZES, **(dict(dim=4, layers=2) | changes))


def view_of(encoder, graphs):
    params = encoder.init(jax.random.key(0), graphs.laplacian, graphs.knowledge)
    return params["params"], encoder.apply(params, graphs.laplacian, graphs.knowledge)


def dense(operator, n_columns):
    matrix = np.zeros((operator.row_starts.shape[0] - 1, n_columns))
    matrix[np.asarray(operator.rows), np.asarray(operator.columns)] = operator.values
    return matrix


def test_view_is_eq_6_summed_over_layers(graphs):
    params, view = view_of(encoder_of(), graphs)
    _, zero = view_of(encoder_of(layers=0), graphs)
    nodes = np.concatenate([zero.users, zero.items])
    laplacian = np.zeros((9, 9))
    laplacian[:5, 5:] = dense(graphs.laplacian.to_users, 4)
    laplacian += laplacian.T
    expected = nodes + laplacian @ nodes + laplacian @ laplacian @ nodes
    np.testing.assert_allclose(np.concatenate([view.users, view.items]), expected, rtol=1e-5)
    np.testing.assert_array_equal(zero.users, params["user_embedding"])
    np.testing.assert_allclose(np.linalg.norm(zero.items, axis=1), 1.0, rtol=1e-5)


def test_residual_adds_the_items_own_embedding(graphs):
    params, without = view_of(encoder_of(layers=0), graphs)
    _, found = view_of(encoder_of(layers=0, item_residual=0.5), graphs)
    np.testing.assert_allclose(
        found.items, without.items + 0.5 * params["item_embedding"], rtol=1e-6
    )


def test_user_without_interactions_keeps_the_own_embedding(graphs):
    params, view = view_of(encoder_of(), graphs)
    np.testing.assert_array_equal(view.users[4], params["user_embedding"][4])


def test_scores_are_inner_products(rng):
    users, items = (jnp.asarray(rng.normal(size=(3, 4)), jnp.float32) for _ in range(2))
    np.testing.assert_allclose(scores(users, items), np.diag(users @ items.T), rtol=1e-5)


def test_entities_that_are_items_share_their_embeddings(graphs):
    encoder = encoder_of(layers=0)
    params, own = view_of(encoder, graphs)
    shared = jnp.array([-1, 3, 0])
    view = encoder.apply({"params": params}, graphs.laplacian, graphs.knowledge, shared)
    replaced = dict(params)
    replaced["entity_embedding"] = jnp.stack(
        [params["entity_embedding"][0], params["item_embedding"][3], params["item_embedding"][0]]
    )
    expected = encoder.apply({"params": replaced}, graphs.laplacian, graphs.knowledge)
    np.testing.assert_allclose(view.items, expected.items, rtol=1e-6)
    assert not np.allclose(view.items, own.items)


def test_a_shared_embedding_receives_the_gradient_of_the_entity(graphs):
    encoder = encoder_of(layers=0)
    params, _ = view_of(encoder, graphs)
    shared = jnp.array([-1, 3, 0])

    def first_item(params):
        view = encoder.apply({"params": params}, graphs.laplacian, graphs.knowledge, shared)
        return view.items[0, 0]

    gradient = jax.grad(first_item)(params)
    assert np.abs(gradient["item_embedding"][3]).max() > 0
    np.testing.assert_array_equal(gradient["entity_embedding"][1], 0)


@pytest.mark.parametrize("layers", (0, 1, 2, 3))
@pytest.mark.parametrize("self_loops", (False, True))
def test_two_views_are_the_views_one_by_one(graphs, layers, self_loops):
    config = GraphConfig(self_loops=self_loops)
    graphs = build_graphs(PAIRS, TRIPLES, np.full(5, 0.3, np.float32), config=config, **SIZES)
    other = graphs.knowledge._replace(
        structure=graphs.knowledge.structure._replace(values=jnp.array([1.0, 0.0, 1.0]))
    )
    near = sparse_pair(sp.csr_array(np.eye(4, k=1, dtype=np.float32)))
    encoder = encoder_of(layers=layers, neighbour_weight=0.3, neighbour_smoothing=0.7)
    params = encoder.init(jax.random.key(1), graphs.laplacian, graphs.knowledge, None, near)
    upstream = jax.random.normal(jax.random.key(2), (9, 4))

    def loss(views):
        return sum(
            jnp.sum(jnp.concatenate(v) * upstream[:9] * (i + 1)) for i, v in enumerate(views)
        )

    def together(params):
        return loss(
            encoder.apply(
                params,
                graphs.laplacian,
                graphs.knowledge,
                other,
                None,
                near,
                method=Encoder.two_views,
            )
        )

    def apart(params):
        views = (
            encoder.apply(params, graphs.laplacian, g, None, near)
            for g in (graphs.knowledge, other)
        )
        return loss(views)

    found, expected = (jax.value_and_grad(f)(params) for f in (together, apart))
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_neighbours_enter_layer_0_and_the_final_items(graphs, rng):
    matrix = (rng.random((4, 4)) * (rng.random((4, 4)) < 0.6)).astype(np.float32)
    near = sparse_pair(sp.csr_array(matrix))
    params, plain = view_of(encoder_of(layers=0), graphs)
    apply = dict(variables={"params": params}, laplacian=graphs.laplacian, graph=graphs.knowledge)
    first = encoder_of(layers=0, neighbour_weight=0.5).apply(**apply, neighbours=near)
    expected = plain.items + 0.5 * matrix @ plain.items
    np.testing.assert_allclose(first.items, expected, rtol=1e-5, atol=1e-6)
    last = encoder_of(layers=2, neighbour_smoothing=0.5).apply(**apply, neighbours=near)
    _, before = view_of(encoder_of(layers=2), graphs)
    np.testing.assert_allclose(last.items, before.items + 0.5 * matrix @ before.items, rtol=1e-5)
    np.testing.assert_array_equal(last.users, before.users)
