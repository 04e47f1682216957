"""Whether a denoiser finds hidden triples again, measured where the answer is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.models.kdiffe.entity_rows import entity_rows, hidden_in
from kdiffe_jax.models.kdiffe.held_out_triples import (
    graph_without,
    paired_auc,
    partners_of,
)
from kdiffe_jax.models.kdiffe.presets import DENOISER
from kdiffe_jax.models.kdiffe.rebuild import dense_rows
from kdiffe_jax.ops.sparse import operator_from_entries
from tests.small_model import small_problem
from tests.small_setups import CACHE, small_setup, started

N_ITEMS, N_ENTITIES = 60, 30
SIZES = PlantedSizes(users=200, items=240, topics=4, interactions_per_user=20, noise_share=0.1)


@pytest.fixture
def triples(rng):
    """Triples of two relations; a few entities are in most items, a few in both relations."""
    tails = rng.zipf(1.5, 6000) % N_ENTITIES
    rows = np.stack([rng.integers(0, N_ITEMS, 6000), rng.integers(0, 2, 6000), tails], axis=1)
    return np.unique(rows[:900], axis=0).astype(np.int32)


@pytest.fixture
def hidden(triples, rng):
    places = rng.permutation(len(triples))[: len(triples) // 4]
    return places, partners_of(places, triples)


def values_of(scores, places, partners, triples):
    """f64[n, 1 + p]: what a table of scores [J, E] says of own entities and partners'."""
    items, _, entities = triples[places].T
    columns = np.concatenate([entities[:, None], entities[partners]], axis=1)
    return scores[items[:, None], columns]


def test_partners_have_one_relation_and_lack_each_others_entity(hidden, triples):
    places, partners = hidden
    known = {(item, entity) for item, _, entity in triples.tolist()}
    visible = {(item, entity) for item, _, entity in np.delete(triples, places, axis=0).tolist()}
    found = np.argwhere(partners >= 0)
    assert len(found) > 100
    for i, column in found:
        j = partners[i, column]
        assert partners[j, (column + 8) % 16] == i != j
        (item, relation, entity), (other, its, theirs) = triples[places[[i, j]]].tolist()
        assert relation == its and {(item, theirs), (other, entity)}.isdisjoint(known)
        assert {(item, entity), (other, theirs)}.isdisjoint(visible)
    assert all(len({*row[row >= 0]}) == (row >= 0).sum() for row in partners)


def test_frequency_alone_gives_one_half_and_the_truth_gives_one(hidden, triples):
    places, partners = hidden
    counts = np.bincount(triples[:, 2], minlength=N_ENTITIES).astype(float)
    frequency = np.broadcast_to(counts, (N_ITEMS, N_ENTITIES))
    assert paired_auc(values_of(frequency, *hidden, triples), partners) == (
        0.5, 0.0, np.count_nonzero((partners >= 0).any(axis=1)),
    )  # fmt: skip
    truth = np.zeros((N_ITEMS, N_ENTITIES))
    truth[triples[:, 0], triples[:, 2]] = 1.0
    assert paired_auc(values_of(truth, *hidden, triples), partners)[:2] == (1.0, 0.0)
    assert paired_auc(values_of(-truth, *hidden, triples), partners)[0] == 0.0
    assert paired_auc(values_of(0 * truth, *hidden, triples), partners)[0] == 0.5


def test_the_standard_error_is_that_of_many_draws(triples):
    """Of scores that are noise with a little truth in them."""
    drawn = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        places = rng.permutation(len(triples))[: len(triples) // 4]
        partners = partners_of(places, triples)
        scores = rng.normal(size=(N_ITEMS, N_ENTITIES))
        scores[triples[:, 0], triples[:, 2]] += 0.5
        drawn.append(paired_auc(values_of(scores, places, partners, triples), partners))
    auc, error, _ = np.array(drawn).T
    assert auc.mean() == pytest.approx(0.638, abs=0.01)
    assert np.sqrt((error**2).mean()) == pytest.approx(auc.std(), rel=0.25)


def test_hidden_triples_are_in_no_row(hidden, triples):
    places, _ = hidden
    sizes = dict(n_items=N_ITEMS, n_entities=N_ENTITIES)
    left = hidden_in(entity_rows(triples, **sizes), places, n_columns=N_ENTITIES)
    expected = entity_rows(np.delete(triples, places, axis=0), **sizes)
    items = jnp.arange(N_ITEMS)
    found, wanted = (dense_rows(rows, items, n_columns=N_ENTITIES) for rows in (left, expected))
    np.testing.assert_array_equal(found, wanted)


def test_hidden_triples_have_no_weight_in_the_graph():
    setup = small_setup()
    hidden = setup.dataset.triples[::7]
    left = graph_without(setup.inputs.knowledge, hidden)
    gone = np.zeros((setup.dataset.n_items, setup.dataset.n_entities), bool)
    gone[hidden[:, 0], hidden[:, 2]] = True
    structure = left.structure
    expected = np.where(gone[structure.rows, structure.columns], 0.0, 1.0)
    np.testing.assert_array_equal(structure.values, expected)
    assert 0 < expected.sum() < len(expected)


@pytest.fixture(scope="module")
def planted():
    """A model whose users have their tastes, as training gives them, in a few columns."""
    dataset = planted_dataset(SIZES)
    setup = small_problem(CACHE, dataset, **DENOISER, learning_rate=5e-3, dim=8, timesteps=4)
    state, carry = started(setup)
    items = np.zeros((dataset.n_items, 8))
    topics = np.array([int(n.split("topic ")[1][:-1]) for n in dataset.entity_names])
    np.add.at(items, (dataset.triples[:, 0], topics[dataset.triples[:, 2]]), 1.0)
    topic_of = items.argmax(axis=1)
    users = np.zeros((dataset.n_users, 8), np.float32)
    np.add.at(users, (dataset.train[:, 0], topic_of[dataset.train[:, 1]]), 1.0)
    encoder = state.params["encoder"] | {"user_embedding": jnp.asarray(users)}
    return setup, state.params | {"encoder": encoder}, carry


def found_by(planted, inputs=None, key=3):
    setup, params, carry = planted
    parts = (setup.traced(), jax.random.key(key), setup.dataset.triples)
    return setup.model.findings(params, inputs or setup.inputs, carry, *parts)["denoiser"]


def with_users_of_others(setup, rng):
    """Every item guided by the users of another one."""
    mean = setup.inputs.item_users
    rows = rng.permutation(setup.dataset.n_items)[mean.rows]
    order = np.lexsort((mean.columns, rows))
    entries = (mean.values[order], jnp.asarray(rows[order]), mean.columns[order])
    shape = (setup.dataset.n_items, setup.dataset.n_users)
    return setup.inputs._replace(item_users=operator_from_entries(*entries, shape=shape))


@pytest.mark.thorough
def test_users_with_tastes_tell_which_triples_were_hidden(planted):
    found = found_by(planted)
    assert 0.6 < found["held_out_auc"] < 1.0
    assert 0.0 < found["held_out_error"] < 0.05
    assert 50 <= found["held_out_triples"] <= len(planted[0].dataset.triples) // 10
    assert found_by(planted) == found != found_by(planted, key=4)


def test_users_of_other_items_do_not(planted, rng):
    found = found_by(planted, with_users_of_others(planted[0], rng))
    assert abs(found["held_out_auc"] - 0.5) < 3 * found["held_out_error"]


@pytest.mark.parametrize("changes", [{}, {"guidance": False}, {"denoiser_columns": 9}])
def test_nothing_is_said_where_it_cannot_be(changes):
    """Too few triples; no guidance; entities that share columns."""
    setup = small_setup(**changes)
    (state, carry), traced = started(setup), setup.traced()
    parts = (state.params, setup.inputs, carry, traced, state.key)
    assert setup.model.findings(*parts, setup.dataset.triples) == {}
