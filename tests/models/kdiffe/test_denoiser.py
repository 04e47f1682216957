import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.models.kdiffe.denoiser import Denoiser
from kdiffe_jax.ops.diffusion import step_embedding

WIDTHS = dict(n_columns=6, width=8, step_size=4, dropout=0.5)


@pytest.fixture
def inputs(rng):
    x_t, guidance = (jnp.asarray(rng.normal(size=(3, n)), jnp.float32) for n in (6, 5))
    return x_t, jnp.array([0, 4, 9]), guidance


def build(guided, inputs):
    denoiser = Denoiser(**WIDTHS, guided=guided)
    return denoiser, jax.jit(denoiser.init)(jax.random.key(0), *inputs)


def test_prediction_depends_on_row_step_and_guidance(inputs):
    denoiser, params = build(True, inputs)
    x_t, t, guidance = inputs
    apply = jax.jit(denoiser.apply)
    base = apply(params, x_t, t, guidance)
    assert base.shape == x_t.shape
    for changed in ((x_t + 1, t, guidance), (x_t, t + 1, guidance), (x_t, t, guidance + 1)):
        assert np.abs(apply(params, *changed) - base).max() > 1e-3


def test_without_guidance_the_users_do_not_enter(inputs):
    denoiser, params = build(False, inputs)
    x_t, t, guidance = inputs
    assert "from_guidance" not in params["params"]
    np.testing.assert_array_equal(
        denoiser.apply(params, x_t, t, guidance), denoiser.apply(params, x_t, t, guidance + 1)
    )


def test_dropout_only_while_training(inputs):
    denoiser, params = build(True, inputs)
    drop = [
        denoiser.apply(params, *inputs, train=True, rngs={"dropout": jax.random.key(seed)})
        for seed in (0, 1)
    ]
    assert np.abs(drop[0] - drop[1]).max() > 0
    np.testing.assert_array_equal(denoiser.apply(params, *inputs), denoiser.apply(params, *inputs))


def test_equals_the_mlp_over_the_concatenated_inputs(inputs):
    denoiser, params = build(True, inputs)
    p = jax.tree.map(np.asarray, params["params"])
    joined = np.concatenate([inputs[0], step_embedding(inputs[1], 4), inputs[2]], axis=1)
    weight = np.concatenate([p[n]["kernel"] for n in ("from_row", "from_step", "from_guidance")])
    hidden = np.tanh(joined @ weight + p["from_row"]["bias"])
    expected = hidden @ p["to_row"]["kernel"] + p["to_row"]["bias"]
    np.testing.assert_allclose(denoiser.apply(params, *inputs), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [2, 5, 16])
def test_step_embedding_is_distinct_and_bounded(size):
    found = np.asarray(step_embedding(jnp.arange(10), size))
    assert found.shape == (10, size) and np.abs(found).max() <= 1
    assert len(np.unique(found.round(6), axis=0)) == 10
