import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from kdiffe_jax.ops import losses
from tests.reference import oracles

info_nce = jax.jit(losses.info_nce)


def f32(values):
    return jnp.asarray(values, jnp.float32)


def test_bpr_by_value():
    """-log sigmoid(2 - 1) = log(1 + e^-1) = 0.31326."""
    np.testing.assert_allclose(losses.bpr(f32([2.0]), f32([1.0])), [0.31326169], rtol=1e-6)


def test_bpr_gradient_is_minus_sigmoid_of_minus_the_difference():
    gradient = jax.grad(lambda p: losses.bpr(p, f32(1.0)))(f32(3.0))
    np.testing.assert_allclose(gradient, -1 / (1 + np.exp(2.0)), rtol=1e-6)


@pytest.mark.parametrize("scale", (1e-3, 1.0, 30.0, 1e4))
def test_bpr_is_its_formula_in_float64(rng, scale):
    positive, negative = scale * rng.normal(size=(2, 200))
    difference = positive.astype(np.float32).astype(float) - negative.astype(np.float32)
    found = losses.bpr(f32(positive), f32(negative))
    np.testing.assert_allclose(found, np.logaddexp(0.0, -difference), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("difference", [-1e8, -1e4, 0.0, 1e4, 1e8])
def test_bpr_is_finite_at_extremes(difference):
    value, gradient = jax.value_and_grad(lambda p: losses.bpr(p, f32(0.0)))(f32(difference))
    assert np.isfinite(value) and np.isfinite(gradient)
    np.testing.assert_allclose(value, max(0.0, -difference) + np.log(2) * (difference == 0))


def test_info_nce_by_value():
    """Cosines 1 and 0, tau = 1/2: -log e^2 / (e^2 + 1)."""
    found = info_nce(
        f32([[3.0, 0.0]]), f32([[0.5, 0.0], [0.0, 9.0]]), jnp.array([0]), temperature=0.5
    )
    np.testing.assert_allclose(found, [np.log1p(np.exp(-2.0))], rtol=1e-6)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 5.0])
def test_info_nce_equals_the_oracle(rng, temperature):
    anchors, candidates = rng.normal(size=(5, 8)), rng.normal(size=(11, 8))
    own = rng.integers(0, 11, 5)
    present = np.ones(11)
    present[[i for i in range(11) if i not in own][:3]] = 0
    for weights in (None, present):
        found = info_nce(
            f32(anchors),
            f32(candidates),
            jnp.asarray(own),
            temperature=temperature,
            candidate_weights=None if weights is None else f32(weights),
        )
        expected = oracles.info_nce(anchors, candidates, own, temperature, weights)
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


def test_info_nce_gradient(rng):
    candidates = f32(rng.normal(size=(6, 4)))
    check_grads(
        jax.jit(lambda a: losses.info_nce(a, candidates, jnp.arange(3), temperature=0.5)),
        (f32(rng.normal(size=(3, 4))),),
        order=1,
        modes=["rev"],
        atol=1e-2,
        rtol=1e-2,
    )


def test_info_nce_with_many_negatives_and_zero_rows_is_finite(rng):
    views = f32(rng.normal(size=(10_000, 8))).at[:3].set(0.0)
    value, gradient = jax.value_and_grad(
        lambda v: info_nce(v[:8], v, jnp.arange(8), temperature=0.05).sum()
    )(views)
    assert np.isfinite(value) and np.isfinite(gradient).all()


def test_info_nce_does_not_see_the_length_of_rows(rng):
    views = f32(rng.normal(size=(4, 3)))
    at = jnp.arange(4)
    np.testing.assert_allclose(
        info_nce(views, views * 7, at, temperature=0.5),
        info_nce(views * 3, views, at, temperature=0.5),
        rtol=1e-5,
    )


def test_info_nce_permutes_with_its_anchors(rng):
    views, order = f32(rng.normal(size=(5, 3))), np.array([3, 1, 4, 0, 2])
    found = info_nce(views, views, jnp.arange(5), temperature=0.5)
    permuted = info_nce(views[order], views, jnp.asarray(order), temperature=0.5)
    np.testing.assert_allclose(permuted, found[order], rtol=1e-6)


def test_batch_duplicates_count_once(rng):
    """In-batch InfoNCE with a repeated node equals InfoNCE over the distinct nodes."""
    main, other = f32(rng.normal(size=(4, 3))), f32(rng.normal(size=(4, 3)))
    nodes = jnp.array([2, 0, 2, 3])
    found = info_nce(
        main[nodes],
        other[nodes],
        jnp.arange(4),
        temperature=0.5,
        candidate_weights=losses.first_occurrence(nodes, size=4),
    )
    distinct = jnp.array([2, 0, 3])
    expected = info_nce(main[distinct], other[distinct], jnp.arange(3), temperature=0.5)
    np.testing.assert_allclose(found, expected[jnp.array([0, 1, 0, 2])], rtol=1e-5)


def test_elbo_by_value_and_gradient():
    x, prediction = f32([[1.0, 0.0, 1.0, 0.0]]), f32([[0.5, 0.0, 1.0, 1.0]])
    np.testing.assert_allclose(losses.elbo(x, prediction, f32([4.0])), [1.25])
    gradient = jax.grad(lambda p: losses.elbo(x, p, f32([4.0]))[0])(prediction)
    np.testing.assert_allclose(gradient, [[-1.0, 0.0, 0.0, 2.0]])


def test_losses_take_arrays_alone_and_vmap_equals_a_loop(rng):
    positive, negative = f32(rng.normal(size=(2, 6)))
    np.testing.assert_allclose(
        jax.vmap(losses.bpr)(positive, negative),
        [losses.bpr(p, n) for p, n in zip(positive, negative, strict=True)],
        rtol=1e-6,
    )


def test_squared_norm_over_a_tree():
    tree = {"a": jnp.ones((2, 3)), "b": {"c": f32([2.0])}}
    np.testing.assert_allclose(losses.squared_norm(tree), 10.0)


def test_sampled_softmax_is_its_formula_in_float64(rng):
    users, positives, negatives = (rng.normal(size=(n, 6)) for n in (5, 5, 9))
    own = np.exp((users * positives).sum(axis=1) / 0.7)
    others = np.exp(users @ negatives.T / 0.7).sum(axis=1)
    found = losses.sampled_softmax(f32(users), f32(positives), f32(negatives), temperature=0.7)
    np.testing.assert_allclose(found, -np.log(own / (own + others)), rtol=1e-4)


def test_sampled_softmax_gradient(rng):
    positives, negatives = f32(rng.normal(size=(3, 4))), f32(rng.normal(size=(5, 4)))
    check_grads(
        jax.jit(lambda u: losses.sampled_softmax(u, positives, negatives, temperature=0.5)),
        (f32(rng.normal(size=(3, 4))),),
        order=1,
        modes=["rev"],
        atol=2e-2,
        rtol=2e-2,
    )


@pytest.mark.parametrize("temperature", (0.01, 0.2, 10.0))
def test_sampled_softmax_is_finite_at_extremes(temperature):
    rows = f32([[1.0, 0.0], [0.0, 0.0], [1e8, 1e8]])
    found = losses.sampled_softmax(rows, -rows, rows, temperature=temperature)
    assert np.isfinite(found).all()
