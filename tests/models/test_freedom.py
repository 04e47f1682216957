"""FREEDOM beside its equations, and beside figures of the authors' program where at hand."""

import jax
import numpy as np
import pytest

from kdiffe_jax.graph.prune_edges import with_edges
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
from tests.models.links import linear_of, nearest_by_cosine, pair_of
from tests.reference.freedom import freedom, rows
from tests.reference.models import gradients

FEATURES = {"image": 5, "text": 3}
SHARES = {"image": 0.3, "text": 0.7}
OPTIONS = dict(layers=2, item_layers=2, content_weight=0.6)


@pytest.fixture
def problem(rng):
    sizes, dim = Sizes(7, 9, feature_widths=tuple(FEATURES.items())), 4
    draw = rng.normal
    params = {"users": draw(size=(7, dim)), "items": draw(size=(9, dim))}
    links = {}
    for name, width in FEATURES.items():
        params[f"features_{name}"] = draw(size=(9, width))
        params[f"map_{name}"] = {"kernel": draw(size=(width, dim)), "bias": draw(size=dim)}
        links[name] = nearest_by_cosine(params[f"features_{name}"], 3)
    pairs, batch = random_problem(rng)
    return sizes, pairs, pairs[::2], links, batch, params


def inputs_of(sizes, pairs, links):
    graphs = {name: pair_of(cosines) for name, cosines in links.items()}
    return Inputs(laplacian_of(pairs, sizes), item_graphs=graphs)


def without_biases(params):
    """Biases have a gradient of 0 by symmetry: what is left of it is rounding."""
    return {
        name: {"kernel": leaf["kernel"]} if name.startswith("map_") else leaf
        for name, leaf in params.items()
    }


@pytest.mark.parametrize("wide", [True], indirect=True, ids=["float64"])
def test_loss_gradients_and_view_are_the_equations(problem, wide):
    """The gradients of the features too, which are trained; all edges rank."""
    sizes, pairs, left, cosines, batch, params = problem
    links = {name: (matrix != 0).astype(float) for name, matrix in cosines.items()}
    graph = dense_laplacian(left, sizes)

    def oracle(params):
        return freedom(params, graph, links, SHARES, batch, **OPTIONS)

    expected = oracle(params)
    slopes = gradients(lambda params: oracle(params)["loss"], params)
    model, traced = model_with("freedom", sizes, dim=4, first_share=0.3, **OPTIONS)
    inputs = inputs_of(sizes, pairs, cosines)
    step = step_of(model, inputs, traced)
    aux = laplacian_of(left, sizes), model.item_graphs(inputs)
    (loss, terms), found = step(arrays(params), padded_batch(batch), aux)
    view = model.view(arrays(params), inputs, ())
    of_all = rows(params, dense_laplacian(pairs, sizes), links, SHARES, layers=2, item_layers=2)
    of_maps = (without_biases(tree) for tree in (found, slopes))
    largest = max(
        largest_difference(terms | {"loss": loss}, expected, relative=True),
        largest_difference(*of_maps, relative=True),
        largest_difference(tuple(view), of_all, relative=True),
    )
    assert largest < (1e-12)


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("one",), (1.0,)), (("one", "two"), (0.4, 0.6)), (("a", "b", "c"), (0.4, 0.3, 0.3))],
)
def test_modalities_share_the_graph(names, expected):
    sizes = Sizes(7, 9, feature_widths=tuple((name, 2) for name in names))
    model, _ = model_with("freedom", sizes, dim=4, first_share=0.4, layers=0)
    graph = np.eye(9)
    inputs = inputs_of(sizes, np.array([[0, 0]]), {name: graph for name in names})
    alone = {
        name: {other: pair_of(graph if other == name else 0 * graph) for other in names}
        for name in names
    }
    params = {"users": np.zeros((7, 4)), "items": np.ones((9, 4))}
    for name, share in zip(names, expected, strict=True):
        view = model.view(params, inputs._replace(item_graphs=alone[name]), ())
        np.testing.assert_allclose(view.items, 1 + share, rtol=1e-6)


def test_sparse_features_are_read_and_not_trained(problem):
    sizes, pairs, left, links, batch, params = problem
    model, traced = model_with("freedom", sizes, dim=4, first_share=0.3, **OPTIONS)
    inputs = inputs_of(sizes, pairs, links)
    sparse = inputs._replace(
        features={name: pair_of(params[f"features_{name}"]) for name in FEATURES}
    )
    fewer = {name: leaf for name, leaf in params.items() if not name.startswith("features")}
    assert model.init(jax.random.key(0), sparse).keys() == fewer.keys()
    aux = laplacian_of(left, sizes), model.item_graphs(inputs)
    (dense, _), _ = step_of(model, inputs, traced)(arrays(params), padded_batch(batch), aux)
    (loss, _), _ = step_of(model, sparse, traced)(arrays(fewer), padded_batch(batch), aux)
    np.testing.assert_allclose(loss, dense, rtol=1e-5)


def of_released(file):
    hyper, pairs = file["hyper"], file["interactions"]
    sizes = Sizes(
        hyper["n_users"],
        hyper["n_items"],
        feature_widths=tuple((n, file[f"param.{n}_features"].shape[1]) for n in FEATURES),
    )
    model, traced = model_with(
        "freedom",
        sizes,
        dim=hyper["dim"],
        layers=hyper["layers"],
        item_layers=hyper["item_layers"],
        item_neighbours=hyper["neighbours"],
        first_share=hyper["image_share"],
        content_weight=hyper["reg"],
        learning_rate=hyper["learning_rate"] or 1.0,
    )
    links = {}
    for name in FEATURES:
        links[name] = np.zeros((sizes.n_items, sizes.n_items))
        np.put_along_axis(links[name], file[f"graph.{name}_neighbours"], 1.0, axis=1)
    inputs = inputs_of(sizes, pairs, links)
    kept = arrays(file["mask.kept_interactions"])
    aux = with_edges(inputs.laplacian, kept), model.item_graphs(inputs)
    batches = np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=-1)
    return model, inputs, traced, aux, batches


def params_of(file, prefix):
    """Its parameters, or what stands for each, under our names."""
    found = {f"{side}s": file[f"{prefix}.{side}_embedding"] for side in ("user", "item")}
    found |= {f"features_{name}": file[f"{prefix}.{name}_features"] for name in FEATURES}
    return found | {f"map_{name}": linear_of(file, prefix, f"{name}_linear") for name in FEATURES}


def terms_of(file):
    names = ("bpr", "bpr_image", "bpr_text")
    return {name: file[f"loss.{name}"] for name in names} | {"loss": file["loss.total"]}


def test_released_loss_gradients_and_view(released, wide):
    file = released("A", "freedom")
    model, inputs, traced, aux, batch = of_released(file)
    params = arrays(params_of(file, "param"))
    (loss, terms), found = step_of(model, inputs, traced)(params, padded_batch(batch), aux)
    view = model.view(params, inputs, ())
    graph = np.zeros(file["graph.masked_adjacency"].shape)
    block = aux[0].to_users
    graph[block.rows, block.columns] = block.values
    gradients = (without_biases(tree) for tree in (found, params_of(file, "grad")))
    largest = told(
        pruned=largest_difference(graph, file["graph.masked_adjacency"]),
        terms=largest_difference(terms | {"loss": loss}, terms_of(file), relative=True),
        gradients=largest_difference(*gradients, relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)


def test_released_steps(released, wide):
    file = released("B", "freedom")
    model, inputs, traced, aux, batches = of_released(file)
    batches = [padded_batch(batch) for batch in batches]
    start = arrays(params_of(file, "param"))
    taken = after_steps(model, inputs, traced, start, batches, [aux] * len(batches))
    (loss, terms), _ = step_of(model, inputs, traced)(taken[3], batches[4], aux)
    view = model.view(taken[4], inputs, ())
    last = {name: values[4] for name, values in terms_of(file).items()}
    seen = (lambda tree: tree) if wide else without_biases
    after = {number: seen(params_of(file, f"after{number}")) for number in (1, 5)}
    largest = told(
        terms=largest_difference(terms | {"loss": loss}, last, relative=True),
        **{f"step {n}": largest_difference(seen(taken[n - 1]), after[n]) for n in after},
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)
