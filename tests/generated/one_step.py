"""One training step on a small data set, compiled once for all of the same sizes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.training.setup import TrainSetup, build_setup
from tests.small_setups import batches_of, compiled_of, started

SMALL = dict(
    dim=4,
    denoiser_width=8,
    walk_length=3,
    walks_per_node=2,
    timesteps=2,
    theta_1=0.1,
    kg_source="triples",
)


def fitted(dataset: Dataset, *, users: int, items: int, entities: int, relations: int) -> Dataset:
    """The data set with users, items and entities that nothing is known of, up to some sizes."""
    more = [f"relation {number}" for number in range(dataset.n_relations, relations)]
    return dataclasses.replace(
        dataset,
        n_users=users,
        n_items=items,
        n_entities=entities,
        relation_names=(*dataset.relation_names, *more),
        entity_names=(),
        user_ids=(),
        item_ids=(),
        item_names=(),
        item_pictures=(),
        entity_items=None,
        features={},
    )


def setup_of(dataset: Dataset, cache_dir: Path, width: int, **changes) -> TrainSetup:
    """Its setup, with rows of entities padded to a width."""
    config = make_config(SMALL | changes)
    setup = build_setup(dataset, config, cache_dir=cache_dir, log=lambda line: None)
    own = setup.inputs.own
    rows = own.rows._replace(positions=jnp.arange(max(width, own.rows.positions.shape[0])))
    return setup._replace(inputs=setup.inputs._replace(own=own._replace(rows=rows)))


def not_finite(setup: TrainSetup) -> list[str]:
    """Trains one step; what is not finite of its losses, the parameters and the scores."""
    compiled, (state, carry) = compiled_of(setup), started(setup)
    arguments = batches_of(setup), setup.inputs, carry, setup.traced()
    state, terms = compiled.epoch(state, *arguments)
    found = {name: term.total for name, term in terms.items()}
    found |= {
        "parameters": state.params,
        "view": compiled.view(state.params, setup.inputs, carry),
    }
    finite = jax.tree.map(lambda leaf: bool(jnp.isfinite(leaf).all()), found)
    return [name for name, leaves in finite.items() if not all(jax.tree.leaves(leaves))]
