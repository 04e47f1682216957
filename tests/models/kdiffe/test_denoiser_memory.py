"""What the denoiser is said to need, against what XLA sets aside for the compiled calls."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest
from kdiffe_jax.training.state import initial_state

from kdiffe_jax.config import Config
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.models.kdiffe.denoiser_memory import Limits, denoiser_memory_gb
from kdiffe_jax.models.kdiffe.similarity_cache import cached_similarity
from kdiffe_jax.training import setup as problems
from kdiffe_jax.training.epoch import compile_parts, traced_of
from tests.small_model import small_problem

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
    compiled, parts, graphs = compile_parts(setup.parts), setup.parts, setup.graphs
    state = jax.eval_shape(partial(initial_state, parts), graphs)
    rest = (graphs, state.key, jnp.int32(0))
    kept = jax.eval_shape(compiled.rebuild, state.params, *rest)
    batches = Batch(*map(jnp.asarray, setup.sampler.epoch(0)))
    calls = (
        compiled.epoch.lower(state, batches, graphs, kept, traced_of(parts)),
        compiled.rebuild.lower(state.params, *rest),
    )
    beside = (call.compile().memory_analysis().temp_size_in_bytes for call in calls)
    tables = (state.params, state.opt_state)
    return sum(4 * leaf.size for leaf in jax.tree.leaves(tables)) + max(beside)


@pytest.mark.parametrize(
    "changes",
    (
        {"denoiser_width": 256},
        {"denoiser_width": 8, "batch_size": 1100},
        {"denoiser_width": 256, "denoiser_columns": 2000},
    ),
    ids=str,
)
def test_the_estimate_is_what_the_compiled_calls_hold(tmp_path, wide, changes):
    setup = small_problem(tmp_path, wide, **changes)
    said = denoiser_memory_gb(
        setup.parts.config,
        n_items=wide.n_items,
        n_columns=setup.parts.denoiser.n_columns,
        steps=setup.sampler.steps_of_pass,
    )
    assert held_by_xla(setup) / 1e9 == pytest.approx(said, rel=0.15)


def test_a_vocabulary_that_is_too_wide_is_refused_before_the_walks(tmp_path, wide, monkeypatch):
    def walked(*arguments, **settings):
        pytest.fail("the walks were made before the refusal")

    monkeypatch.setattr(problems, "cached_similarity", walked)
    with pytest.raises(ConfigError, match="--denoiser_memory_gb") as refusal:
        build(tmp_path, wide, 0.01)
    assert f"{wide.n_entities:,} columns needs" in str(refusal.value)
    assert "the limit is 0.01" in str(refusal.value) and "\n" not in str(refusal.value)
    monkeypatch.setattr(problems, "cached_similarity", cached_similarity)
    assert build(tmp_path, wide, 1.0).parts.denoiser.n_columns == wide.n_entities


def test_shared_columns_are_what_counts(tmp_path, wide):
    with pytest.raises(ConfigError, match="--denoiser_columns"):
        build(tmp_path, wide, 0.01)
    built = build(tmp_path, wide, 0.01, denoiser_columns=100)
    assert built.parts.denoiser.n_columns == 100
    assert built.parts.encoder.n_entities == wide.n_entities


def build(directory, dataset, limit, **changes):
    small = {"walk_length": 2, "walks_per_node": 1, "denoiser_width": 64}
    config = Config.from_flat(small | changes)
    limits = Limits(denoiser_memory_gb=limit)
    return problems.build_setup(
        dataset, config, cache_dir=directory, log=lambda line: None, limits=limits
    )


def test_what_it_grows_with():
    def needed(width=512, seeds=1, **sizes):
        config = Config.from_flat({"denoiser_width": width, "num_seeds": seeds})
        sizes = dict(n_items=50_000, n_columns=100_000, steps=1000) | sizes
        return denoiser_memory_gb(config, **sizes)

    assert needed(n_columns=200_000) == pytest.approx(2 * needed())
    assert needed(seeds=3) > 2 * needed() and needed(width=1024) > needed()
    assert needed(steps=1) > 10 * needed() and needed(n_items=50) < needed()
