"""A model from outside: its loss of one step, and its arrays by the lengths of their axes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.training.placement import OneDevice
from kdiffe_jax.training.step import weighted_sum


def batch_of(setup, number=0):
    return Batch(*(jnp.asarray(array[number]) for array in setup.sampler.epoch(0)))


def total_loss(setup, params, batch, carry):
    """The loss of one step over all objectives, and the mean of every term."""
    model, total, means = setup.model, 0.0, {}
    aux = model.open(setup.inputs, carry, jax.random.key(1))
    for objective in model.objectives:
        traced, key = setup.traced(), jax.random.key(2)
        terms = model.losses(objective.name, params, batch, setup.inputs, aux, traced, key)
        total += weighted_sum(terms)
        means |= {name: weighted.term.mean for name, weighted in terms.items()}
    return total, means


def in_order(tree, orders):
    """Every array with the axes of users, items and entities in a new order.

    Args:
      tree: of arrays; an axis is known by its length.
      orders: length -> the new number of each.
    """

    def reordered(leaf):
        for axis, size in enumerate(np.shape(leaf)):
            if size in orders:
                leaf = leaf.take(np.argsort(orders[size]), axis=axis)
        return leaf

    return jax.tree.map(reordered, tree)


def orders_of_columns(triples, entities):
    """The same of the columns that stand in for features, a relation's own entities in order."""
    own = (np.unique(triples[triples[:, 1] == r, 2]) for r in np.unique(triples[:, 1]))
    return {len(ids): np.argsort(np.argsort(entities[ids])) for ids in own}


def renamed(setup, setup_of, orders):
    """The model and inputs of the same data under new numbers, edges weighing what they did."""
    users, items, entities = (orders[size] for size in setup.model.sizes[:3])
    data, edges = setup.dataset, setup.edges
    pairs = {
        split: np.stack([users[rows[:, 0]], items[rows[:, 1]]], axis=1).astype(np.int32)
        for split, rows in (("train", data.train), ("valid", data.valid), ("test", data.test))
    }
    heads, relations, tails = data.triples.T
    rows = pairs | {"triples": np.stack([items[heads], relations, entities[tails]], axis=1)}
    places = {name: np.lexsort(table.T[::-1]) for name, table in rows.items()}
    other = dataclasses.replace(
        data,
        **{name: table[places[name]].astype(np.int32) for name, table in rows.items()},
        features={name: table[np.argsort(items)] for name, table in data.features.items()},
    )
    model, inputs = (made := setup_of(setup.config.model, other)).model, made.inputs
    place = places["train"]
    edges = edges._replace(weights=edges.weights[place], counted=edges.counted[place])
    laplacian, item_users = OneDevice().operators(other.train, edges, model.sizes, model.needs)
    return model, inputs._replace(laplacian=laplacian, item_users=item_users)


def shapes_in(jaxpr):
    """The shape of everything that a traced function makes, inner functions' too."""
    found = set()
    for equation in jaxpr.eqns:
        found |= {getattr(variable.aval, "shape", ()) for variable in equation.outvars}
        for leaf in jax.tree.leaves(list(equation.params.values()), is_leaf=_is_traced):
            if _is_traced(leaf):
                found |= shapes_in(leaf)
    return found


def _is_traced(value):
    return hasattr(value, "eqns")
