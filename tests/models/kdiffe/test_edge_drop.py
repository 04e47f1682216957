"""The second view that drops edges in place of the rebuilt knowledge graph."""

import jax
import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError
from tests.small_setups import assert_equal, batches_of, small_setup, started


def opened(setup, key=1):
    carry = started(small_setup()).carry
    return jax.jit(setup.model.open)(setup.inputs, carry, jax.random.key(key))


def losses_of(setup):
    batch = jax.tree.map(lambda array: array[0], batches_of(setup))
    rest = (batch, setup.inputs, opened(setup), setup.traced(), jax.random.key(0))
    found = jax.jit(setup.model.losses, static_argnums=0)(
        "loss", started(small_setup()).state.params, *rest
    )
    return {name: float(weighted.term.mean) for name, weighted in found.items()}


def test_it_changes_the_contrast_only():
    plain, dropped = losses_of(small_setup()), losses_of(small_setup(contrast="edge_drop"))
    assert plain.keys() == dropped.keys()
    for name in ("bpr", "elbo", "squared_norm"):
        np.testing.assert_allclose(dropped[name], plain[name], rtol=1e-5)
    for name in ("info_nce_users", "info_nce_items"):
        assert abs(dropped[name] - plain[name]) > 1e-3


def test_its_key_draws_the_edges_and_nothing_dropped_is_the_first_view():
    setup = small_setup(contrast="edge_drop", edge_drop=0.5)
    first, again, other = opened(setup), opened(setup), opened(setup, key=2)
    assert_equal(first, again)
    assert_equal(first.main, setup.inputs.knowledge)
    assert_equal(first.other, setup.inputs.knowledge)
    gone = [np.asarray(view.laplacian.to_users.values) == 0 for view in (first, other)]
    assert 0.4 < gone[0].mean() < 0.6 and (gone[0] != gone[1]).any()
    none = opened(small_setup(contrast="edge_drop", edge_drop=0.0))
    assert_equal(none.laplacian, setup.inputs.laplacian)


@pytest.mark.parametrize("main_graph", ("weighted", "rebuilt"))
def test_both_views_read_the_knowledge_graph_of_the_main_one(main_graph):
    views = opened(small_setup(contrast="edge_drop", main_graph=main_graph))
    other = opened(small_setup(main_graph=main_graph))
    assert_equal(views.other, views.main)
    assert_equal(views.main, other.main)
    with pytest.raises(AssertionError):
        assert_equal(views.other, other.other)


def test_degrees_from_what_s_adds_are_refused():
    with pytest.raises(ConfigError, match="edge_drop"):
        small_setup(contrast="edge_drop", degree_from="weighted")
