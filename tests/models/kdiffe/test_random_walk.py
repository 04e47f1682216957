import jax
import numpy as np
import pytest
import scipy.sparse as sp

from kdiffe_jax.models.kdiffe.random_walk import visited_sets
from kdiffe_jax.models.kdiffe.similarity import bipartite_adjacency

WALK = dict(walk_length=8, walks_per_node=3, restart_probability=0.2, include_start=True)


def visited(adjacency, seed=0, **changes):
    return visited_sets(jax.random.key(seed), adjacency, **(WALK | changes)).toarray()


@pytest.fixture
def graph(rng):
    pairs = np.unique(rng.integers(0, [30, 20], (90, 2)), axis=0)
    return bipartite_adjacency(pairs, n_users=30, n_items=20)


def test_visited_nodes_are_within_reach(graph):
    reach = np.eye(50, dtype=bool)
    for _ in range(2):
        reach |= (reach @ graph.toarray()) > 0
    assert not (visited(graph, walk_length=2) & ~reach).any()


def test_one_step_without_restart_visits_exactly_one_neighbour_a_walk(graph):
    sets = visited(
        graph, walk_length=1, walks_per_node=1, restart_probability=0.0, include_start=False
    )
    degree = np.diff(graph.indptr)
    assert (sets.sum(axis=1) == 1).all()
    assert not (sets & ~(graph.toarray() > 0))[degree > 0].any()


def test_many_walks_visit_every_neighbour(graph):
    sets = visited(graph, walks_per_node=200, walk_length=1, restart_probability=0.0)
    assert sets[graph.toarray() > 0].all()


def test_restart_always_never_leaves(graph):
    np.testing.assert_array_equal(visited(graph, restart_probability=1.0), np.eye(50, dtype=bool))


def test_start_is_counted_only_if_asked_or_walked_back_to(graph):
    without = visited(graph, walk_length=1, restart_probability=0.0, include_start=False)
    connected = np.diff(graph.indptr) > 0
    assert not without.diagonal()[connected].any()
    assert visited(graph, walk_length=1, restart_probability=0.0).diagonal().all()


def test_isolated_node_sees_itself():
    lonely = sp.csr_array(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], np.float32))
    np.testing.assert_array_equal(visited(lonely)[2], [False, False, True])


def test_empty_graph():
    empty = sp.csr_array((3, 3), dtype=np.float32)
    np.testing.assert_array_equal(visited(empty), np.eye(3, dtype=bool))
    assert not visited(empty, include_start=False).any()


@pytest.mark.parametrize("chunk_size", [1, 7, 50, 1000])
def test_chunk_size_changes_nothing(graph, chunk_size):
    np.testing.assert_array_equal(visited(graph, chunk_size=chunk_size), visited(graph))


@pytest.mark.parametrize("nodes", [range(0, 17), range(17, 50), range(49, 50), range(20, 20)])
@pytest.mark.parametrize("include_start", [True, False])
def test_a_range_of_nodes_has_the_rows_of_the_whole(graph, nodes, include_start):
    whole = visited(graph, include_start=include_start)
    for chunk_size in (7, 1000):
        settings = dict(include_start=include_start, chunk_size=chunk_size, nodes=nodes)
        np.testing.assert_array_equal(visited(graph, **settings), whole[nodes])
    empty = sp.csr_array((50, 50), dtype=bool)
    assert visited(empty, nodes=nodes).shape == (len(nodes), 50)


def test_same_key_same_sets_other_key_other_sets(graph):
    np.testing.assert_array_equal(visited(graph), visited(graph))
    assert (visited(graph) != visited(graph, seed=1)).any()


def test_neighbours_are_drawn_uniformly():
    """From the middles of 400 stars of five rays."""
    star = np.zeros((6, 6), np.float32)
    star[0, 1:] = star[1:, 0] = 1
    stars = sp.csr_array(sp.block_diag([star] * 400))
    walk = dict(walk_length=1, walks_per_node=1, restart_probability=0.0, include_start=False)
    seen = visited_sets(jax.random.key(0), stars, **walk)[::6]
    assert (np.diff(seen.indptr) == 1).all()
    assert abs(np.bincount(seen.indices % 6)[1:] - 80).max() < 35
