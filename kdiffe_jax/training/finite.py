"""What an epoch gave is refused before it is kept, where it is not finite."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.errors import NonFiniteLossError
from kdiffe_jax.models.arrays import Params, Term

_REMEDY = (
    "the last good checkpoint is kept; lower --learning_rate, raise a temperature, or, at the very "
    "first step, scale down features that are very large"
)


def check_params(params: Params, *, where: str) -> None:
    """Refuses parameters that the last step of an epoch broke.

    Args:
      params: on the devices.
      where: names the epoch in a refusal.

    Raises:
      NonFiniteLossError: a value is not finite.
    """
    if not _all_finite(params):
        raise NonFiniteLossError(f"the parameters are not finite after {where}; {_REMEDY}")


@jax.jit
def _all_finite(params: Params) -> jax.Array:
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(params)]).all()


def finite_means(terms: dict[str, Term], *, where: str) -> dict[str, float]:
    """An epoch's mean of each term.

    Args:
      terms: arrays of one value a step, on the host.
      where: names the epoch in a refusal.

    Raises:
      NonFiniteLossError: names the first step with a value that is not finite.
    """
    for name, term in terms.items():
        bad = ~np.isfinite(term.total)
        if bad.any():
            raise NonFiniteLossError(
                f"loss term {name} is not finite at {where}, step {int(np.argmax(bad))}; {_REMEDY}"
            )
    sums = {
        n: (t.total.sum(dtype=np.float64), t.count.sum(dtype=np.float64)) for n, t in terms.items()
    }
    return {name: float(total / max(count, 1.0)) for name, (total, count) in sums.items()}
