"""Products of bfloat16 inputs against the same sums over rounded numbers, and where they enter."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from kdiffe_jax.evaluation.item_ranks import item_ranks
from kdiffe_jax.evaluation.ranking import evaluate, rank_all, ranking_task
from kdiffe_jax.models.kdiffe.denoiser import Denoiser
from kdiffe_jax.models.kdiffe.hidden_reverse import hidden_denoiser, reverse_rows
from kdiffe_jax.models.lattice import nearest
from kdiffe_jax.ops.diffusion import linear_variance_schedule, reverse_process
from kdiffe_jax.ops.k_means import means_of_nearest
from kdiffe_jax.ops.precision import product

ROWS, ENTITIES, DIM = 24, 90, 8


def rounded(array):
    return np.asarray(array).astype(ml_dtypes.bfloat16).astype(np.float64)


@pytest.fixture
def tables(rng):
    return [jnp.asarray(rng.normal(size=s), jnp.float32) for s in ((7, 300), (300, 5), (7, 5))]


def test_inputs_are_rounded_and_sums_are_not(tables):
    left, right, upstream = tables
    found, pull = jax.vjp(lambda a, b: product(a, b, "bfloat16"), left, right)
    expected = (
        rounded(left) @ rounded(right),
        rounded(upstream) @ rounded(right).T,
        rounded(left).T @ rounded(upstream),
    )
    for value, wanted in zip((found, *pull(upstream)), expected, strict=True):
        assert value.dtype == jnp.float32
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-4)
    assert np.abs(found - np.asarray(left @ right)).max() > 1e-3


def test_float32_is_the_plain_product(tables):
    left, right, _ = tables
    np.testing.assert_array_equal(product(left, right, "float32"), left @ right)


def denoising(rng, precision):
    denoiser = Denoiser(
        ENTITIES, width=32, step_size=6, dropout=0.5, guided=True, precision=precision
    )
    rows = jnp.asarray(rng.normal(size=(ROWS, ENTITIES)), jnp.float32)
    guidance = jnp.asarray(rng.normal(size=(ROWS, DIM)), jnp.float32)
    params = denoiser.init(jax.random.key(1), rows, jnp.zeros(ROWS, jnp.int32), guidance)["params"]
    return denoiser, params, rows, guidance


def test_all_products_of_the_denoiser_take_bfloat16_and_nothing_else_does(rng):
    denoiser, params, rows, guidance = denoising(rng, "bfloat16")

    def loss(params):
        timesteps = jnp.zeros(ROWS, jnp.int32)
        return jnp.square(denoiser.apply({"params": params}, rows, timesteps, guidance)).mean()

    gradients = jax.grad(loss)(params)
    assert {leaf.dtype for leaf in jax.tree.leaves((params, gradients))} == {jnp.dtype("float32")}
    text = jax.jit(jax.grad(loss)).lower(params).as_text()
    products = [line for line in text.splitlines() if "stablehlo.dot_general" in line]
    assert len(products) >= 8  # four forward, the kernels' gradients, the hidden layer's
    assert all(line.count("bf16>") == 2 and "-> tensor" in line for line in products)
    assert not any("bf16" in line for line in text.splitlines() if "tanh" in line)


def test_the_reverse_process_rounds_as_the_denoiser_does(rng):
    schedule = linear_variance_schedule(10, noise_scale=0.1, noise_min=1e-4, noise_max=0.02)
    found = {}
    for precision in ("float32", "bfloat16"):
        denoiser, params, rows, guidance = denoising(np.random.default_rng(0), precision)
        literal = reverse_process(
            lambda x_t, t, d=denoiser, p=params, g=guidance: d.apply({"params": p}, x_t, t, g),
            schedule,
            rows,
        )
        hidden = hidden_denoiser(params, precision)
        found[precision] = reverse_rows(hidden, schedule, rows, guidance, precision)
        tolerance = 1e-4 if precision == "float32" else 5e-2
        np.testing.assert_allclose(found[precision], literal, rtol=tolerance, atol=tolerance)
    difference = np.abs(found["bfloat16"] - found["float32"])
    assert 1e-4 < difference.max() < 5e-2


def test_ranking_rounded_tables_scores_in_float32(rng):
    users, items = (jnp.asarray(rng.normal(size=(n, 64)), jnp.float32) for n in (30, 200))
    everyone = np.stack([np.arange(30), np.arange(30)], axis=1).astype(np.int32)
    task = ranking_task(everyone, everyone + [0, 30], n_users=30)
    small = users.astype(jnp.bfloat16), items.astype(jnp.bfloat16)
    ranked = np.asarray(rank_all(*small, task, k=20, block=8))
    scores = rounded(users) @ rounded(items).T
    scores[np.arange(30), np.arange(30)] = -np.inf
    best = -np.sort(-scores, axis=1)[:, :20]
    np.testing.assert_allclose(np.take_along_axis(scores, ranked, axis=1), best, rtol=1e-5)
    assert all(value.dtype == np.float64 for value in evaluate(*small, task, block=8).values())


def compared(name, rng):
    """A function whose products are compared or sorted, with what it takes."""
    users, items = (jnp.asarray(rng.normal(size=(n, DIM)), jnp.float32) for n in (6, 40))
    pairs = np.array([[0, 1], [3, 2]], np.int32)
    task = ranking_task(pairs, pairs + [0, 1], n_users=6)
    return {
        "ranks": (lambda u, i: item_ranks(u, i, task, block=3), users, items),
        "lists": (lambda u, i: rank_all(u, i, task, k=5, block=3), users, items),
        "nearest items": (lambda rows: nearest(rows, rows[:, 0], 4), items),
        "clusters": (lambda rows: means_of_nearest(rows, rows[:3], block=16), items),
    }[name]


@pytest.mark.parametrize("name", ["ranks", "lists", "nearest items", "clusters"])
def test_what_is_compared_is_rounded_on_no_device(name, rng):
    function, *arguments = compared(name, rng)
    text = jax.jit(function).trace(*arguments).lower(lowering_platforms=("cuda",)).as_text()
    products = [line for line in text.splitlines() if "stablehlo.dot_general" in line]
    assert products and all("precision = [HIGHEST, HIGHEST]" in line for line in products)
