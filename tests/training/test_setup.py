"""What a run may see: the training interactions, and nothing of the other splits."""

import dataclasses

import jax
import numpy as np
import pytest

from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.data.share import Share
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.models.kdiffe.options import WalkOptions
from kdiffe_jax.models.kdiffe.similarity import attention_similarity
from kdiffe_jax.models.registry import MODELS, is_trained, make_config, model_class
from kdiffe_jax.ops.ragged import padded
from kdiffe_jax.ops.sparse import operator_from_entries
from kdiffe_jax.ops.sparse_types import SparsePair
from kdiffe_jax.parallel.mesh import build_mesh
from kdiffe_jax.training.placement_on_mesh import OnMesh
from kdiffe_jax.training.setup import content_of
from tests.small_model import small_problem
from tests.small_setups import CACHE, assert_equal, planted, small_setup

TRAINED = [name for name in MODELS if is_trained(name)]


def test_training_draws_the_training_interactions():
    drawn = small_setup().sampler.epoch(0)
    real = drawn.weights > 0
    pairs = np.stack([drawn.users[real], drawn.positives[real]], axis=1)
    np.testing.assert_array_equal(pairs[np.lexsort(pairs.T[::-1])], planted().train)


def test_the_graphs_hold_the_training_interactions():
    inputs = small_setup().inputs
    for operator, order in ((inputs.laplacian.to_users, 1), (inputs.item_users, -1)):
        found = np.stack([operator.rows, operator.columns], axis=1)
        expected = planted().train[:, ::order]
        np.testing.assert_array_equal(found, expected[np.lexsort(expected.T[::-1])])


def test_the_similarity_is_of_the_training_interactions():
    setup, dataset = small_setup(), planted()
    sizes = dict(n_users=dataset.n_users, n_items=dataset.n_items)
    walks = WalkOptions(walk_length=5, walks_per_node=2)
    expected = attention_similarity(dataset.train, **sizes, options=walks)
    np.testing.assert_array_equal(setup.edges.similarity, expected)


def test_the_learning_rate_grows_with_the_root_of_the_batch():
    rates = {
        steps: small_setup("lightgcn", batch_size=10, pass_steps=steps, learning_rate=0.01)
        for steps in (0, 1000, 4)
    }
    n = len(planted().train)
    of_step = {0: 10, 1000: 10, 4: -(-n // 4)}
    for steps, setup in rates.items():
        assert setup.sampler.interactions_of_step == of_step[steps]
        expected = 0.01 * (of_step[steps] / 10) ** 0.5
        assert float(setup.traced()["learning_rate"]) == pytest.approx(expected)


def test_what_a_model_does_not_need_is_not_made():
    lightgcn, bm3 = (small_setup(name).inputs for name in ("lightgcn", "bm3"))
    assert lightgcn.item_users is None and lightgcn.knowledge is None and not lightgcn.features
    assert lightgcn.neighbours is None and lightgcn.cold_item_proxies is None
    assert bm3.knowledge is None and all(
        isinstance(rows, SparsePair) for rows in bm3.features.values()
    )


@pytest.mark.parametrize(("model", "told"), [("lightgcn", 1), ("kdiffe", 0)])
def test_options_of_a_graph_that_a_model_has_not_are_told(model, told):
    config = make_config({"model": model, "codes_per_item": 2})
    said = []
    content_of(planted(), config, said.append)
    assert sum("codes_per_item = 2 changes nothing" in line for line in said) == told


def test_some_users_are_ranked_for_the_same_whatever_the_model():
    some = [
        small_setup(model, eval_users=20, **options)
        for model, options in (("lightgcn", {"seed": 3}), ("kdiffe", {}))
    ]
    whole = small_setup("lightgcn")
    for split in ("valid", "test"):
        (one, other), every = [getattr(s, split).users for s in some], getattr(whole, split).users
        np.testing.assert_array_equal(one, other)
        assert 5 < len(one) < 35 and set(one.tolist()) < set(every.tolist())
        task, all_of = getattr(some[0], split), getattr(whole, split)
        rows = np.isin(all_of.users, one)
        np.testing.assert_array_equal(np.sort(task.relevant), np.sort(all_of.relevant[rows]))


def seen_of(task):
    """What each user of a task has seen, -1 behind it."""
    return np.asarray(padded(task.seen, np.arange(len(task.users)), -1))


@pytest.mark.parametrize("mask_valid", [False, True])
def test_what_is_never_recommended(mask_valid):
    setup, dataset = small_setup("lightgcn", mask_valid=mask_valid), planted()
    with_valid = sorted_unique(np.concatenate([dataset.train, dataset.valid]))
    hidden = {"valid": dataset.train, "test": with_valid if mask_valid else dataset.train}
    for split, expected in hidden.items():
        task = getattr(setup, split)
        found = {
            (int(user), int(item))
            for user, row in zip(task.users, seen_of(task), strict=True)
            for item in row[row >= 0]
        }
        ranked = set(np.asarray(task.users).tolist())
        assert found == {(u, i) for u, i in expected.tolist() if u in ranked}


def entries(blocks):
    """Every stored entry of a matrix that lies by ranges of rows: its row, column and value."""
    first = np.arange(len(blocks.rows))[:, None] * (blocks.row_starts.shape[1] - 1)
    real = np.asarray(blocks.values) != 0
    rows, columns, values = blocks.rows + first, np.asarray(blocks.columns), blocks.values
    return np.asarray(rows)[real], columns[real], np.asarray(values)[real]


def transpose_of(matrix):
    order = np.asarray(matrix.to_transpose)
    values, rows, columns = (np.asarray(part)[order] for part in matrix[:1] + matrix[3:1:-1])
    shape = len(matrix.column_starts) - 1, len(matrix.row_starts) - 1
    return operator_from_entries(values, columns, rows, shape=shape)


def matrices(inputs):
    """Each sparse matrix in both directions, and all else."""
    means = inputs.item_users
    if means is not None and not isinstance(means, SparsePair):
        means = SparsePair(means, transpose_of(means))
    rest = inputs._replace(laplacian=None, item_users=None)
    leaves = jax.tree.leaves(rest, is_leaf=lambda leaf: isinstance(leaf, SparsePair))
    pairs = [leaf for leaf in leaves if isinstance(leaf, SparsePair)]
    others = [leaf for leaf in leaves if not isinstance(leaf, SparsePair)]
    return [*inputs.laplacian, *(means or ()), *(m for pair in pairs for m in pair)], others


@pytest.mark.parametrize("name", [n for n in TRAINED if not model_class(n).one_device])
def test_on_a_mesh_the_inputs_are_the_same(name):
    changes = dict(model=name, neighbour_weight=1.0, cold_items="neighbours")
    if name == "kdiffe":
        changes["degree_from"] = "weighted"
    placement = OnMesh(build_mesh("data:1", jax.devices()[:1]))
    one = small_setup(**changes).inputs
    many = small_problem(CACHE, planted(), placement=placement, **changes).inputs
    (whole, rest), (blocks, rest_on_mesh) = matrices(one), matrices(many)
    for matrix, block in zip(whole, blocks, strict=True):
        rows, columns, values = entries(block)
        np.testing.assert_array_equal(rows, matrix.rows)
        np.testing.assert_array_equal(columns, matrix.columns)
        np.testing.assert_allclose(values, matrix.values, rtol=1e-6)
    assert_equal(rest, rest_on_mesh)


@pytest.mark.parametrize("name", [name for name in TRAINED if model_class(name).one_device])
def test_a_model_of_one_device_is_refused_on_a_mesh_in_one_line(name):
    placement = OnMesh(build_mesh("data:1", jax.devices()[:1]))
    with pytest.raises(ConfigError, match=f"^{name} runs on one device, without --mesh") as refused:
        small_problem(CACHE, planted(), placement=placement, model=name)
    assert "\n" not in str(refused.value)


def test_a_seed_of_several_is_the_setup_of_a_single_run():
    many, single = small_setup("lightgcn", seed=3, num_seeds=2), small_setup("lightgcn", seed=4)
    of_seed = many.of_seed(4)
    assert of_seed.config == single.config
    assert_equal(of_seed.sampler.epoch(0), single.sampler.epoch(0))


def test_an_empty_split_is_refused():
    for split, what in {"train": "trained", "valid": "scored"}.items():
        share = Share(0, 2) if split == "train" else planted().share
        nothing = dataclasses.replace(
            planted(), **{split: getattr(planted(), split)[:0]}, share=share
        )
        with pytest.raises(
            DataError, match=f"the {split} split is empty; nothing can be {what}: divide"
        ):
            small_problem(CACHE, nothing, model="lightgcn")


def test_a_test_split_that_is_left_alone_may_be_empty():
    nothing = dataclasses.replace(planted(), test=planted().test[:0])
    with pytest.raises(DataError, match="the test split is empty; .* with --score_test=false"):
        small_problem(CACHE, nothing, model="lightgcn")
    setup = small_problem(CACHE, nothing, model="lightgcn", score_test=False)
    assert not len(setup.test.users) and len(setup.valid.users)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dict(selection="test", score_test=False), "score_test = False forbids it"),
        (dict(num_seeds=2, score_test=False), "use score_test = True"),
    ],
)
def test_contradictions_are_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        small_setup("lightgcn", **changes)
