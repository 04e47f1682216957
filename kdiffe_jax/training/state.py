"""The parts of a model and the state that training carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from kdiffe_jax.config import Config
from kdiffe_jax.diffusion import Schedule, linear_variance_schedule
from kdiffe_jax.graph.columns import number_of_columns
from kdiffe_jax.model.denoiser import Denoiser
from kdiffe_jax.model.encoder import Encoder, View
from kdiffe_jax.phases import device_phase
from kdiffe_jax.types import Batch, Graphs, KnowledgeGraph


class Parts(NamedTuple):
    """What a configuration makes: modules, noise schedule and optimiser; no data.

    The optimiser's step size is not in it: it is one of the `Strengths`.
    """

    config: Config
    encoder: Encoder
    denoiser: Denoiser
    schedule: Schedule
    optimizer: optax.GradientTransformation
    read: Callable[[Any], Any] = lambda params: params  #: parameters from how they are stored
    read_batch: Callable[[Batch], Batch] = lambda batch: batch  #: a step's batch, likewise


class TrainState(NamedTuple):
    """All that a step changes; donated to the next one."""

    params: dict[str, Any]  #: by module, "encoder" and "denoiser"
    opt_state: optax.OptState
    step: jax.Array  #: i32 scalar, steps taken since the start
    key: jax.Array  #: typed key of the run; a step folds its number in


def build_parts(
    config: Config, *, n_users: int, n_items: int, n_entities: int, n_relations: int
) -> Parts:
    """Modules, schedule and optimiser for given sizes I, J, E and R."""
    model, diffusion = config.model, config.diffusion
    n_entities = max(1, n_entities)
    return Parts(
        config=config,
        encoder=Encoder(
            n_users=n_users,
            n_items=n_items,
            n_entities=n_entities,
            n_relations=n_relations,
            dim=model.dim,
            layers=model.layers,
            item_residual=model.item_residual,
            neighbour_weight=model.neighbour_weight,
            neighbour_smoothing=model.neighbour_smoothing,
        ),
        denoiser=Denoiser(
            n_columns=number_of_columns(diffusion.denoiser_columns, n_entities),
            width=diffusion.denoiser_width,
            step_size=diffusion.step_embedding_size,
            dropout=diffusion.denoiser_dropout,
            guided=diffusion.guidance,
            precision=diffusion.denoiser_precision,
        ),
        schedule=linear_variance_schedule(
            diffusion.timesteps,
            noise_scale=diffusion.noise_scale,
            noise_min=diffusion.noise_min,
            noise_max=diffusion.noise_max,
        ),
        optimizer=optax.scale_by_adam(),
    )


def initial_state(parts: Parts, graphs: Graphs) -> TrainState:
    """Fresh parameters and optimiser, drawn from the seed of the configuration."""
    root = jax.random.key(parts.config.train.seed)
    encoder_key, denoiser_key, run_key = jax.random.split(root, 3)
    row = jnp.zeros((1, parts.denoiser.n_columns))
    guidance = jnp.zeros((1, parts.encoder.dim))
    params = {
        "encoder": parts.encoder.init(
            encoder_key, graphs.laplacian, graphs.knowledge, *_constants(graphs)
        )["params"],
        "denoiser": parts.denoiser.init(denoiser_key, row, jnp.zeros(1, jnp.int32), guidance)[
            "params"
        ],
    }
    return TrainState(params, parts.optimizer.init(params), jnp.zeros((), jnp.int32), run_key)


@device_phase("views")
def view_of(parts: Parts, params: dict[str, Any], graphs: Graphs, graph: KnowledgeGraph) -> View:
    """The view of the given or the rebuilt knowledge graph (eq. 1-6)."""
    variables = {"params": params["encoder"]}
    return parts.encoder.apply(variables, graphs.laplacian, graph, *_constants(graphs))


def _constants(graphs: Graphs):
    return graphs.entity_items, graphs.neighbours


@device_phase("views")
def two_views_of(
    parts: Parts, params: dict[str, Any], graphs: Graphs, other: KnowledgeGraph
) -> tuple[View, View]:
    """The main view and that of another knowledge graph."""
    variables = {"params": params["encoder"]}
    return parts.encoder.apply(
        variables,
        graphs.laplacian,
        graphs.knowledge,
        other,
        *_constants(graphs),
        method=Encoder.two_views,
    )
