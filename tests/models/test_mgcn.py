"""MGCN beside its equations, and beside figures of the authors' program where at hand."""

import jax
import numpy as np
import pytest

from kdiffe_jax.models.arrays import Inputs, Sizes
from tests.models.by_hand import (
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
from tests.reference.mgcn import mgcn, rows
from tests.reference.models import gradients

WIDTHS = {"image": 5, "sound": 2, "text": 3}
OPTIONS = dict(layers=2, item_layers=2, contrast_weight=0.6, temperature=0.7, weight_decay=0.3)


def problem_of(rng, names, dim=4):
    sizes = Sizes(7, 9, feature_widths=tuple((name, WIDTHS[name]) for name in names))
    draw = rng.normal

    def linear(width):
        return {"kernel": draw(size=(width, dim)), "bias": draw(size=dim)}

    params = {"users": draw(size=(7, dim)), "items": draw(size=(9, dim))}
    params |= {"query": linear(dim), "attention": draw(size=(dim, 1))}
    links = {}
    for name in names:
        params[f"features_{name}"] = draw(size=(9, WIDTHS[name]))
        params |= {f"map_{name}": linear(WIDTHS[name])}
        params |= {f"{what}_{name}": linear(dim) for what in ("gate", "prefer")}
        links[name] = np.abs(nearest_by_cosine(params[f"features_{name}"], 3))
    return sizes, *random_problem(rng), links, params


def inputs_of(sizes, pairs, links):
    graphs = {name: pair_of(cosines) for name, cosines in links.items()}
    return Inputs(laplacian_of(pairs, sizes), item_graphs=graphs)


@pytest.mark.parametrize("wide", [True], indirect=True, ids=["float64"])
@pytest.mark.parametrize("names", [("image",), ("image", "sound", "text")], ids=len)
def test_loss_gradients_and_view_are_the_equations(rng, names, wide):
    """The gradients of the features too, which are trained; with any number of modalities."""
    sizes, pairs, batch, links, params = problem_of(rng, names)
    graph = dense_laplacian(pairs, sizes)

    def oracle(params):
        return mgcn(params, graph, links, batch, **OPTIONS)

    expected = oracle(params)
    slopes = gradients(lambda params: oracle(params)["loss"], params)
    model, traced = model_with("mgcn", sizes, dim=4, **OPTIONS)
    inputs = inputs_of(sizes, pairs, links)
    aux = model.open(inputs, (), None)
    (loss, terms), found = step_of(model, inputs, traced)(arrays(params), padded_batch(batch), aux)
    view = np.concatenate(model.view(arrays(params), inputs, ()))
    if len(names) == 1:  # nothing is specific to it
        for name in ("query", "attention", "prefer_image"):
            assert not any(np.asarray(leaf).any() for leaf in jax.tree.leaves(found.pop(name)))
            slopes.pop(name)
    ranks = sum(rows(params, graph, links, layers=2, item_layers=2))
    largest = max(
        largest_difference(terms | {"loss": loss}, expected, relative=True),
        largest_difference(found, slopes, relative=True),
        largest_difference(view, ranks, relative=True),
    )
    assert largest < (1e-12)


def test_sparse_features_are_read_and_not_trained(rng):
    sizes, pairs, batch, links, params = problem_of(rng, ("image", "text"))
    model, traced = model_with("mgcn", sizes, dim=4, **OPTIONS)
    dense = inputs_of(sizes, pairs, links)
    features = {name: pair_of(params[f"features_{name}"]) for name in links}
    sparse, params = dense._replace(features=features), arrays(params)
    fewer = {name: leaf for name, leaf in params.items() if not name.startswith("features")}
    assert jax.tree.structure(model.init(jax.random.key(0), sparse)) == jax.tree.structure(fewer)
    batch, aux = padded_batch(batch), model.open(dense, (), None)
    (expected, _), _ = step_of(model, dense, traced)(params, batch, aux)
    (loss, _), _ = step_of(model, sparse, traced)(fewer, batch, aux)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def of_released(file):
    hyper, names = file["hyper"], ("image", "text")
    widths = tuple((name, file[f"param.{name}_features"].shape[1]) for name in names)
    sizes = Sizes(hyper["n_users"], hyper["n_items"], feature_widths=widths)
    model, traced = model_with(
        "mgcn",
        sizes,
        dim=hyper["dim"],
        layers=hyper["layers"],
        item_layers=hyper["item_layers"],
        item_neighbours=hyper["neighbours"],
        contrast_weight=hyper["contrast"],
        temperature=hyper["temperature"],
        weight_decay=hyper["reg"],
    )
    features = {name: file[f"param.{name}_features"] for name in names}
    links = {name: nearest_by_cosine(rows, hyper["neighbours"]) for name, rows in features.items()}
    batch = np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=-1)
    return model, inputs_of(sizes, file["interactions"], links), traced, batch


def params_of(file, prefix):
    """Its parameters, or what stands for each, under our names."""
    found = {f"{side}s": file[f"{prefix}.{side}_embedding"] for side in ("user", "item")}
    found["query"] = linear_of(file, prefix, "query1")
    found["attention"] = linear_of(file, prefix, "query2")["kernel"]
    for name in ("image", "text"):
        found[f"features_{name}"] = file[f"{prefix}.{name}_features"]
        found[f"map_{name}"] = linear_of(file, prefix, f"{name}_linear")
        for what in ("gate", "prefer"):
            found[f"{what}_{name}"] = linear_of(file, prefix, f"{what}_{name}")
    return found


def test_released_loss_gradients_and_view(released, wide):
    """The graphs are made of the features; they are those of the program."""
    file = released("A", "mgcn")
    model, inputs, traced, batch = of_released(file)
    params, aux = arrays(params_of(file, "param")), model.open(inputs, (), None)
    (loss, terms), found = step_of(model, inputs, traced)(params, padded_batch(batch), aux)
    view = model.view(params, inputs, ())
    graphs = {}
    for name, (links, scale) in aux.items():
        graphs[name] = np.zeros((len(scale), len(scale)))
        graphs[name][links.forward.rows, links.forward.columns] = links.forward.values
        graphs[name] *= np.asarray(scale * scale.T)
    ours = {
        "bpr": terms["bpr"],
        "reg_weighted": traced["weight_decay"] * terms["rows_norm"],
        "contrast": terms["info_nce_users"] + terms["info_nce_items"],
        "total": loss,
    }
    largest = told(
        graphs=largest_difference(graphs, {n: file[f"graph.{n}_graph"] for n in graphs}),
        terms=largest_difference(ours, {n: file[f"loss.{n}"] for n in ours}, relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    slopes = params_of(file, "grad")
    biases = [tree["query"].pop("bias") for tree in (found, slopes)]  # a difference of two sums
    of_gradients = told(
        gradients=largest_difference(found, slopes, relative=True),
        bias_of_the_query=largest_difference(*biases, relative=True),
    )
    assert largest < (1e-9 if wide else 2e-6) and of_gradients < (1e-9 if wide else 1e-4)
