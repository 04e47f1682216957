"""What every trained model keeps of structure: names do not matter, sparse stays sparse."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.training.loop import compile_setup, fresh_start
from tests.models.conftest import EACH, ITEMS, USERS
from tests.models.structure import (
    batch_of,
    in_order,
    orders_of_columns,
    renamed,
    shapes_in,
    total_loss,
)


@pytest.fixture(scope="module", params=EACH)
def setup(request, board, setup_of):
    """Without dense features, so that what stands in for them is looked at."""
    return setup_of(request.param, dataclasses.replace(board, features={}))


@pytest.fixture(scope="module")
def start(setup):
    return fresh_start(setup, compile_setup(setup))


def test_names_do_not_matter(setup, start, setup_of, rng):
    """Other numbers of users, items and entities are the same view in another order."""
    orders = {size: rng.permutation(size) for size in setup.model.sizes[:3]}
    model, inputs = renamed(setup, setup_of, orders)
    orders |= orders_of_columns(setup.dataset.triples, orders[setup.model.sizes.n_entities])
    params, carry = start.state.params, start.carry
    view = in_order(setup.model.view(params, setup.inputs, carry), orders)
    params, carry = in_order(params, orders), in_order(carry, orders)
    if setup.config.model == "lattice":  # its carry has numbers of items, and draws nothing
        carry = model.refresh(params, inputs, carry, None)
    found = model.view(params, inputs, carry)
    for one, other in zip(found, view, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_nothing_of_nodes_by_nodes_is_dense(setup, start):
    """In the loss, its gradient and the view; content is sparse."""
    params, batch, carry = start.state.params, batch_of(setup), start.carry
    step = jax.make_jaxpr(jax.grad(lambda p: total_loss(setup, p, batch, carry)[0]))(params)
    view = jax.make_jaxpr(lambda p: setup.model.view(p, setup.inputs, carry))(params)
    users, items, entities = setup.model.sizes[:3]
    nodes = {users, items, entities, users + items, items + entities, users + items + entities}
    for shape in (*shapes_in(step), *shapes_in(view)):
        assert sum(size in nodes for size in shape) < 2, shape


def test_a_dense_product_would_be_noticed():
    rows = jnp.ones((USERS, 3)), jnp.ones((ITEMS, 3))
    product = jax.jit(lambda users, items: (users @ items.T).sum())
    assert (USERS, ITEMS) in shapes_in(jax.make_jaxpr(product)(*rows))
