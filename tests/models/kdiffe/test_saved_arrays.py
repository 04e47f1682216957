"""What a finished run leaves says what the model computes."""

import numpy as np
import pytest

from kdiffe_jax.models.kdiffe.saved_arrays import model_of
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, read_model
from kdiffe_jax.training.loop import train
from kdiffe_jax.training.result import finish, rescore
from tests.small_model import small_problem, untrained

VARIANTS = [
    {},
    {"layers": 3, "self_loops": True, "degree_from": "weighted", "rebuild_from": "all", "top_q": 2},
    {"layers": 0, "item_residual": 0.5},
    {"neighbour_weight": 0.5, "nearest_items": 3},
]


@pytest.fixture(params=VARIANTS, ids=["default", "looped", "flat", "near"])
def case(request, tmp_path_factory):
    setup = small_problem(tmp_path_factory.mktemp("cache"), **request.param)
    trained = untrained(setup)
    return setup, trained, model_of(setup, trained)


def dense_laplacian(setup):
    there, _, loops = setup.graphs.laplacian
    n_users, n_items = setup.dataset.n_users, setup.dataset.n_items
    dense = np.zeros((n_users + n_items, n_users + n_items))
    dense[there.rows, n_users + there.columns] = there.values
    dense += dense.T
    return dense if loops is None else dense + np.diag(loops)


def test_the_entries_are_those_of_the_laplacian(case):
    setup, _, model = case
    dense, n_users = dense_laplacian(setup), setup.dataset.n_users
    users, items = model.train.T
    np.testing.assert_array_equal(dense[users, n_users + items], model.laplacian.astype(float))
    np.testing.assert_array_equal(dense.diagonal()[:n_users], model.user_loops)
    looped = setup.parts.config.graph.self_loops
    counts = 1 + 0.7 * model.similarity if looped else np.ones(len(items))
    expected = np.bincount(items, counts, setup.dataset.n_items) + looped
    np.testing.assert_allclose(model.item_degrees, expected, rtol=1e-6)


def test_the_layers_add_up_to_the_final_embeddings(case):
    setup, _, model = case
    dense, n_users = dense_laplacian(setup), setup.dataset.n_users
    layer = np.concatenate([model.own_users, model.item_layers[0]]).astype(float)
    total = layer.copy()
    for number in range(setup.parts.config.model.layers):
        np.testing.assert_allclose(layer[n_users:], model.item_layers[number], atol=1e-5)
        layer = dense @ layer
        total += layer
    np.testing.assert_allclose(total, np.concatenate([model.users, model.items]), atol=1e-5)


def test_what_nearest_items_add_is_kept_from_before_it_is_added(tmp_path):
    changes = {"neighbour_weight": 0.5, "neighbour_smoothing": 0.25, "nearest_items": 3}
    setup = small_problem(tmp_path, **changes)
    model = model_of(setup, untrained(setup))
    there, _ = setup.graphs.neighbours
    near = np.zeros((setup.dataset.n_items,) * 2)
    near[there.rows, there.columns] = there.values
    first, last = model.passed_on.astype(float)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(first + 0.5 * near @ first, model.item_layers[0], atol=1e-5)
    np.testing.assert_allclose(last + 0.25 * near @ last, model.items, atol=1e-5)


def test_attention_sums_to_one_and_kept_relations_have_their_number(case):
    setup, _, model = case
    sums = np.bincount(model.triples[:, 0], model.attention, setup.dataset.n_items)
    np.testing.assert_allclose(sums, 1.0, atol=1e-5)
    counts = np.bincount(model.kept[:, 0], minlength=setup.dataset.n_items)
    diffusion = setup.parts.config.diffusion
    assert (counts == diffusion.top_q).all()
    if diffusion.rebuild_from == "own":
        own = set(map(tuple, model.triples.tolist()))
        assert set(map(tuple, model.kept.tolist())) <= own


def silent(_):
    return None


def test_a_finished_run_has_its_model_and_evaluation_writes_it_again(tmp_path):
    setup = small_problem(tmp_path / "cache")
    with RunDirectory(tmp_path / "run").claim({"seed": 0}) as run:
        trained = train(setup, run, on_epoch=silent, log=silent)
        finish(setup, trained, run)
        model = read_model(run.path)
        np.testing.assert_array_equal(model.users, trained.view.users)
        assert model.about["best_epoch"] == trained.best_epoch
        assert model.item_names[3] == "Tëa cup 3"
        before = (run.path / MODEL).read_bytes()
        (run.path / MODEL).unlink()
        rescore(setup, run, log=silent)
        again = read_model(run.path)
        assert len(before) == (run.path / MODEL).stat().st_size
        np.testing.assert_array_equal(again.kept, model.kept)
        np.testing.assert_array_equal(again.items, model.items)
