import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.models.kdiffe.options import KDiffEOptions
from kdiffe_jax.ops import diffusion

PAPER = dict(noise_scale=0.1, noise_min=1e-4, noise_max=0.02)
NOISY = dict(noise_scale=1.0, noise_min=0.05, noise_max=0.9)


def schedule_of(timesteps=10, **ends):
    return diffusion.linear_variance_schedule(timesteps, **(ends or PAPER))


def test_released_constants():
    """1 - alpha_bar_T = 0.0021 and the ELBO weights 1, 6886, 1270, 534 of the released settings."""
    schedule = schedule_of()
    np.testing.assert_allclose(1 - schedule.alpha_bar[-1], 0.0021, atol=5e-5)
    weights = diffusion.elbo_weights(schedule)
    np.testing.assert_allclose(weights[:4], [1, 6886, 1270, 534], rtol=2e-3)


@pytest.mark.parametrize("timesteps", [2, 10, 50])
def test_elbo_weights_are_near_those_of_float64_down_to_the_least_noise(timesteps):
    least = KDiffEOptions.all_options()["noise_scale"].metadata["low"]
    for scale in (least, 0.1, 1.0):
        ends = PAPER | {"noise_scale": scale}
        exact = diffusion.linear_variances(timesteps, **ends).alpha_bar
        ratio = exact / (1 - exact)
        found = diffusion.elbo_weights(schedule_of(timesteps, **ends))
        tolerance = 1e-7 * timesteps / (1 - exact[-1]) + 3e-4
        assert tolerance < 0.02
        np.testing.assert_allclose(found[1:], ratio[:-1] - ratio[1:], rtol=tolerance)


@pytest.mark.parametrize("timesteps", [1, 2, 10, 200])
@pytest.mark.parametrize("ends", [PAPER, NOISY])
def test_schedule_is_monotone_and_inside_0_1(timesteps, ends):
    schedule = schedule_of(timesteps, **ends)
    betas, alpha_bar = np.asarray(schedule.betas), np.asarray(schedule.alpha_bar)
    assert ((betas > 0) & (betas < 1)).all()
    assert (np.diff(alpha_bar) < 0).all() and (alpha_bar > 0).all()
    np.testing.assert_allclose(np.cumprod(1 - betas.astype(np.float64)), alpha_bar, rtol=1e-5)
    assert (np.asarray(diffusion.elbo_weights(schedule)) > 0).all()


@pytest.mark.parametrize(
    "bad", [dict(timesteps=0), dict(noise_max=11.0), dict(noise_min=0.0), dict(noise_min=0.03)]
)
def test_impossible_schedules_are_refused(bad):
    with pytest.raises(ValueError, match="needs T >= 1"):
        diffusion.linear_variance_schedule(**({"timesteps": 10} | PAPER | bad))


def test_q_sample_has_the_mean_and_variance_of_eq_8():
    schedule = schedule_of(**NOISY)
    x_start = jnp.ones((200_000, 1))
    t = jnp.full(len(x_start), 6)
    noise = jax.random.normal(jax.random.key(0), x_start.shape)
    x_t = np.asarray(diffusion.q_sample(schedule, x_start, t, noise))
    kept = float(schedule.alpha_bar[6])
    np.testing.assert_allclose(x_t.mean(), np.sqrt(kept), atol=5e-3)
    np.testing.assert_allclose(x_t.var(), 1 - kept, atol=5e-3)


def test_posterior_is_bayes_rule():
    """q(x_{t-1} | x_t, x_0) ~ q(x_t | x_{t-1}) q(x_{t-1} | x_0): precision-weighted mean."""
    schedule = schedule_of(**NOISY)
    x_start, x_t = jnp.array([[0.3, -1.0]]), jnp.array([[1.1, 0.4]])
    for t in range(1, 10):
        beta, before = float(schedule.betas[t]), float(schedule.alpha_bar_before[t])
        prior, likelihood = 1 / (1 - before), (1 - beta) / beta
        mean = (prior * np.sqrt(before) * x_start + likelihood * x_t / np.sqrt(1 - beta)) / (
            prior + likelihood
        )
        found = diffusion.posterior_mean(schedule, x_start, x_t, jnp.array([t]))
        np.testing.assert_allclose(found, mean, rtol=2e-3, atol=1e-4)


def test_posterior_equals_eq_12_when_the_noise_is_the_one_that_was_added(rng):
    schedule = schedule_of(**NOISY)
    x_start, noise = (jnp.asarray(rng.normal(size=(4, 3)), jnp.float32) for _ in range(2))
    t = jnp.array([1, 3, 5, 9])
    x_t = diffusion.q_sample(schedule, x_start, t, noise)
    np.testing.assert_allclose(
        diffusion.posterior_mean(schedule, x_start, x_t, t),
        diffusion.mean_from_noise(schedule, x_t, noise, t),
        rtol=1e-3,
        atol=1e-4,
    )


def test_the_last_step_returns_the_prediction():
    schedule = schedule_of()
    x_start, x_t = jnp.array([[0.25]]), jnp.array([[99.0]])
    found = diffusion.posterior_mean(schedule, x_start, x_t, jnp.array([0]))
    np.testing.assert_array_equal(found, x_start)


@pytest.mark.parametrize("timesteps", [1, 7])
def test_reverse_with_a_perfect_predictor_recovers_x_0(rng, timesteps):
    x_start = jnp.asarray(rng.integers(0, 2, (5, 8)), jnp.float32)
    noise = jax.random.normal(jax.random.key(1), x_start.shape)
    calls = diffusion.reverse_process(lambda x, t: x_start, schedule_of(timesteps), noise)
    np.testing.assert_array_equal(calls, x_start)


def test_reverse_equals_a_loop(rng):
    schedule = schedule_of(6, **NOISY)
    x = noise = jnp.asarray(rng.normal(size=(3, 4)), jnp.float32)

    def predict(x_t, t):
        return jnp.tanh(x_t) + 0.1 * t[:, None]

    for t in range(5, -1, -1):
        steps = jnp.full(3, t)
        x = diffusion.posterior_mean(schedule, predict(x, steps), x, steps)
    np.testing.assert_allclose(diffusion.reverse_process(predict, schedule, noise), x, rtol=1e-5)


def test_starts_of_the_reverse_process(rng):
    schedule = schedule_of(**NOISY)
    rows, noise = jnp.ones((2, 3)), jnp.asarray(rng.normal(size=(2, 3)), jnp.float32)
    np.testing.assert_array_equal(diffusion.reverse_from("noise", schedule, rows, noise), noise)
    np.testing.assert_array_equal(diffusion.reverse_from("x_start", schedule, rows, noise), rows)
    np.testing.assert_allclose(
        diffusion.reverse_from("diffused", schedule, rows, noise),
        diffusion.q_sample(schedule, rows, jnp.array([9, 9]), noise),
    )
    with pytest.raises(ValueError, match="start="):
        diffusion.reverse_from("middle", schedule, rows, noise)
