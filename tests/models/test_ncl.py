"""NCL beside its equations, and beside figures of the authors' program where they are at hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.models.arrays import Inputs, Sizes
from kdiffe_jax.models.ncl import Prototypes
from kdiffe_jax.ops.k_means import Clusters, k_means
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
from tests.reference.ncl import ncl

WEIGHTS = dict(
    temperature=0.4,
    structure_weight=0.7,
    structure_item_weight=1.5,
    prototype_weight=0.6,
    prototype_item_weight=0.8,
    norm_weight=0.3,
)


@pytest.fixture
def problem(rng):
    sizes = Sizes(7, 9)
    params = {"users": rng.normal(size=(7, 4)), "items": rng.normal(size=(9, 4))}
    clusters = {
        side: (rng.normal(size=(3, 4)), rng.integers(3, size=len(rows)))
        for side, rows in params.items()
    }
    return sizes, *random_problem(rng), params, clusters


def prototypes(clusters, epoch):
    """What a step reads: `clusters` by side, before an epoch."""
    sides = (Clusters(arrays(c), jnp.asarray(n, jnp.int32)) for c, n in clusters.values())
    return Prototypes(jnp.int32(epoch), *sides)


@pytest.mark.parametrize("wide", [True], indirect=True, ids=["float64"])
@pytest.mark.parametrize(("layers", "hyper_layers"), [(3, 1), (1, 1), (2, 2)])
def test_loss_and_gradients_are_the_equations(problem, wide, layers, hyper_layers):
    """Also where the contrasted layer is none of those that are pooled."""
    sizes, pairs, batch, params, clusters = problem
    graph, depths = dense_laplacian(pairs, sizes), dict(layers=layers, hyper_layers=hyper_layers)

    def oracle(params):
        return ncl(params, graph, clusters, batch, **WEIGHTS, **depths)

    expected = oracle(params)
    gradients = models.gradients(lambda params: oracle(params)["loss"], params)
    model, traced = model_with("ncl", sizes, dim=4, warm_up_epochs=2, **WEIGHTS, **depths)
    step = step_of(model, Inputs(laplacian_of(pairs, sizes)), traced)
    (loss, terms), found = step(arrays(params), padded_batch(batch), prototypes(clusters, 2))
    tolerance = 1e-12
    assert largest_difference(terms | {"loss": loss}, expected, relative=True) < tolerance
    assert largest_difference(found, gradients, relative=True) < tolerance


def test_centres_count_after_the_warm_up_alone(problem):
    sizes, pairs, batch, params, clusters = problem
    model, traced = model_with("ncl", sizes, dim=4, warm_up_epochs=2, **WEIGHTS)
    step = step_of(model, Inputs(laplacian_of(pairs, sizes)), traced)
    (early, terms), _ = step(arrays(params), padded_batch(batch), prototypes(clusters, 1))
    (warm, same), _ = step(arrays(params), padded_batch(batch), prototypes(clusters, 2))
    assert terms == same
    of_items = WEIGHTS["prototype_item_weight"] * terms["prototype_items"]
    more = WEIGHTS["prototype_weight"] * (terms["prototype_users"] + of_items)
    np.testing.assert_allclose(warm - early, more, rtol=1e-5)


def test_clusters_are_made_anew_before_each_epoch_once_it_is_time(problem):
    """Of each side's layer 0; never more clusters than nodes."""
    sizes, pairs, _, params, _ = problem
    model, _ = model_with("ncl", sizes, dim=4, warm_up_epochs=1, clusters=8)
    inputs, params = Inputs(laplacian_of(pairs, sizes)), arrays(params)
    carry, refresh = model.first_carry(inputs), jax.jit(model.refresh)
    shapes = jax.tree.map(jnp.shape, carry)
    assert shapes.users.centres == (7, 4) and shapes.items.centres == (8, 4)
    for epoch in range(3):
        before, key = carry, jax.random.key(epoch)
        carry = refresh(params, inputs, carry, key)
        assert carry.epoch == epoch and jax.tree.map(jnp.shape, carry) == shapes
        keys = jax.random.split(key)
        expected = Prototypes(
            carry.epoch,
            k_means(params["users"], keys[0], clusters=7),
            k_means(params["items"], keys[1], clusters=8),
        )
        expected = before._replace(epoch=carry.epoch) if epoch < 1 else expected
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), carry, expected)


def of_released(file):
    """Its sums over a batch are means here, so weights are times the batch's size."""
    hyper, batch = file["hyper"], file["hyper"]["batch"]
    sizes = Sizes(hyper["n_users"], hyper["n_items"])
    model, traced = model_with(
        "ncl",
        sizes,
        dim=hyper["dim"],
        layers=hyper["layers"],
        hyper_layers=hyper["hyper_layers"],
        temperature=hyper["temperature"],
        structure_weight=hyper["structure"] * batch,
        structure_item_weight=hyper["alpha"],
        prototype_weight=hyper["prototype"] * batch,
        warm_up_epochs=1,
        norm_weight=hyper["reg"],
        learning_rate=hyper["learning_rate"] or 1.0,
    )
    batches = np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=-1)
    return model, Inputs(laplacian_of(file["interactions"], sizes)), traced, batches


def clusters_of(file, warm):
    kinds = ("centroids", "assignment")
    sides = {
        f"{s}s": tuple(file[f"cluster.{s}_{kind}"] for kind in kinds) for s in ("user", "item")
    }
    return prototypes(sides, int(warm))


def tables(file, prefix):
    return {f"{side}s": file[f"{prefix}.{side}_embedding"] for side in ("user", "item")}


def terms_of(file):
    """Its terms under our names."""
    found = {"bpr": file["loss.bpr"], "norm": file["loss.reg"], "loss": file["loss.total"]}
    for name in ("structure_users", "structure_items", "prototype_users", "prototype_items"):
        found[name] = file[f"loss.{name}_sum"] / file["hyper"]["batch"]
    return found


def test_released_loss_gradients_and_view(released, wide):
    file = released("A", "ncl")
    model, inputs, traced, batch = of_released(file)
    params, clusters = arrays(tables(file, "param")), clusters_of(file, warm=True)
    step = step_of(model, inputs, traced)
    (loss, terms), found = step(params, padded_batch(batch), clusters)
    view = model.view(params, inputs, ())
    largest = told(
        terms=largest_difference(terms | {"loss": loss}, terms_of(file), relative=True),
        gradients=largest_difference(found, tables(file, "grad"), relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)


def test_released_steps(released, wide):
    """Of its five steps the first two are before the warm-up's end."""
    file = released("B", "ncl")
    model, inputs, traced, batches = of_released(file)
    clusters = [clusters_of(file, warm) for warm in file["hyper"]["warm"]]
    batches = [padded_batch(batch) for batch in batches]
    start, step = arrays(tables(file, "param")), step_of(model, inputs, traced)
    taken = after_steps(model, inputs, traced, start, batches, clusters)
    losses = [
        (terms | {"loss": loss})
        for (loss, terms), _ in map(step, [start, *taken[:-1]], batches, clusters)
    ]
    losses = jax.tree.map(lambda *one: jnp.stack(one), *losses)
    view = model.view(taken[4], inputs, ())
    after = {number: tables(file, f"after{number}") for number in (1, 5)}
    largest = told(
        terms=largest_difference(losses, terms_of(file), relative=True),
        **{f"step {n}": largest_difference(taken[n - 1], after[n]) for n in after},
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)
