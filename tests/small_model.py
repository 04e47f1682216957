"""Small trained-looking models with names, made without training."""

import dataclasses

import jax
import jax.numpy as jnp

from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.models.registry import DEFAULT, is_trained, make_config, model_class, options_of
from kdiffe_jax.training.epoch import ranking_view, refresh
from kdiffe_jax.training.loop import Trained
from kdiffe_jax.training.saving import model_of, saved_model
from kdiffe_jax.training.setup import build_setup
from kdiffe_jax.training.step import initial_state

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


#: what a denoiser is said to find of hidden triples, of which small data have too few
TRUSTED = {"denoiser": {"held_out_auc": 0.81, "held_out_error": 0.012, "held_out_triples": 90}}


def named_dataset():
    """Planted data with ids and titles of their own."""
    return dataclasses.replace(
        planted_dataset(SIZES),
        user_ids=tuple(f"ann {u}" for u in range(SIZES.users)),
        item_ids=tuple(f"p{i}" for i in range(SIZES.items)),
        item_names=tuple(f"Tëa cup {i}" for i in range(SIZES.items)),
    )


def small_config(model=DEFAULT, **changes):
    """A small configuration of a model; of `SMALL` it takes what it has."""
    known = options_of(model)
    small = {name: value for name, value in SMALL.items() if name in known}
    return make_config({"model": model} | small | changes)


def small_problem(cache_dir, dataset=None, *, placement=None, **changes):
    """The setup of a small configuration."""
    return build_setup(
        named_dataset() if dataset is None else dataset,
        small_config(**changes),
        cache_dir=cache_dir,
        log=lambda line: None,
        placement=placement,
    )


def untrained(setup, scale=3.0) -> Trained:
    """Initial parameters, enlarged but for those of a denoiser, as the model of epoch 0."""
    model, inputs = setup.model, setup.inputs
    state = initial_state(model, inputs, setup.config.train.seed)
    params = {
        name: part if name == "denoiser" else jax.tree.map(lambda leaf: scale * leaf, part)
        for name, part in state.params.items()
    }
    first = model.first_carry(inputs)
    carry = jax.jit(refresh, static_argnums=0)(model, params, inputs, first, state.key, 0)
    view = jax.jit(ranking_view, static_argnums=0)(model, params, inputs, carry)
    assert jnp.isfinite(view.users).all()
    return Trained(params, carry, view, 0, [])


def small_saved(cache_dir, model=DEFAULT, *, dataset=None, **changes):
    """What a small model leaves; closed forms are fitted with their defaults."""
    if is_trained(model):
        setup = small_problem(cache_dir, dataset, model=model, **changes)
        return model_of(setup, untrained(setup), TRUSTED if model == DEFAULT else {})
    dataset = named_dataset() if dataset is None else dataset
    config = small_config(model, **changes)
    point = config.options.to_flat()
    point.pop("tuned", None)
    kind = model_class(model)
    arrays = dict(kind(dataset.train, dataset.n_users, dataset.n_items).fit(**point).saved)
    rows = {name: arrays.pop(name) for name in ("users", "items")}
    return saved_model(dataset, config, {"best_epoch": 0, "epochs": 0}, **rows, artifacts=arrays)
