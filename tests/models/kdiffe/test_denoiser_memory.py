"""What the denoiser is said to need, against what XLA sets aside for the compiled calls."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest

from kdiffe_jax.config import Limits
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.arrays import Sizes
from kdiffe_jax.models.kdiffe import model as kdiffe
from kdiffe_jax.models.kdiffe.denoiser_memory import alone_memory_gb, denoiser_memory_gb
from kdiffe_jax.models.kdiffe.fresh_denoiser import rows_of_step, values_after_training
from kdiffe_jax.models.registry import build_model, make_config
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


@pytest.mark.parametrize("width", (8, 256))
def test_the_estimate_is_what_a_denoiser_alone_holds(tmp_path, wide, width):
    setup = small_problem(tmp_path, wide, denoiser_width=width, denoiser_head_start=3)
    model, inputs = setup.model, setup.inputs
    sizes = dict(width=width, n_columns=model.denoiser.n_columns, rows=rows_of_step(model))
    initial = jax.jit(partial(initial_state, model, seed=0)).lower(inputs).compile()
    held = initial.memory_analysis()
    held = held.temp_size_in_bytes + held.output_size_in_bytes
    assert held / 1e9 == pytest.approx(alone_memory_gb(**sizes, beside=3), rel=0.15)

    guidance, key = jnp.zeros((wide.n_items, model.guidance_size)), jax.random.key(0)
    asked = jnp.zeros(48, int), jnp.zeros((48, 17), int)
    rest = (inputs, guidance, jnp.float32(1e-3), key, *asked)
    fresh = values_after_training.lower(model, *rest).compile()
    weights = 4 * 2 * width * model.denoiser.n_columns
    held = fresh.memory_analysis().temp_size_in_bytes + weights
    assert held / 1e9 == pytest.approx(alone_memory_gb(**sizes, beside=2), rel=0.15)


@pytest.mark.parametrize(
    ("changes", "beside"),
    [({}, 2), ({"denoiser_head_start": 3}, 3), ({"guidance": False}, 0)],
    ids=("at the end", "a head start", "neither"),
)
def test_a_denoiser_alone_counts_where_one_is_trained(wide, changes, beside):
    config = make_config({"denoiser_width": 512} | changes)
    sizes = Sizes(wide.n_users, wide.n_items, wide.n_entities, wide.n_relations)
    model, alone = build_model(config, sizes), dict(width=512, n_columns=wide.n_entities)
    epochs = denoiser_memory_gb(**alone, n_items=wide.n_items, rows=120)
    alone_too = alone_memory_gb(**alone, rows=256, beside=beside) if beside else 0
    needed = max(epochs, alone_too)
    model.check(4, Limits(model_memory_gb=1.01 * needed))
    with pytest.raises(ConfigError, match="--model_memory_gb"):
        model.check(4, Limits(model_memory_gb=0.99 * needed))
    assert (needed > epochs) == bool(beside)


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
