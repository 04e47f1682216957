"""Users by the singular vectors of their interactions, and a denoiser that begins with them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.models.arrays import Degrees
from kdiffe_jax.models.kdiffe.guidance import of_unit_scale
from kdiffe_jax.models.kdiffe.planted_truth import within_item_auc
from kdiffe_jax.models.kdiffe.presets import DENOISER, WEIGHTED
from kdiffe_jax.models.kdiffe.spectral_users import orthonormal, spectral_users
from kdiffe_jax.ops.sparse import operator_from_entries
from tests.small_setups import small_problem, started

SIZES = PlantedSizes(users=300, items=150, interactions_per_user=8, topics=4)


@pytest.fixture(scope="module")
def dataset():
    return planted_dataset(SIZES)


@pytest.fixture(scope="module")
def guided(tmp_path_factory, dataset):
    options = DENOISER | WEIGHTED | {"guidance_rank": 6, "denoiser_head_start": 150}
    return small_problem(tmp_path_factory.mktemp("cache"), dataset, **options)


def dense(dataset):
    matrix = np.zeros((dataset.n_users, dataset.n_items))
    matrix[tuple(dataset.train.T)] = 1.0
    users, items = (matrix.sum(axis) + matrix.sum(axis).mean() for axis in (1, 0))
    return matrix / np.sqrt(users)[:, None] / np.sqrt(items)[None]


def test_they_span_the_leading_left_singular_vectors_at_length_one(dataset, guided):
    inputs = guided.inputs
    found = np.asarray(spectral_users(inputs.item_users, inputs.degrees, rank=4))
    vectors = np.linalg.svd(dense(dataset))[0][:, :4]
    expected = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, rtol=1e-4)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=0.05)


def test_similarities_of_the_laplacian_have_no_part_in_them(tmp_path, dataset, guided):
    plain = small_problem(tmp_path, dataset, **DENOISER, guidance_rank=6, xi=0.0)
    first, second = (
        s.model.with_guidance(s.inputs, s.model.first_carry(s.inputs)).guidance
        for s in (guided, plain)
    )
    np.testing.assert_allclose(first @ first.T, second @ second.T, atol=1e-3)


def test_users_without_interactions_have_zeros_and_too_many_columns_no_nan(dataset, guided):
    inputs = guided.inputs
    alone = inputs.item_users._replace(values=jnp.zeros_like(inputs.item_users.values))
    assert not np.asarray(spectral_users(alone, inputs.degrees, rank=3)).any()
    many = spectral_users(inputs.item_users, inputs.degrees, rank=dataset.n_items + 30)
    assert np.isfinite(many).all()


def test_pairs_apart_from_all_others_do_not_take_the_leading_vectors(rng):
    """Users 0 to 59 have items 0 to 39, three each; six more have an item of their own."""
    pairs = [(u, i) for u in range(60) for i in rng.choice(40, 3, replace=False)]
    users, items = np.array(sorted([*pairs, *((60 + n, 40 + n) for n in range(6))])).T
    degrees = Degrees(*(jnp.asarray(np.bincount(ids), jnp.float32) for ids in (users, items)))
    order = np.lexsort((users, items))
    rows, columns = items[order], users[order]
    entries = (1 / np.bincount(items)[rows], rows, columns)
    mean = operator_from_entries(*map(jnp.asarray, entries), shape=(46, 66))
    found = np.asarray(spectral_users(mean, degrees, rank=2))[:60]
    assert np.std(found, axis=0).max() > 0.2


def test_a_basis_is_orthonormal(rng):
    found = np.asarray(orthonormal(jnp.asarray(rng.normal(size=(40, 5)), jnp.float32)))
    np.testing.assert_allclose(found.T @ found, np.eye(5), atol=1e-5)


def test_the_guidance_is_made_once_and_carried_on(guided):
    state, carry = started(guided)
    assert np.asarray(carry.guidance).any()
    other = carry._replace(guidance=carry.guidance + 1.0)
    again = guided.model.refresh(state.params, guided.inputs, other, state.key)
    np.testing.assert_array_equal(again.guidance, other.guidance)
    scale = of_unit_scale(carry.guidance)
    np.testing.assert_allclose(carry.guidance, scale, atol=1e-5)


def test_a_denoiser_with_a_head_start_finds_relevant_triples_before_the_first_epoch(
    guided, tmp_path
):
    dataset = guided.dataset
    late = small_problem(tmp_path, dataset, **DENOISER, guidance_rank=6)
    truth = dataset.triples, dataset.relevant
    early, none = (within_item_auc(np.asarray(started(s)[1].own), *truth) for s in (guided, late))
    assert early > 0.7 > 0.6 > none


def test_without_it_parameters_are_those_of_before(guided, tmp_path):
    plain = small_problem(tmp_path, guided.dataset, **DENOISER)
    seeds = (s.model.init(jax.random.key(3), s.inputs) for s in (guided, plain))
    first, second = (params["encoder"] for params in seeds)
    jax.tree.map(np.testing.assert_array_equal, first, second)
    assert started(plain)[1].guidance is None
