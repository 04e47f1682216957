"""The denoiser that DiffKG and DiffMM share, and its reverse process in the hidden space."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.row_denoiser import RowDenoiser, RowDenoiserOptions, RowDraws
from kdiffe_jax.models.row_reverse import reverse_rows, top_columns
from kdiffe_jax.ops.sparse import host_operator
from tests.models.by_hand import arrays, largest_difference, told
from tests.reference import models
from tests.reference import row_denoiser as oracle

COLUMNS = (("items", 5), ("entities", 4))
NOISY = dict(timesteps=4, noise_scale=1.0, noise_min=0.05, noise_max=0.9)


def denoiser_of(*, of_unit_rows, columns=COLUMNS, **options):
    options = dict(denoiser_width=3, step_embedding_size=5, denoiser_dropout=0.4) | options
    return RowDenoiser(RowDenoiserOptions(**options), columns, of_unit_rows=of_unit_rows)


def params_of(denoiser, rng, scale=1.0):
    like = jax.eval_shape(denoiser.init, jax.random.key(0))
    return jax.tree.map(lambda leaf: scale * rng.normal(size=leaf.shape), like)


def matrix_of(rows):
    matrix = host_operator(sparse.csr_array(rows))
    return matrix._replace(values=arrays(matrix.values))


def options_of(denoiser):
    return denoiser.options.to_flat() | {"of_unit_rows": denoiser.of_unit_rows}


@pytest.fixture(params=[True, False], ids=["unit", "raw"])
def case(request, rng):
    denoiser = denoiser_of(of_unit_rows=request.param, **NOISY)
    rows = (rng.random((6, 9)) < 0.4).astype(float)
    rows[0] = 0.0
    return denoiser, params_of(denoiser, rng), rows


def test_loss_and_gradients_are_the_equations(case, rng, wide):
    denoiser, params, rows = case
    drawn = dict(
        timesteps=np.array([0, 1, 2, 3, 3, 0], np.int32),
        noise=rng.normal(size=rows.shape),
        kept=rng.random(rows.shape) < 0.6,
    )

    def expected(params):
        return oracle.denoised(params, rows, drawn, **options_of(denoiser))[1]

    def loss(params):
        steps, noise, kept = (jnp.asarray(drawn[name]) for name in RowDraws._fields)
        draws = RowDraws(steps, jnp.asarray(noise, float), kept)
        return denoiser.denoised(params, jnp.asarray(rows, float), draws).elbo.mean()

    value, found = jax.value_and_grad(loss)(arrays(params))
    gradients = models.gradients(expected, params)
    tolerance = 1e-12 if wide else 1e-5
    assert largest_difference(value, expected(params), relative=True) < tolerance
    assert largest_difference(found, gradients, relative=True) < tolerance


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_the_hidden_form_is_the_reverse_process(case, rng, wide, scale):
    """A row of zeros too, where rows are not scaled; of unit rows its length is undefined."""
    denoiser, params, rows = case
    params = jax.tree.map(lambda leaf: scale * leaf, params)
    rows = rows[1:] if denoiser.of_unit_rows else rows
    expected = [oracle.reversed_row(params, row, **options_of(denoiser)) for row in rows]
    found = reverse_rows(denoiser, arrays(params), matrix_of(rows))
    largest = largest_difference(found, np.array(expected), relative=True)
    assert told(rows=largest) < (1e-12 if wide else 2e-5)


@pytest.mark.parametrize("block", [1, 4, 100])
@pytest.mark.parametrize("k", [1, 3])
def test_the_top_columns_of_all_rows(case, block, k):
    denoiser, params, rows = case
    matrix, params = matrix_of(rows), arrays(params)
    dense = np.asarray(reverse_rows(denoiser, params, matrix))
    found = top_columns(denoiser, params, matrix, k, block=block)
    np.testing.assert_array_equal(found, np.argsort(-dense, axis=1, kind="stable")[:, :k])


def test_what_is_drawn():
    denoiser = denoiser_of(of_unit_rows=True, columns=(("items", 300),), timesteps=3)
    steps, noise, kept = denoiser.draws(jax.random.key(0), 500)
    assert (np.bincount(steps, minlength=3) > 100).all() and steps.max() == 2
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02
    assert abs(kept.mean() - 0.6) < 0.02


def test_fresh_parameters_have_the_authors_spread():
    denoiser = denoiser_of(of_unit_rows=True, columns=(("a", 400), ("b", 200)), denoiser_width=300)
    params = denoiser.init(jax.random.key(0))
    for name, size in denoiser.columns:
        kernels = params["from_row"][name], params["to_row"][name]["kernel"].T
        assert all(kernel.shape == (size, 300) for kernel in kernels)
        for kernel, fan in zip(kernels, (905, 900), strict=True):
            assert kernel.std() == pytest.approx((2 / fan) ** 0.5, rel=0.03)
    assert params["bias"].std() == pytest.approx(1e-3, rel=0.1)


def test_noise_that_falls_is_refused():
    with pytest.raises(ConfigError, match="noise_min = 0.5, noise_max = 0.1"):
        RowDenoiserOptions(noise_min=0.5, noise_max=0.1)
