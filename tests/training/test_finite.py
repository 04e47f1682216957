"""Parameters that a step broke are refused before they are kept."""

import jax.numpy as jnp
import pytest

from kdiffe_jax.errors import NonFiniteLossError
from kdiffe_jax.training.finite import check_params


@pytest.mark.parametrize("value", [jnp.nan, jnp.inf, -jnp.inf])
def test_one_value_that_is_not_finite_is_enough(value):
    params = {"users": jnp.ones((3, 2)), "deeper": {"bias": jnp.zeros(4)}}
    check_params(params, where="epoch 2 of seed 0")
    broken = params | {"deeper": {"bias": jnp.zeros(4).at[1].set(value)}}
    with pytest.raises(NonFiniteLossError, match="not finite after epoch 2 of seed 0; the last"):
        check_params(broken, where="epoch 2 of seed 0")
