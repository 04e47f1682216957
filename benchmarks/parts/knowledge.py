"""The knowledge layer, forward and backward (eq. 1, 2)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Case, Part, Work
from benchmarks.parts.sizes import Sizes, random_dataset
from kdiffe_jax.graph.knowledge import knowledge_graph
from kdiffe_jax.models.kdiffe.knowledge_layer import KnowledgeLayer

DIM = 64
_SLOPE = 0.2


def part(sizes: Sizes) -> Part:
    """Ours against the literal r^T W [z_e || z_j] of every triple."""
    triples = random_dataset(sizes).triples
    heads, relations, tails = jnp.asarray(triples, jnp.int32).T
    size = dict(n_items=sizes.items, n_entities=sizes.entities)
    graph = knowledge_graph(heads, relations, tails, jnp.ones(len(triples)), **size)
    layer = KnowledgeLayer(sizes.relations, DIM)
    rng = np.random.default_rng(0)
    items, entities, cotangent = (
        jnp.asarray(rng.standard_normal((n, DIM)), jnp.float32)
        for n in (sizes.items, sizes.entities, sizes.items)
    )
    params = layer.init(jax.random.key(0), items, entities, graph)["params"]
    inputs = (params, items, entities)
    ours = jax.jit(_with_gradient(lambda p, i, e, g: layer.apply({"params": p}, i, e, g)))
    plain = jax.jit(_with_gradient(literal_layer))
    runs = {
        "ours": lambda: ours(inputs, graph, cotangent),
        "literal, every triple": lambda: plain(inputs, (heads, relations, tails), cotangent),
    }
    work = knowledge_work(sizes, len(triples), dim=DIM)
    return Part(
        f"knowledge layer, forward and backward: {sizes.items} items, {sizes.entities} "
        f"entities, {len(triples)} triples, d = {DIM}",
        [Case(name, run, name.startswith("literal"), work) for name, run in runs.items()],
        check=lambda: _check(*(run() for run in runs.values())),
    )


def knowledge_work(sizes: Sizes, triples: int, *, dim: int) -> Work:
    """Of both directions, in the separable form.

    Forward: two tables of scalars, a sum of entities a triple. Backward: the sum's
    transpose, a dot product a triple, and the tables' two products each.
    """
    rows = sizes.items + sizes.entities
    return Work(
        bytes=3 * 4.0 * rows * dim + 3 * 12.0 * triples,
        gathered=3 * 4.0 * triples * dim,
        operations=3 * 2.0 * triples * dim + 3 * 2.0 * rows * dim * sizes.relations,
    )


def literal_layer(params, items, entities, triples):
    """Eq. 1 and 2 as they stand: one product with W [d, 2 d] for every triple."""
    heads, relations, tails = triples
    n_items = items.shape[0]
    weight = jnp.concatenate([params["entity_weight"], params["item_weight"]], axis=1)
    both = jnp.concatenate([entities[tails], items[heads]], axis=1)
    logits = jnp.sum(params["relations"][relations] * (both @ weight.T), axis=1)
    logits = jax.nn.leaky_relu(logits, _SLOPE)
    largest = jax.lax.stop_gradient(jax.ops.segment_max(logits, heads, n_items))
    exponent = jnp.exp(logits - largest[heads])
    attention = exponent / jax.ops.segment_sum(exponent, heads, n_items)[heads]
    rows = items + jax.ops.segment_sum(attention[:, None] * entities[tails], heads, n_items)
    return rows / jnp.linalg.norm(rows, axis=1, keepdims=True)


def _with_gradient(function):
    def both(inputs, graph, cotangent):
        value, pull = jax.vjp(lambda *x: function(*x, graph), *inputs)
        return value, pull(cotangent)

    return both


def _check(ours, literal):
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(literal), strict=True):
        scale = max(1.0, float(jnp.abs(b).max()))
        np.testing.assert_allclose(a / scale, b / scale, atol=1e-5)
