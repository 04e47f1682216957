"""One training step of any model: its loss, its gradients, Adam."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.arrays import Aux, Batch, Inputs, Params, Term, Weighted
from kdiffe_jax.models.base import Model, Part
from kdiffe_jax.ops.trace_phases import device_phase


class TrainState(NamedTuple):
    """All that a step changes; donated to the next one."""

    params: Params
    opt_states: tuple[optax.OptState, ...]  #: one an objective
    step: jax.Array  #: i32 scalar, steps taken since the start
    key: jax.Array  #: typed key of the run; a step folds its number in


def adam() -> optax.GradientTransformation:
    """Adam without its step size, which is traced."""
    return optax.scale_by_adam()


def initial_state(model: Model, inputs: Inputs, seed: int) -> TrainState:
    """Fresh parameters and optimisers, drawn from a seed.

    Raises:
      ConfigError: a parameter that is no floating-point array, which nothing could train.
    """
    params = strongly_typed(model.init(jax.random.key(seed), inputs))
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            raise ConfigError(
                f"{type(model).__name__}: init makes {name} of {leaf.dtype}; parameters are "
                "floating-point numbers, all else belongs into constants"
            )
    opt_states = tuple(adam().init(params) for _ in model.objectives)
    return TrainState(params, opt_states, jnp.zeros((), jnp.int32), run_key(seed))


def strongly_typed(tree: Any) -> Any:
    """The same values, of the types that a step leaves.

    `jnp.full(n, 0.5)` has the weak type of a Python number, which a step takes away; the next one
    would be compiled anew for that.

    >>> strongly_typed(jnp.full(2, 0.5)).weak_type
    False
    """
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), tree)


def run_key(seed: int) -> jax.Array:
    """The key of a run's `TrainState`."""
    return jax.random.split(jax.random.key(seed), 3)[2]


def train_step(
    model: Model,
    state: TrainState,
    batch: Batch,
    inputs: Inputs,
    aux: Aux,
    traced: Mapping[str, jax.Array],
    *,
    unpad: Callable[[Any], Any] = lambda params: params,
) -> tuple[TrainState, dict[str, Term]]:
    """One pure optimisation step; the model is static, everything else is traced.

    Several objectives are taken in turn, each on what the one before left.

    Args:
      model: static.
      state: donated by the caller.
      batch: interactions and rows.
      inputs: constant structure.
      aux: of `Model.open`.
      traced: the traced options, "learning_rate" among them.
      unpad: parameters from how they are stored.

    Returns:
      The next state, and the terms of every objective with their weighted sum under its name.
    """
    step_key = jax.random.fold_in(state.key, state.step)
    params, opt_states = state.params, list(state.opt_states)
    reported: dict[str, Term] = {}
    for number, objective in enumerate(model.objectives):
        alone = len(model.objectives) == 1
        key = step_key if alone else jax.random.fold_in(step_key, number)

        def loss(params, name=objective.name, key=key):
            terms = model.losses(name, unpad(params), batch, inputs, aux, traced, key)
            if not terms:
                raise ConfigError(f"{type(model).__name__}: losses gives no term of {name!r}")
            total = Term(weighted_sum(terms), jnp.ones(()))
            return total.mean, {n: w.term for n, w in terms.items()} | {name: total}

        gradients, terms = jax.grad(loss, has_aux=True)(params)
        with device_phase("norm_adam"):
            rate = traced["learning_rate"] * objective.rate
            updates, opt_states[number] = adam().update(gradients, opt_states[number], params)
            params = optax.apply_updates(params, _scaled(updates, params, rate, objective.parts))
        reported |= terms
    return TrainState(params, tuple(opt_states), state.step + 1, state.key), reported


def _scaled(updates, params, rate: jax.Array, parts: tuple[Part, ...]):
    """Adam's directions as what is added to the parameters, each part at its own rate."""
    scaled = jax.tree.map(lambda u: -rate * u, updates)
    for part in parts:
        own = rate * part.rate
        scaled[part.name] = jax.tree.map(
            lambda u, p, own=own, decay=part.decay: -own * (u + decay * p),
            updates[part.name],
            params[part.name],
        )
    return scaled


def weighted_sum(terms: Mapping[str, Weighted]) -> jax.Array:
    """The loss of its terms; neighbours of one weight are added before they are weighted."""
    total: Any = None
    for _, group in groupby(terms.values(), key=lambda weighted: id(weighted.weight)):
        members = list(group)
        part = sum((w.term.mean for w in members[1:]), start=members[0].term.mean)
        part = part if _is_one(members[0].weight) else members[0].weight * part
        total = part if total is None else total + part
    return total


def _is_one(weight) -> bool:
    return isinstance(weight, float) and weight == 1.0
