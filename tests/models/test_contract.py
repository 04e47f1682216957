"""What every model keeps, whatever it is; parametrised over the registry."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.models.base import Batch
from kdiffe_jax.models.registry import MODELS, is_trained, options_of
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, write_model
from kdiffe_jax.training import many_seeds
from kdiffe_jax.training.epoch import traced_of
from kdiffe_jax.training.fit import fit
from kdiffe_jax.training.loop import compile_setup, fresh_start, load_best, one_epoch, train
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.step import weighted_sum
from tests.models.conftest import ITEMS, USERS, config_of
from tests.models.structure import in_order, renamed, shapes_in

PAGES = Path(__file__).parents[2] / "docs" / "models"
TRAINED = [name for name in MODELS if is_trained(name)]
EPOCHS = 6
SHARED_OPTIONS = (
    dict(ranking_loss="softmax", score="cosine", neighbour_weight=0.5, layer_pooling="sum"),
    dict(ranking_loss="softmax", score="root_length", cold_items="neighbours"),
    dict(neighbour_weight=1.0, cold_items="neighbours", layer_pooling="last"),
    dict(score="cosine", layer_pooling="mean"),
)


class Killed(BaseException):
    """Stands for a signal: nothing in the loop catches it."""


def silent(_):
    return None


@pytest.fixture(scope="module", params=TRAINED)
def setup(request, setup_of):
    return setup_of(request.param, epochs=EPOCHS)


@pytest.fixture(scope="module")
def compiled(setup):
    return compile_setup(setup)


@pytest.fixture(scope="module")
def in_training(setup, compiled):
    """A state after one epoch and what the next begins with."""
    return one_epoch(setup, compiled, fresh_start(setup, compiled), epoch=0)[0]


@pytest.fixture(scope="module")
def unbroken(setup, compiled, tmp_path_factory):
    """The directory of a whole run, and its result."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(many_seeds, "compile_setup", lambda setup: compiled)
        return whole_run(setup.dataset, setup.config, tmp_path_factory.mktemp("unbroken"))


def whole_run(dataset, config, path):
    resources = Resources(path / "cache", baselines=BaselineSettings("most_popular"))
    with RunDirectory(path / "run").claim(config.to_flat()) as run:
        return run, fit(dataset, config, run, resources)


def train_in(setup, compiled, path, on_epoch=silent):
    with RunDirectory(path).claim({}) as run:
        return train(setup, run, on_epoch=on_epoch, log=silent, compiled=compiled)


def batch_of(setup, number=0):
    return Batch(*(jnp.asarray(array[number]) for array in setup.sampler.epoch(0)))


def total_loss(setup, params, batch, carry):
    """The loss of one step over all objectives, and the mean of every term."""
    model, total, means = setup.model, 0.0, {}
    aux = model.open(setup.inputs, carry, jax.random.key(1))
    for objective in model.objectives:
        traced, key = traced_of(setup.config), jax.random.key(2)
        terms = model.losses(objective.name, params, batch, setup.inputs, aux, traced, key)
        total += weighted_sum(terms)
        means |= {name: weighted.term.mean for name, weighted in terms.items()}
    return total, means


@pytest.fixture(scope="module")
def gradient(setup, in_training):
    """(params, batch) -> ((loss, terms), gradients); compiled once a shape."""
    carry = in_training.carry

    @jax.jit
    def of(params, batch):
        return jax.value_and_grad(
            lambda params: total_loss(setup, params, batch, carry), has_aux=True
        )(params)

    return of


def assert_close(found, expected):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), found, expected)


def without_seconds(history):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history]


def assert_same_run(one, other):
    jax.tree.map(np.testing.assert_array_equal, one.params, other.params)
    assert without_seconds(one.history) == without_seconds(other.history)


def test_it_has_a_page(setup):
    assert (PAGES / f"{setup.config.model}.md").exists()


def assert_learnt(result):
    popular = result["baselines"]["most_popular"]["test"]["recall@20"]
    assert result["test"]["recall@20"] > popular + 0.15


def assert_recommends(run, result, board, elsewhere):
    """Lists have the recall of result.json, and are the same when the model is saved again."""
    recommender = Recommender.load(run.path)
    write_model(recommender.model, elsewhere / MODEL)
    lists, again = (
        one.recommend(k=20, exclude_seen="train") for one in (recommender, Recommender.load(elsewhere))
    )
    np.testing.assert_array_equal(lists.rows, again.rows)
    np.testing.assert_array_equal(lists.scores, again.scores)
    found = [item in lists.rows[user] for user, item in board.test]
    assert np.mean(found) == pytest.approx(result["test"]["recall@20"])


def assert_takes_a_new_user(run):
    """One who has even items is given even ones; or the refusal names the model."""
    recommender = Recommender.load(run.path)
    if not recommender.folds_in:
        with pytest.raises(ConfigError, match=f"^{recommender.model.config['model']} "):
            recommender.with_users({"new": ["0"]})
        return
    past = [str(item) for item in range(0, 12, 2)]
    best = recommender.with_users({"new": past}).recommend("new", 10)["new"]
    return np.mean([int(item) % 2 == 0 for item, _ in best])


def test_it_learns_the_checkerboard_and_recommends(unbroken, board, tmp_path):
    assert_learnt(unbroken[1])
    assert_recommends(*unbroken, board, tmp_path)
    print(assert_takes_a_new_user(unbroken[0]))


@pytest.mark.parametrize("name", [name for name in MODELS if not is_trained(name)])
def test_what_is_fitted_does_so_too(name, board, tmp_path):
    run, result = whole_run(board, config_of(name), tmp_path)
    if name != "most_popular":
        assert_learnt(result)
    assert_recommends(run, result, board, tmp_path)
    print(assert_takes_a_new_user(run))


def test_extremes_are_finite(setup, in_training, gradient):
    batch = batch_of(setup)
    cold = {"users": setup.model.sizes.n_users - 1, "positives": setup.model.sizes.n_items - 1}
    batches = {
        "usual": batch,
        "without weight": batch._replace(weights=0 * batch.weights, row_weights=0 * batch.row_weights),
        "nodes of degree 0": batch._replace(
            **{name: jnp.full_like(batch.users, node) for name, node in cold.items()},
            row_items=jnp.full_like(batch.row_items, cold["positives"]),
        ),
    }
    for scale in (0.0, 1.0, 1e3):
        params = jax.tree.map(lambda leaf, scale=scale: scale * leaf, in_training.state.params)
        for name, given in batches.items():
            for leaf in jax.tree.leaves(gradient(params, given)):
                assert np.isfinite(leaf).all(), (scale, name)


def test_padding_changes_nothing(setup, in_training, gradient):
    params, batch = in_training.state.params, batch_of(setup)
    half = len(batch.users) // 2
    of_rows = slice(len(batch.row_items) // 2, None)
    padded = batch._replace(
        weights=batch.weights.at[half:].set(0.0),
        row_weights=batch.row_weights.at[of_rows].set(0.0),
    )
    others = padded._replace(
        users=padded.users.at[half:].set(1),
        positives=padded.positives.at[half:].set(2),
        negatives=padded.negatives.at[half:].set(3),
        row_items=padded.row_items.at[of_rows].set(4),
    )
    assert_close(gradient(params, others), gradient(params, padded))
    names = ("users", "positives", "negatives", "weights")
    shorter = padded._replace(**{name: getattr(padded, name)[:half] for name in names})
    assert_close(gradient(params, shorter), gradient(params, padded))


def test_the_second_epoch_compiles_nothing(setup, compiled, count_compilations):
    carried, _ = one_epoch(setup, compiled, fresh_start(setup, compiled), epoch=0)
    with count_compilations() as seen:
        one_epoch(setup, compiled, carried, epoch=1)
    assert not seen


def test_killed_and_resumed_is_the_unbroken_run(setup, compiled, unbroken, tmp_path):
    def kill(record):
        if record["epoch"] == 1:
            raise Killed

    with pytest.raises(Killed):
        train_in(setup, compiled, tmp_path / "run", on_epoch=kill)
    continued = train_in(setup, compiled, tmp_path / "run")
    expected = load_best(setup, unbroken[0], log=silent, compiled=compiled)
    assert_same_run(continued, expected)


def test_seeds_together_are_runs_alone(setup, setup_of, compiled, tmp_path, monkeypatch):
    monkeypatch.setattr(many_seeds, "compile_setup", lambda setup: compiled)
    name = setup.config.model
    with RunDirectory(tmp_path / "both").claim({}) as run:
        both = setup_of(name, num_seeds=2)
        together = many_seeds.train_seeds(both, run, on_epoch=silent, log=silent)
    for seed, one in enumerate(together):
        alone = train_in(setup_of(name, seed=seed), compiled, tmp_path / str(seed))
        assert_same_run(one, alone)
    assert without_seconds(together[0].history) != without_seconds(together[1].history)


def test_names_do_not_matter(setup, setup_of, in_training, rng):
    """Other numbers of users, items and entities are the same view in another order."""
    orders = {size: rng.permutation(size) for size in setup.model.sizes[:3]}
    model, inputs = renamed(setup, setup_of, orders)
    view = setup.model.view(in_training.state.params, setup.inputs, in_training.carry)
    carry = model.refresh(in_training.state.params, inputs, jax.random.key(0))
    found = model.view(in_order(in_training.state.params, orders), inputs, carry)
    assert_close(found, in_order(view, orders))


def test_nothing_of_nodes_by_nodes_is_dense(setup_of, setup, board):
    """Of the loss, its gradient and the view, where content is sparse too."""
    name = setup.config.model
    sparse = setup_of(name, dataclasses.replace(board, features={}))
    start = fresh_start(sparse, compile_setup(sparse))
    params, batch, carry = start.state.params, batch_of(sparse), start.carry
    step = jax.make_jaxpr(jax.grad(lambda p: total_loss(sparse, p, batch, carry)[0]))(params)
    view = jax.make_jaxpr(lambda p: sparse.model.view(p, sparse.inputs, carry))(params)
    users, items, entities = sparse.model.sizes[:3]
    nodes = {users, items, entities, users + items, items + entities, users + items + entities}
    for shape in (*shapes_in(step), *shapes_in(view)):
        assert sum(size in nodes for size in shape) < 2, shape


def test_a_dense_product_would_be_noticed():
    rows = jnp.ones((USERS, 3)), jnp.ones((ITEMS, 3))
    product = jax.jit(lambda users, items: (users @ items.T).sum())
    assert (USERS, ITEMS) in shapes_in(jax.make_jaxpr(product)(*rows))


@pytest.mark.parametrize("changes", SHARED_OPTIONS, ids=lambda changes: "-".join(map(str, changes.values())))
def test_shared_options_train(setup, setup_of, changes):
    name = setup.config.model
    had = {option: value for option, value in changes.items() if option in options_of(name)}
    changed = setup_of(name, **had)
    compiled = compile_setup(changed)
    carried, losses = fresh_start(changed, compiled), []
    for epoch in range(3):
        carried, record = one_epoch(changed, compiled, carried, epoch=epoch)
        losses.append(record["loss"])
    assert losses[-1] < losses[0]
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(carried.state.params))


def test_absent_content_is_not_needed_or_refused_in_one_line(setup, setup_of, board):
    bare = dict(features={}, triples=board.triples[:0], relation_names=(), n_entities=0)
    without = dataclasses.replace(board, **bare)
    if not setup.model.needs.features:
        setup_of(setup.config.model, without)
        return
    with pytest.raises(DataError, match="has no features") as refused:
        setup_of(setup.config.model, without)
    assert "\n" not in str(refused.value)
