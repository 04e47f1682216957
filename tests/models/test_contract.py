"""What every model keeps, whatever it is; parametrised over the registry."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.models.registry import options_of
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, write_model
from kdiffe_jax.training import many_seeds
from kdiffe_jax.training.fit import fit
from kdiffe_jax.training.loop import compile_setup, fresh_start, load_best, one_epoch, train
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.selection import TIMES
from tests.apart import APART
from tests.models.conftest import EACH, FITTED, config_of
from tests.models.structure import batch_of, total_loss

PAGES = Path(__file__).parents[2] / "docs" / "models"
EPOCHS = 6
SHARED_OPTIONS = {
    "cosine": dict(
        score="cosine",
        layer_pooling="last",
        ranking_loss="softmax",
        neighbour_weight=0.5,
        cold_items="neighbours",
    ),
    "root_length": dict(score="root_length", layer_pooling="sum", cold_items="neighbours"),
}


class Killed(BaseException):
    """Stands for a signal: nothing in the loop catches it."""


def silent(_):
    return None


@pytest.fixture(scope="module", params=EACH)
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


def of_the_engine(setup):
    """What is not the model's own work is asked of some."""
    if setup.config.model not in APART:
        pytest.skip("the engine's work, which other models show")


def whole_run(dataset, config, path):
    resources = Resources(path / "cache", baselines=BaselineSettings("most_popular"))
    with RunDirectory(path / "run").claim(config.to_flat()) as run:
        return run, fit(dataset, config, run, resources)


def train_in(setup, compiled, path, on_epoch=silent):
    with RunDirectory(path).claim({}) as run:
        return train(setup, run, on_epoch=on_epoch, log=silent, compiled=compiled)


@pytest.fixture(scope="module")
def gradient(setup, in_training):
    """(params, batch) -> ((loss, terms), gradients); compiled once a shape."""

    def loss(params, batch):
        return total_loss(setup, params, batch, in_training.carry)

    return jax.jit(jax.value_and_grad(loss, has_aux=True))


def assert_close(found, expected):
    for one, other in zip(*map(jax.tree.leaves, (found, expected)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def without_seconds(history):
    return [{k: v for k, v in record.items() if k not in TIMES} for record in history]


def assert_same_run(one, other):
    jax.tree.map(np.testing.assert_array_equal, one.params, other.params)
    assert without_seconds(one.history) == without_seconds(other.history)


def test_it_has_a_page(setup):
    assert (PAGES / f"{setup.config.model}.md").exists()


def assert_learnt(result):
    popular = result["baselines"]["most_popular"]["test"]["recall@20"]
    assert result["test"]["recall@20"] > popular + 0.1


def assert_recommends(run, result, board, elsewhere):
    """Lists have the recall of result.json, and are the same when the model is saved again."""
    recommender = Recommender.load(run.path)
    write_model(recommender.model, elsewhere / MODEL)
    again = Recommender.load(elsewhere)
    lists, others = (r.recommend(k=20, exclude_seen="train") for r in (recommender, again))
    np.testing.assert_array_equal(lists.rows, others.rows)
    np.testing.assert_array_equal(lists.scores, others.scores)
    found = [item in lists.rows[user] for user, item in board.test]
    assert np.mean(found) == pytest.approx(result["test"]["recall@20"])


def assert_takes_a_new_user(run, *, even):
    """Whoever took even items is given even ones; or the refusal names the model."""
    recommender = Recommender.load(run.path)
    past = {"new": [str(item) for item in range(0, 12, 2)]}
    if not recommender.folds_in:
        with pytest.raises(ConfigError, match=f"^{recommender.model.config['model']} "):
            recommender.with_users(past)
        return
    best = recommender.with_users(past).recommend("new", 10)["new"]
    assert np.mean([int(item) % 2 == 0 for item, _ in best]) >= even


def test_it_learns_the_checkerboard_and_recommends(unbroken, board, tmp_path):
    assert_learnt(unbroken[1])
    assert_recommends(*unbroken, board, tmp_path)
    assert_takes_a_new_user(unbroken[0], even=0.8)


@pytest.mark.parametrize("name", FITTED)
def test_what_is_fitted_does_so_too(name, board, tmp_path):
    run, result = whole_run(board, config_of(name), tmp_path)
    learns = name != "most_popular"
    if learns:
        assert_learnt(result)
    assert_recommends(run, result, board, tmp_path)
    assert_takes_a_new_user(run, even=0.8 if learns else 0.0)


def test_extremes_are_finite(setup, in_training, gradient):
    usual = batch_of(setup)
    user, item = (size - 1 for size in setup.model.sizes[:2])  # of degree 0
    empty = usual._replace(weights=0 * usual.weights, row_weights=0 * usual.row_weights)
    cold = usual._replace(
        users=jnp.full_like(usual.users, user),
        positives=jnp.full_like(usual.positives, item),
        row_nodes=jnp.full_like(usual.row_nodes, item),
    )
    for scale in (0.0, 1.0, 1e6):
        params = jax.tree.map(lambda leaf, scale=scale: scale * leaf, in_training.state.params)
        for batch in (usual, empty, cold):
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient(params, batch)))


def test_padding_changes_nothing(setup, in_training, gradient):
    params, batch = in_training.state.params, batch_of(setup)
    half = len(batch.users) // 2
    of_rows = slice(len(batch.row_nodes) // 2, None)
    padded = batch._replace(
        weights=batch.weights.at[half:].set(0.0),
        row_weights=batch.row_weights.at[of_rows].set(0.0),
    )
    others = padded._replace(
        users=padded.users.at[half:].set(1),
        positives=padded.positives.at[half:].set(2),
        negatives=padded.negatives.at[half:].set(3),
        row_nodes=padded.row_nodes.at[of_rows].set(4),
    )
    assert_close(gradient(params, others), gradient(params, padded))
    names = ("users", "positives", "negatives", "weights")
    shorter = padded._replace(**{name: getattr(padded, name)[:half] for name in names})
    found = jax.jit(lambda params: total_loss(setup, params, shorter, in_training.carry))(params)
    assert_close(found, gradient(params, padded)[0])


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
    of_the_engine(setup)
    monkeypatch.setattr(many_seeds, "compile_setup", lambda setup: compiled)
    name = setup.config.model
    with RunDirectory(tmp_path / "both").claim({}) as run:
        both = setup_of(name, num_seeds=2)
        together = many_seeds.train_seeds(both, run, on_epoch=silent, log=silent)
    for seed, one in enumerate(together):
        alone = train_in(setup_of(name, seed=seed), compiled, tmp_path / str(seed))
        assert_same_run(one, alone)
    assert without_seconds(together[0].history) != without_seconds(together[1].history)


@pytest.mark.parametrize("changes", SHARED_OPTIONS.values(), ids=SHARED_OPTIONS)
def test_shared_options_train(setup, setup_of, changes):
    name = setup.config.model
    if changes != SHARED_OPTIONS["cosine"]:
        of_the_engine(setup)
    had = {option: value for option, value in changes.items() if option in options_of(name)}
    changed = setup_of(name, **had)
    compiled, losses = compile_setup(changed), []
    carried = fresh_start(changed, compiled)
    for epoch in range(3):
        carried, record = one_epoch(changed, compiled, carried, epoch=epoch)
        losses.append(record["loss"])
    assert losses[-1] < losses[0]
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(carried.state.params))


def test_absent_content_is_not_needed_or_refused_in_one_line(setup, setup_of, board):
    bare = dict(features={}, triples=board.triples[:0], relation_names=(), n_entities=0)
    without = dataclasses.replace(board, **bare)
    needs = setup.model.needs
    if not (needs.features or needs.any_triples):
        setup_of(setup.config.model, without)
        return
    with pytest.raises(DataError, match="has no (features|triples)") as refused:
        setup_of(setup.config.model, without)
    assert "\n" not in str(refused.value)
