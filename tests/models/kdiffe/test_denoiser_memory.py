"""What the denoiser is said to need, against what XLA sets aside for the compiled calls."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest

from kdiffe_jax.config import Limits
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.kdiffe import model as kdiffe
from kdiffe_jax.models.kdiffe.denoiser_memory import denoiser_memory_gb
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.training.loop import compile_setup
from kdiffe_jax.training.setup import build_setup
from kdiffe_jax.training.step import initial_state
from tests.small_model import small_problem
from tests.small_setups import batches_of, silent

WIDE = PlantedSizes(
    users=60,
    items=480,
    topics=4,
    entities_per_topic=1000,
    triples_per_item=4,
    interactions_per_user=8,
)


@pytest.fixture(scope="module")
def wide():
    return planted_dataset(WIDE)


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


@pytest.mark.parametrize(
    "changes",
    ({"denoiser_width": 8, "batch_size": 1100}, {"denoiser_width": 256, "denoiser_columns": 2000}),
    ids=("of a step", "of the rebuild"),
)
def test_the_estimate_is_what_the_compiled_calls_hold(tmp_path, wide, changes):
    setup = small_problem(tmp_path, wide, **changes)
    told = denoiser_memory_gb(
        width=setup.config.options.denoiser_width,
        n_items=wide.n_items,
        n_columns=setup.model.denoiser.n_columns,
        rows=setup.sampler.nodes_of_step,
    )
    assert held_by_xla(setup) / 1e9 == pytest.approx(told, rel=0.15)


def build(directory, dataset, limit, **changes):
    config = make_config({"walk_length": 2, "walks_per_node": 1, "denoiser_width": 64} | changes)
    limits = Limits(model_memory_gb=limit)
    return build_setup(dataset, config, cache_dir=directory, log=silent, limits=limits)


def test_a_vocabulary_that_is_too_wide_is_refused_before_the_walks(tmp_path, wide, monkeypatch):
    def walked(*arguments, **settings):
        pytest.fail("the walks were made before the refusal")

    monkeypatch.setattr(kdiffe, "cached_similarity", walked)
    with pytest.raises(ConfigError, match="--model_memory_gb.*--denoiser_columns") as refusal:
        build(tmp_path, wide, 0.01)
    assert f"{wide.n_entities:,} columns needs" in str(refusal.value)
    assert "the limit is 0.01" in str(refusal.value) and "\n" not in str(refusal.value)


def test_shared_columns_are_what_counts(tmp_path, wide):
    built = build(tmp_path, wide, 0.01, denoiser_columns=100)
    assert built.model.denoiser.n_columns == 100
    assert built.model.encoder.n_entities == wide.n_entities


def test_what_it_grows_with():
    def needed(**sizes):
        sizes = dict(width=512, n_items=50_000, n_columns=100_000, rows=50) | sizes
        return denoiser_memory_gb(**sizes)

    assert needed(n_columns=200_000) == pytest.approx(2 * needed())
    assert needed(width=1024) > needed() > needed(n_items=50)
    assert needed(rows=50_000) > 10 * needed()
