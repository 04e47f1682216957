"""What an epoch and a refresh of a model leave has the types of what they were given."""

import jax
import jax.numpy as jnp
import pytest

from kdiffe_jax.training.loop import compile_setup, untouched
from tests.models.conftest import TRAINED


def types_of(tree):
    """Shape, dtype and weakness of every leaf; what a jitted function is compiled for."""
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)


@pytest.mark.parametrize("model", TRAINED)
def test_the_second_epoch_is_compiled_for_the_types_of_the_first(model, setup_of):
    setup = setup_of(model)
    compiled = compile_setup(setup)
    state, carry = jax.eval_shape(lambda: untouched(setup, compiled))
    batches = setup.placement.batches(setup.sampler, 0)
    further = jax.eval_shape(
        compiled.refresh, state.params, setup.inputs, carry, state.key, jnp.int32(0)
    )
    assert types_of(further) == types_of(carry)
    after, _ = jax.eval_shape(compiled.epoch, state, batches, setup.inputs, further, setup.traced())
    assert types_of(after) == types_of(state)
