"""What denoisers of rows are said to need, against what XLA sets aside for the compiled calls."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest

from kdiffe_jax.config import Limits
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.models.row_denoiser import RowDenoiser, RowDenoiserOptions
from kdiffe_jax.models.row_denoiser_memory import check_row_denoiser_memory, row_denoiser_memory_gb
from kdiffe_jax.training.loop import compile_setup
from kdiffe_jax.training.setup import build_setup
from kdiffe_jax.training.step import initial_state
from tests.small_setups import batches_of

SIZES = dict(topics=4, triples_per_item=4, interactions_per_user=8)
WIDE = {
    "diffkg": PlantedSizes(users=60, items=480, entities_per_topic=500, **SIZES),
    "diffmm": PlantedSizes(users=400, items=9000, entities_per_topic=20, **SIZES),
}


def held_by_xla(setup):
    """Bytes of the state and of what the larger of the two calls holds beside it."""
    compiled, inputs = compile_setup(setup), setup.inputs
    state = jax.eval_shape(partial(initial_state, setup.model, seed=0), inputs)
    rest = (inputs, setup.model.first_carry(inputs), state.key, jnp.int32(0))
    carry = jax.eval_shape(compiled.refresh, state.params, *rest)
    calls = (
        compiled.epoch.lower(state, batches_of(setup), inputs, carry, setup.traced()),
        compiled.refresh.lower(state.params, *rest),
    )
    beside = (call.compile().memory_analysis().temp_size_in_bytes for call in calls)
    tables = (state.params, state.opt_states)
    return sum(4 * leaf.size for leaf in jax.tree.leaves(tables)) + max(beside)


@pytest.mark.parametrize("batch_size", [400, 10], ids=["of a step", "of the reverse process"])
@pytest.mark.parametrize("name", ["diffkg", pytest.param("diffmm", marks=pytest.mark.thorough)])
def test_the_estimate_is_what_the_compiled_calls_hold(tmp_path, name, batch_size):
    config = make_config(dict(model=name, dim=8, denoiser_width=64, batch_size=batch_size))
    planted = planted_dataset(WIDE[name])
    setup = build_setup(planted, config, cache_dir=tmp_path, log=lambda line: None)
    model, sizes = setup.model, setup.model.sizes
    of_users = dict(n_rows=sizes.n_users, count=len(sizes.feature_widths))
    of_nodes = dict(n_rows=model.denoiser.n_columns)
    told = row_denoiser_memory_gb(
        model.denoiser,
        rows_of_step=setup.sampler.nodes_of_step,
        **(of_users if name == "diffmm" else of_nodes),
    )
    assert held_by_xla(setup) / 1e9 == pytest.approx(told, rel=0.15)


def test_too_little_is_refused_in_one_line():
    options = RowDenoiserOptions(denoiser_width=1000)
    columns = (("items", 100_000), ("entities", 50_000))
    denoiser = RowDenoiser(options, columns, of_unit_rows=True)
    sizes = dict(n_rows=150_000, steps=1500)
    enough, little = Limits(model_memory_gb=10.0), Limits(model_memory_gb=5.0)
    check_row_denoiser_memory(enough, denoiser, **sizes)
    with pytest.raises(ConfigError, match="150,000 columns needs .* limit is 5 .*--denoiser_width"):
        check_row_denoiser_memory(little, denoiser, **sizes)
    for more in (dict(count=2), dict(steps=50)):
        with pytest.raises(ConfigError, match="columns needs"):
            check_row_denoiser_memory(enough, denoiser, **(sizes | more))
