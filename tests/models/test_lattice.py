"""LATTICE beside its equations; there are no figures of its authors' program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.models.arrays import Inputs, Sizes
from kdiffe_jax.models.lattice import nearest
from tests.models.by_hand import (
    arrays,
    dense_laplacian,
    laplacian_of,
    largest_difference,
    model_with,
    padded_batch,
    random_problem,
    step_of,
)
from tests.models.links import nearest_by_cosine, pair_of
from tests.reference.lattice import lattice, mapped_cosines, rows
from tests.reference.models import gradients

WIDTHS = {"image": 5, "sound": 2, "text": 3}
SHAPE = dict(layers=2, item_layers=2, frozen_share=0.3)
DIM, NEAR = 4, 3


def problem_of(rng, names):
    sizes = Sizes(7, 9, feature_widths=tuple((name, WIDTHS[name]) for name in names))
    draw = rng.normal
    params = {"users": draw(size=(7, DIM)), "items": draw(size=(9, DIM))}
    params["modalities"] = draw(size=len(names))
    frozen = {}
    for name in names:
        params[f"features_{name}"] = draw(size=(9, WIDTHS[name]))
        kernel, bias = draw(size=(WIDTHS[name], DIM)), draw(size=DIM)
        params[f"map_{name}"] = {"kernel": kernel, "bias": bias}
        frozen[name] = np.abs(nearest_by_cosine(params[f"features_{name}"], NEAR))
    pairs, batch = random_problem(rng)
    graphs = {name: pair_of(cosines) for name, cosines in frozen.items()}
    inputs = Inputs(laplacian_of(pairs, sizes), item_graphs=graphs)
    near = {name: np.argsort(-mapped_cosines(params, name))[:, :NEAR] for name in names}
    return sizes, inputs, dense_laplacian(pairs, sizes), frozen, near, batch, params


@pytest.mark.parametrize("names", [("image",), ("image", "sound", "text")], ids=len)
def test_loss_gradients_and_view_are_the_equations(rng, names, wide):
    """The nearest items are found anew; the gradient passes through their cosines."""
    sizes, inputs, graph, frozen, near, batch, params = problem_of(rng, names)

    def oracle(params):
        return lattice(params, graph, frozen, near, batch, weight_decay=0.3, **SHAPE)

    expected = oracle(params)
    slopes = gradients(lambda params: oracle(params)["loss"], params)
    options = dict(dim=DIM, item_neighbours=NEAR, weight_decay=0.3) | SHAPE
    model, traced = model_with("lattice", sizes, **options)
    ours = arrays(params)
    carry = model.refresh(ours, inputs, model.first_carry(inputs), None)
    aux = model.open(inputs, carry, None)
    for name, listed in aux.near.items():
        np.testing.assert_array_equal(np.sort(listed), np.sort(near[name]))
    (loss, terms), found = step_of(model, inputs, traced)(ours, padded_batch(batch), aux)
    if len(names) == 1:  # the softmax of one number is 1
        assert not found.pop("modalities").any() and not slopes.pop("modalities").any()
    view = model.view(ours, inputs, carry)
    ranks = rows(params, graph, frozen, near, **SHAPE)
    largest = max(
        largest_difference(terms | {"loss": loss}, expected, relative=True),
        largest_difference(found, slopes, relative=True),
        largest_difference(tuple(view), ranks, relative=True),
    )
    assert largest < (1e-12 if wide else 2e-5)


def test_links_stay_within_an_epoch_and_their_cosines_do_not(rng):
    """Other parameters are other values of the same links; `refresh` finds others."""
    sizes, inputs, graph, frozen, near, _, params = problem_of(rng, ("image", "text"))
    model, _ = model_with("lattice", sizes, dim=DIM, item_neighbours=NEAR, **SHAPE)
    carry = model.refresh(arrays(params), inputs, model.first_carry(inputs), None)
    later = params | {"map_text": params["map_image"] | {"kernel": rng.normal(size=(3, DIM))}}
    view = model.view(arrays(later), inputs, carry)
    ranks = rows(later, graph, frozen, near, **SHAPE)
    assert largest_difference(tuple(view), ranks, relative=True) < 2e-5
    listed = model.open(inputs, model.refresh(arrays(later), inputs, carry, None), None).near
    anew = np.argsort(-mapped_cosines(later, "text"))[:, :NEAR]
    np.testing.assert_array_equal(np.sort(listed["text"]), np.sort(anew))
    assert (np.sort(listed["text"]) != np.sort(near["text"])).any()


def test_nearest_items_over_blocks_and_of_items_alike(rng):
    """150 items of 30 kinds: what decides between items alike is not their number."""
    kinds = rng.normal(size=(30, 8))
    table = jnp.asarray(kinds / np.linalg.norm(kinds, axis=1, keepdims=True))
    of_items = rng.permutation(np.repeat(np.arange(30), 5))
    ties = jnp.asarray(rng.random(150))
    found = np.asarray(nearest(table[of_items], ties, 3))
    assert (found[:, 0] == np.arange(150)).all()
    for item, others in enumerate(found[:, 1:]):
        alike = np.flatnonzero((of_items == of_items[item]) & (np.arange(150) != item))
        first = alike[np.argsort(-ties[alike])][:2]
        assert sorted(others) == sorted(first)


def test_what_decides_between_items_alike_decides_between_no_others(rng):
    """Narrow clusters, whose cosines differ in the fourth digit."""
    centres = np.repeat(rng.normal(size=(4, 16)), 50, axis=0)
    rows = centres + 0.02 * rng.normal(size=centres.shape)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = np.asarray(nearest(jnp.asarray(rows), jnp.asarray(rng.random(200)), 10))
    exact = np.argsort(-(rows @ rows.T), axis=1)[:, :10]
    same = [len(set(a) & set(b)) for a, b in zip(found, exact, strict=True)]
    assert np.mean(same) > 9.8


def test_sparse_features_are_read_and_not_trained(rng):
    sizes, dense, _, _, _, batch, params = problem_of(rng, ("image", "text"))
    model, traced = model_with("lattice", sizes, dim=DIM, item_neighbours=NEAR, **SHAPE)
    features = {name: pair_of(params[f"features_{name}"]) for name in ("image", "text")}
    sparse, params = dense._replace(features=features), arrays(params)
    fewer = {name: leaf for name, leaf in params.items() if not name.startswith("features")}
    assert jax.tree.structure(model.init(jax.random.key(0), sparse)) == jax.tree.structure(fewer)
    carry = model.refresh(fewer, sparse, model.first_carry(sparse), None)
    batch, aux = padded_batch(batch), model.open(dense, carry, None)
    (expected, _), _ = step_of(model, dense, traced)(params, batch, aux)
    (loss, _), _ = step_of(model, sparse, traced)(fewer, batch, aux)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
