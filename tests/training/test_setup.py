"""What a run may see: the training interactions, and nothing of the other splits."""

import dataclasses

import jax
import numpy as np
import pytest

from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.data.share import Share
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.models.kdiffe.similarity import attention_similarity
from kdiffe_jax.ops.sparse import transposed
from kdiffe_jax.parallel.mesh import build_mesh
from tests.small_model import small_problem


def test_training_draws_the_training_interactions(make_problem, planted):
    drawn = make_problem().sampler.epoch(0)
    real = drawn.weights > 0
    pairs = np.stack([drawn.users[real], drawn.positives[real]], axis=1)
    np.testing.assert_array_equal(pairs[np.lexsort(pairs.T[::-1])], planted.train)


def test_the_graphs_hold_the_training_interactions(make_problem, planted):
    graphs = make_problem().graphs
    for operator, order in ((graphs.laplacian.to_users, 1), (graphs.item_users, -1)):
        found = np.stack([operator.rows, operator.columns], axis=1)
        expected = planted.train[:, ::order]
        np.testing.assert_array_equal(found, expected[np.lexsort(expected.T[::-1])])


def test_the_similarity_is_of_the_training_interactions(make_problem, planted):
    setup = make_problem()
    expected = attention_similarity(
        planted.train,
        n_users=planted.n_users,
        n_items=planted.n_items,
        config=setup.parts.config.graph,
    )
    np.testing.assert_array_equal(setup.similarity, expected)


@pytest.mark.parametrize("mask_valid", [False, True])
def test_what_is_never_recommended(make_problem, planted, mask_valid):
    setup = make_problem(mask_valid=mask_valid)
    with_valid = sorted_unique(np.concatenate([planted.train, planted.valid]))
    hidden = {"valid": planted.train, "test": with_valid if mask_valid else planted.train}
    for split, expected in hidden.items():
        task = getattr(setup, split)
        found = {
            (int(user), int(item))
            for user, row in zip(task.users, np.asarray(task.seen), strict=True)
            for item in row[row < planted.n_items]
        }
        ranked = set(np.asarray(task.users).tolist())
        assert found == {(u, i) for u, i in expected.tolist() if u in ranked}


def test_more_relations_to_keep_than_there_are_entities(make_problem, planted):
    make_problem(rebuild_from="all", top_q=planted.n_entities)
    with pytest.raises(ConfigError, match=f"there are only {planted.n_entities} entities"):
        make_problem(rebuild_from="all", top_q=planted.n_entities + 1)


def entries(blocks):
    """Every stored entry of a matrix that lies by ranges of rows: its row, column and value."""
    first = np.arange(len(blocks.rows))[:, None] * (blocks.row_starts.shape[1] - 1)
    real = np.asarray(blocks.values) != 0
    rows, columns, values = blocks.rows + first, np.asarray(blocks.columns), blocks.values
    return np.asarray(rows)[real], columns[real], np.asarray(values)[real]


@pytest.mark.parametrize("degree_from", ("adjacency", "weighted"))
def test_on_a_mesh_the_graphs_are_the_same(tmp_path, degree_from):
    mesh = build_mesh("data:1", jax.devices()[:1])
    settings = dict(neighbour_weight=1.0, cold_items="neighbours", self_loops=True)
    one = small_problem(tmp_path, degree_from=degree_from, **settings).graphs
    many = small_problem(tmp_path, mesh=mesh, degree_from=degree_from, **settings).graphs
    means = one.item_users, transposed(one.item_users)
    matrices = [*one.laplacian[:2], *means, *one.neighbours]
    split = [*many.laplacian[:2], *many.item_users, *many.neighbours]
    for whole, blocks in zip(matrices, split, strict=True):
        rows, columns, values = entries(blocks)
        np.testing.assert_array_equal(rows, whole.rows)
        np.testing.assert_array_equal(columns, whole.columns)
        np.testing.assert_allclose(values, whole.values, rtol=1e-6)
    np.testing.assert_allclose(many.laplacian.loops, one.laplacian.loops, rtol=1e-6)
    rest = [g._replace(laplacian=None, item_users=None, neighbours=None) for g in (one, many)]
    jax.tree.map(np.testing.assert_array_equal, *rest)


def test_nothing_to_train_on(make_problem, planted):
    nothing = dataclasses.replace(planted, train=planted.train[:0], share=Share(0, 2))
    with pytest.raises(DataError, match="the train split is empty; nothing can be trained"):
        make_problem(dataset=nothing)
