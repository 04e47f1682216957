"""CLCRec beside its equations, and beside figures of the authors' program where at hand."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.models import clcrec as module
from kdiffe_jax.models.arrays import Batch, Degrees, Inputs, Sizes
from kdiffe_jax.models.clcrec import CLCRec
from tests.models.by_hand import (
    arrays,
    largest_difference,
    model_with,
    random_problem,
    step_of,
    told,
)
from tests.models.links import pair_of
from tests.reference.clcrec import clcrec, content
from tests.reference.models import gradients

WIDTHS = {"image": 5, "text": 3}
HIDDEN, DIM = 6, 4
OPTIONS = dict(temperature=0.7, own_share=0.3, norm_weight=0.4)


class WithPlaces(CLCRec):
    """Takes the places as `aux`, and as the key that draws them."""

    def losses(self, objective, params, batch, inputs, aux, traced, key):
        return super().losses(objective, params, batch, inputs, (), traced, aux)

    def swapped_places(self, key, shape):
        return key


def with_places(sizes, **options):
    model, traced = model_with("clcrec", sizes, **options)
    return WithPlaces(model.options, model.embedding, model.ranking, model.sizes), traced


def inputs_of(features, pairs, sizes):
    """Features as the setup makes them, in the default precision."""
    unit = {n: rows / np.linalg.norm(rows, axis=1, keepdims=True) for n, rows in features.items()}
    counts = (np.bincount(pairs[:, side], minlength=sizes[side]) for side in (0, 1))
    return Inputs(None, features=arrays(unit), degrees=Degrees(*arrays(tuple(counts))))


def padded(users, positives, negatives):
    """A batch with a row of padding; places of it are given too."""
    index = (np.pad(a, [(0, 1)] + [(0, 0)] * (a.ndim - 1)) for a in (users, positives, negatives))
    weights = jnp.ones(len(users) + 1).at[-1].set(0.0)
    ids = (jnp.asarray(a, jnp.int32) for a in index)
    return Batch(*ids, weights, jnp.zeros(1, jnp.int32), jnp.zeros(1))


@pytest.fixture(params=[1, 3])
def problem(request, rng):
    sizes = Sizes(7, 9, feature_widths=tuple(WIDTHS.items()))
    draw = rng.normal
    params = {"users": draw(size=(7, DIM)), "items": draw(size=(9, DIM))}
    params |= {f"map_{name}": draw(size=(width, HIDDEN)) for name, width in WIDTHS.items()}
    output = {"kernel": draw(size=(HIDDEN, DIM)), "bias": draw(size=DIM)}
    params |= {"hidden": draw(size=HIDDEN), "output": output}
    features = {name: draw(size=(9, width)) for name, width in WIDTHS.items()}
    pairs, batch = random_problem(rng)
    more = rng.integers(0, 9, (len(batch), request.param - 1))
    batch = np.concatenate([batch, more], axis=1)
    places = rng.random((len(batch), 1 + request.param)) < 0.4
    return sizes, pairs, batch, params, features, places


@pytest.mark.parametrize("wide", [True], indirect=True, ids=["float64"])
def test_loss_gradients_and_view_are_the_equations(problem, wide):
    sizes, pairs, batch, params, features, places = problem

    def oracle(params):
        return clcrec(params, features, places, batch, **OPTIONS)

    expected = oracle(params)
    slopes = gradients(lambda params: oracle(params)["loss"], params)
    model, traced = with_places(sizes, dim=DIM, hidden=HIDDEN, **OPTIONS)
    inputs = inputs_of(features, pairs, sizes)
    negatives = batch[:, 2] if batch.shape[1] == 3 else batch[:, 2:]
    step = step_of(model, inputs, traced)
    masks = jnp.asarray(np.pad(places, ((0, 1), (0, 0)), constant_values=True))
    (loss, terms), found = step(arrays(params), padded(*batch[:, :2].T, negatives), masks)
    view = model.view(arrays(params), inputs, ())
    trained = np.isin(np.arange(sizes.n_items), pairs[:, 1])[:, None]
    items = np.where(trained, params["items"], content(params, features))
    largest = max(
        largest_difference(terms | {"loss": loss}, expected, relative=True),
        largest_difference(found, slopes, relative=True),
        largest_difference(tuple(view), (params["users"], items), relative=True),
    )
    assert largest < (1e-12)


def test_sparse_features_are_the_same(problem):
    sizes, pairs, _, params, features, _ = problem
    model, _ = model_with("clcrec", sizes, dim=DIM, hidden=HIDDEN)
    dense, params = inputs_of(features, pairs, sizes), arrays(params)
    sparse = {name: pair_of(np.asarray(rows)) for name, rows in dense.features.items()}
    found = model.content(params, dense._replace(features=sparse))
    np.testing.assert_allclose(found, model.content(params, dense), rtol=1e-5, atol=1e-6)


def test_blocks_of_candidates_are_the_whole(problem, monkeypatch):
    sizes, pairs, batch, params, features, places = problem
    model, traced = with_places(sizes, dim=DIM, hidden=HIDDEN, **OPTIONS)
    inputs, negatives = inputs_of(features, pairs, sizes), batch[:, 2:]
    masks = jnp.asarray(np.pad(places, ((0, 1), (0, 0)), constant_values=True))
    found = []
    for at_once in (module._CANDIDATES_AT_ONCE, 3 * masks.shape[1]):
        monkeypatch.setattr(module, "_CANDIDATES_AT_ONCE", at_once)
        step = step_of(model, inputs, traced)
        found.append(step(arrays(params), padded(*batch[:, :2].T, negatives), masks))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), *found)


def test_cold_items_are_no_negatives(setup_of, board):
    cold = 3
    data = dataclasses.replace(board, train=board.train[board.train[:, 1] != cold])
    setup = setup_of("clcrec", data)
    drawn = setup.sampler.epoch(0)
    real = drawn.negatives[drawn.weights > 0]
    assert cold not in real and len(np.unique(real)) > 20


@pytest.mark.parametrize("draws", [0.0, 0.5, 2.0])
def test_places_are_as_if_drawn_with_replacement(rng, draws):
    model, _ = model_with("clcrec", Sizes(7, 9), swapped=draws)
    places = model.swapped_places(jax.random.key(0), (300, 65))
    expected = np.zeros(places.size, bool)
    expected[rng.integers(0, places.size, int(draws * places.size))] = True
    assert abs(places.mean() - expected.mean()) < 0.015


def test_parameters_begin_as_the_authors():
    """Tables as one of Xavier's normal; both layers uniform to inputs^-1/2."""
    sizes = Sizes(70, 90, feature_widths=(("image", 50), ("text", 30)))
    model, _ = model_with("clcrec", sizes, dim=16)
    params = model.init(jax.random.key(0), Inputs(None))
    table = np.concatenate([params["users"], params["items"]])
    assert table.std() == pytest.approx((2 / (70 + 90 + 16)) ** 0.5, rel=0.05)
    kernel = np.concatenate([params["map_image"], params["map_text"]])
    assert 0.95 * 80**-0.5 < np.abs(kernel).max() <= 80**-0.5
    assert 0.95 / 16 < np.abs(params["output"]["kernel"]).max() <= 1 / 16


def params_of(file, prefix):
    """Its parameters, or what stands for each, under our names."""
    n_users, widths = file["hyper"]["n_users"], [file["feature.image"].shape[1]]
    users, items = np.split(file[f"{prefix}.id_embedding"], [n_users])
    image, text = np.split(file[f"{prefix}.encoder1.weight"].T, widths)
    weight, bias = (file[f"{prefix}.encoder2.{part}"] for part in ("weight", "bias"))
    found = {"users": users, "items": items, "map_image": image, "map_text": text}
    output = {"kernel": weight.T, "bias": bias}
    return found | {"hidden": file[f"{prefix}.encoder1.bias"], "output": output}


def test_released_loss_gradients_and_view(released, wide):
    """The gradient is the true one: a place that is drawn twice counts once."""
    file = released("A", "clcrec")
    hyper, features = file["hyper"], {n: file[f"feature.{n}"] for n in ("image", "text")}
    widths = tuple((name, rows.shape[1]) for name, rows in features.items())
    sizes = Sizes(hyper["n_users"], hyper["n_items"], feature_widths=widths)
    model, traced = with_places(
        sizes,
        dim=hyper["dim"],
        hidden=hyper["hidden"],
        negative_items=hyper["negatives"],
        temperature=hyper["temperature"],
        own_share=hyper["own_share"],
        norm_weight=hyper["reg"],
    )
    batch = padded(*(file[f"batch.{n}"] for n in ("users", "positives", "negatives")))
    places = np.zeros(batch.negatives.size + len(batch.positives), bool)
    places[file["mask.swapped_places"]] = True
    places = jnp.asarray(places.reshape(len(batch.positives), -1))
    inputs, params = (
        inputs_of(features, file["interactions"], sizes),
        arrays(params_of(file, "param")),
    )
    (loss, terms), found = step_of(model, inputs, traced)(params, batch, places)
    view = model.view(params, inputs, ())
    ours = {
        "own_feature": terms["own_feature"],
        "user_item": terms["user_item"],
        "reg_weighted": traced["norm_weight"] * terms["rows_length"],
        "total": loss,
    }
    largest = told(
        terms=largest_difference(ours, {n: file[f"loss.{n}"] for n in ours}, relative=True),
        gradients=largest_difference(found, params_of(file, "grad_paper"), relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)
