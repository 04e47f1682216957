"""A small trained-looking model with names, made without training."""

import dataclasses

import jax
import jax.numpy as jnp

from kdiffe_jax.config import Config
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.training.epoch import main_view
from kdiffe_jax.training.loop import Trained
from kdiffe_jax.training.problem import build_problem
from kdiffe_jax.training.state import initial_state

SIZES = PlantedSizes(
    users=60,
    items=48,
    topics=4,
    entities_per_topic=2,
    triples_per_item=4,
    interactions_per_user=8,
)
SMALL = dict(
    dim=8,
    batch_size=64,
    denoiser_width=16,
    walk_length=5,
    walks_per_node=2,
    epochs=2,
    patience=2,
    timesteps=3,
)


def named_dataset():
    """Planted data with ids and titles of their own."""
    return dataclasses.replace(
        planted_dataset(SIZES),
        user_ids=tuple(f"ann {u}" for u in range(SIZES.users)),
        item_ids=tuple(f"p{i}" for i in range(SIZES.items)),
        item_names=tuple(f"Tëa cup {i}" for i in range(SIZES.items)),
    )


def small_problem(cache_dir, dataset=None, *, mesh=None, **changes):
    """The problem of a small configuration."""
    config = Config.from_flat(SMALL | changes)
    dataset = named_dataset() if dataset is None else dataset
    return build_problem(dataset, config, cache_dir=cache_dir, say=lambda line: None, mesh=mesh)


def untrained(problem, scale=3.0) -> Trained:
    """Initial parameters, enlarged, as the model of epoch 0."""
    params = initial_state(problem.parts, problem.graphs).params
    params = {**params, "encoder": jax.tree.map(lambda leaf: scale * leaf, params["encoder"])}
    view = jax.jit(lambda p, g: main_view(problem.parts, p, g))(params, problem.graphs)
    assert jnp.isfinite(view.users).all()
    return Trained(params, view, 0, [])
