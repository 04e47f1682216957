"""What the views read of a denoised knowledge graph."""

import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.graph.knowledge import knowledge_graph
from kdiffe_jax.models.kdiffe.entity_rows import entity_rows
from kdiffe_jax.models.kdiffe.graphs import main_and_other, nothing_denoised, weighted_by
from kdiffe_jax.models.kdiffe.options import KDiffEOptions
from kdiffe_jax.ops.segment_softmax import segment_softmax

TRIPLES = np.array([(0, 0, 1), (0, 0, 2), (2, 0, 0), (2, 1, 1), (2, 1, 3)], np.int32)
SIZES = dict(n_items=3, n_entities=4)


def given():
    heads, relations, tails = TRIPLES.T
    return knowledge_graph(heads, relations, tails, jnp.ones(len(TRIPLES)), **SIZES)


@pytest.mark.parametrize("power", (1.0, 2.0, 4.0))
def test_each_triple_weighs_a_power_of_its_value_and_no_less_than_of_a_thousandth(power):
    own = jnp.array([0.5, 0.1, 0.2, -0.3, 0.4])
    weights = weighted_by(own, given(), power).structure.values
    expected = np.array([0.5, 0.1, 0.2, 1e-3, 0.4]) ** power
    np.testing.assert_allclose(weights, expected, rtol=1e-5)


def test_attention_by_the_largest_power_of_the_least_values_sums_to_one():
    power = KDiffEOptions.all_options()["weight_power"].metadata["high"]
    structure = weighted_by(jnp.zeros(5), given(), power).structure
    attention = segment_softmax(jnp.arange(5.0), structure.values, structure.rows, n_segments=3)
    sums = np.bincount(structure.rows, attention, minlength=3)
    np.testing.assert_allclose(sums, [1, 0, 1], rtol=1e-6)


def test_before_anything_is_denoised_all_triples_weigh_the_same():
    rows = entity_rows(TRIPLES, **SIZES)
    found = nothing_denoised(rows, q=2)
    assert weighted_by(found.own, given(), 2.0).structure.values.tolist() == [1.0] * 5
    assert found.kept.entities.tolist()[2] == [0, 1]
    assert np.isfinite(found.kept.scores).sum(axis=1).tolist() == [2, 0, 2]


@pytest.mark.parametrize("main", ("given", "rebuilt", "weighted"))
def test_the_second_view_reads_another_graph_than_the_main_one(main):
    rebuilt = given()._replace(relations=jnp.zeros(5, jnp.int32))
    graphs = main_and_other(main, given(), rebuilt, jnp.full(5, 0.5), 2.0)
    is_rebuilt = [not graph.relations.any() for graph in graphs]
    assert is_rebuilt == ([True, False] if main == "rebuilt" else [False, True])
    assert (graphs[0].structure.values[0] == 0.25) == (main == "weighted")
