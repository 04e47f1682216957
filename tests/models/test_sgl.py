"""SGL beside its equations, and beside figures of the authors' program where they are at hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from kdiffe_jax.models.arrays import Inputs, Sizes
from tests.models.by_hand import (
    after_steps,
    arrays,
    dense_laplacian,
    laplacian_of,
    largest_difference,
    model_with,
    padded_batch,
    random_problem,
    step_of,
    told,
)
from tests.reference import models

OPTIONS = dict(layers=3, weight_decay=0.3, contrast_weight=0.7, temperature=0.4)


@pytest.fixture
def problem(rng):
    sizes = Sizes(7, 9)
    params = {"users": rng.normal(size=(7, 4)), "items": rng.normal(size=(9, 4))}
    pairs, batch = random_problem(rng)
    kept = [pairs[rng.random(len(pairs)) < 0.7] for _ in range(2)]
    return sizes, pairs, kept, batch, params


def test_loss_and_gradients_are_the_equations(problem, wide):
    sizes, pairs, kept, batch, params = problem
    graphs = [dense_laplacian(edges, sizes) for edges in (pairs, *kept)]

    def oracle(params):
        return models.sgl(params, graphs[0], graphs[1:], batch, **OPTIONS)

    expected = oracle(params)
    gradients = models.gradients(lambda params: oracle(params)["loss"], params)
    model, traced = model_with("sgl", sizes, dim=4, **OPTIONS)
    step = step_of(model, Inputs(laplacian_of(pairs, sizes)), traced)
    views = tuple(laplacian_of(edges, sizes) for edges in kept)
    (loss, terms), found = step(arrays(params), padded_batch(batch), views)
    tolerance = 1e-12 if wide else 1e-5
    assert largest_difference(terms | {"loss": loss}, expected, relative=True) < tolerance
    assert largest_difference(found, gradients, relative=True) < tolerance


def test_an_epoch_has_two_graphs_without_some_edges(rng):
    """Degrees are taken anew, and an edge goes in both directions."""
    sizes = Sizes(20, 30)
    pairs = np.argwhere(rng.random((20, 30)) < 0.5)
    model, _ = model_with("sgl", sizes, edge_drop=0.3)
    whole = laplacian_of(pairs, sizes)
    drawn = model.open(Inputs(whole), (), jax.random.key(0))
    left = [np.asarray(graph.to_users.values) > 0 for graph in drawn]
    assert all(0.6 < kept.mean() < 0.8 for kept in left) and (left[0] != left[1]).any()
    for graph, kept in zip(drawn, left, strict=True):
        expected = dense_laplacian(pairs[kept], sizes)[:20, 20:]
        for block, dense in zip(graph, (expected, expected.T), strict=True):
            found = np.zeros(dense.shape)
            found[block.rows, block.columns] = block.values
            np.testing.assert_allclose(found, dense, rtol=1e-5)


@pytest.mark.parametrize("augmentation", ("nodes", "walk"))
def test_other_views_are_contrasted_alike(problem, augmentation):
    """One graph, and the same graph in every layer."""
    sizes, pairs, kept, batch, params = problem
    inputs, views = Inputs(laplacian_of(pairs, sizes)), [laplacian_of(k, sizes) for k in kept]
    of_layers = [(view,) * OPTIONS["layers"] for view in views]
    found = {}
    for name, aux in {"edges": views, augmentation: of_layers}.items():
        model, traced = model_with("sgl", sizes, dim=4, augmentation=name, **OPTIONS)
        aux = views if name == "nodes" else aux
        found[name] = step_of(model, inputs, traced)(arrays(params), padded_batch(batch), aux)
    assert largest_difference(found[augmentation], found["edges"]) < 1e-6


def test_every_layer_of_a_walk_is_over_its_own_graph(problem):
    sizes, pairs, kept, _, params = problem
    model, _ = model_with("sgl", sizes, dim=4, augmentation="walk", **OPTIONS)
    layers = [np.concatenate([params["users"], params["items"]])]
    for edges in (*kept, pairs):
        layers.append(dense_laplacian(edges, sizes) @ layers[-1])
    graphs = [laplacian_of(edges, sizes) for edges in (*kept, pairs)]
    layer_zero = model.layer_zero(arrays(params), Inputs(graphs[-1]))
    found = model.over_layers(graphs, layer_zero)
    np.testing.assert_allclose(np.concatenate(found), sum(layers) / 4, rtol=1e-4, atol=1e-6)


def test_what_the_views_of_each_augmentation_lose(rng):
    """An exact share of the nodes, or other edges in every layer."""
    sizes = Sizes(20, 30)
    inputs = Inputs(laplacian_of(np.argwhere(rng.random((20, 30)) < 0.5), sizes))
    of = dict(edge_drop=0.3, layers=3)
    model, _ = model_with("sgl", sizes, augmentation="nodes", **of)
    for graph in model.open(inputs, (), jax.random.key(0)):
        for block, lost in zip(graph, (6, 9), strict=True):
            entries = np.bincount(
                block.rows, np.asarray(block.values) > 0, len(block.row_starts) - 1
            )
            assert (entries == 0).sum() == lost
    model, _ = model_with("sgl", sizes, augmentation="walk", **of)
    views = model.open(inputs, (), jax.random.key(0))
    left = [np.asarray(graph.to_users.values) > 0 for view in views for graph in view]
    assert len(left) == 6 and len({kept.tobytes() for kept in left}) == 6
    assert all(0.6 < kept.mean() < 0.8 for kept in left)


def of_released(file):
    """Its model, inputs and parameters; the two graphs of its epoch; its batches."""
    hyper, pairs = file["hyper"], file["interactions"]
    sizes = Sizes(hyper["n_users"], hyper["n_items"])
    model, traced = model_with(
        "sgl",
        sizes,
        dim=hyper["dim"],
        layers=hyper["layers"],
        weight_decay=hyper["reg"],
        contrast_weight=hyper["contrast"],
        temperature=hyper["temperature"],
        augmentation={"ed": "edges", "nd": "nodes"}[hyper["augmentation"]],
        learning_rate=hyper["learning_rate"] or 1.0,
    )
    kept = (file[f"mask.kept_interactions_view{number}"] > 0 for number in (1, 2))
    views = tuple(laplacian_of(pairs[mask], sizes) for mask in kept)
    batches = np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=-1)
    return model, Inputs(laplacian_of(pairs, sizes)), traced, views, batches


def tables(file, prefix):
    return {f"{side}s": file[f"{prefix}.{side}_embedding"] for side in ("user", "item")}


def means(file, size):
    """Its sums over a batch as means, under our names."""
    names = {
        "bpr": "bpr",
        "rows_norm": "reg",
        "info_nce_users": "contrast_users",
        "info_nce_items": "contrast_items",
    }
    found = {ours: file[f"loss.{theirs}_sum"] / size for ours, theirs in names.items()}
    return found | {"loss": file["loss.total"] / size}


@pytest.mark.parametrize("which", ("A", "B"))
def test_released_nodes_that_go_take_their_edges_along(released, which):
    """As many as `drop_nodes` takes."""
    file = released(which, "sgl_nd")
    for view in ("view1", "view2"):
        gone = [file[f"mask.dropped_{side}_{view}"] > 0 for side in ("users", "items")]
        lost = gone[0][file["interactions"][:, 0]] | gone[1][file["interactions"][:, 1]]
        np.testing.assert_array_equal(file[f"mask.kept_interactions_{view}"] > 0, ~lost)
        share = file["hyper"]["drop"]
        assert [side.sum() for side in gone] == [int(len(side) * share) for side in gone]


NAMES = pytest.mark.parametrize("name", ("sgl", "sgl_nd"))


@NAMES
def test_released_loss_gradients_and_view(released, wide, name):
    file = released("A", name)
    model, inputs, traced, views, batch = of_released(file)
    params = arrays(tables(file, "param"))
    (loss, terms), found = step_of(model, inputs, traced)(params, padded_batch(batch), views)
    view = model.view(params, inputs, ())
    size = len(batch)
    gradients = {name: rows / size for name, rows in tables(file, "grad").items()}
    largest = told(
        terms=largest_difference(terms | {"loss": loss}, means(file, size), relative=True),
        gradients=largest_difference(found, gradients, relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)


@NAMES
def test_released_steps(released, wide, name):
    """Adam on sums is Adam on means with another epsilon."""
    file = released("B", name)
    model, inputs, traced, views, batches = of_released(file)
    start, size = arrays(tables(file, "param")), batches.shape[1]
    batches = [padded_batch(batch) for batch in batches]
    adam = optax.adam(traced["learning_rate"], eps=1e-8 / size)
    taken, losses = steps_with(adam, step_of(model, inputs, traced), start, batches, views)
    ours = after_steps(model, inputs, traced, start, batches, [views] * len(batches))
    view = model.view(taken[-1], inputs, ())
    after = {number: tables(file, f"after{number}") for number in (1, 5)}
    largest = told(
        terms=largest_difference(losses, means(file, size), relative=True),
        **{f"step {n}": largest_difference(taken[n - 1], after[n]) for n in after},
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)
    largest = told(
        **{f"step {n} of means": largest_difference(ours[n - 1], after[n]) for n in after}
    )
    assert largest < 2e-6


def steps_with(optimiser, step, params, batches, aux):
    """Parameters after each step, and every term of each."""
    state, taken, losses = optimiser.init(params), [], []
    for batch in batches:
        (loss, terms), gradients = step(params, batch, aux)
        updates, state = optimiser.update(gradients, state)
        params = optax.apply_updates(params, updates)
        taken.append(params)
        losses.append(terms | {"loss": loss})
    return taken, jax.tree.map(lambda *one: jnp.stack(one), *losses)
