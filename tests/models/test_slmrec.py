"""SLMRec beside its equations, and beside figures of MMRec's program where they are at hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.models.arrays import Inputs, Sizes
from kdiffe_jax.ops.sparse import sparse_pair
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
from tests.reference.slmrec import final_streams, slmrec

OPTIONS = dict(
    layers=2,
    temperature=0.4,
    contrast_weight=0.7,
    contrast_temperature=1.3,
    weight_decay=0.03,
)
WIDTHS = {"audio": 4, "image": 5, "text": 3, "video": 6}
FEATURES = ("image", "text")


def sizes_of(n_modalities):
    return Sizes(7, 9, feature_widths=tuple(WIDTHS.items())[:n_modalities])


def drawn_params(rng, model):
    """Parameters of every shape that the model has, small enough for exact exponentials."""
    dim, (users, items) = model.embedding.dim, model.sizes[:2]

    def draw(*shape):
        return 0.5 * rng.normal(size=shape)

    maps = {n: {"kernel": draw(*s), "bias": draw(s[1])} for n, s in model.maps().items()}
    return {"users": draw(users, dim), "items": draw(items, dim)} | maps


THOROUGH = [pytest.param(n, marks=pytest.mark.thorough) for n in (3, 4)]


@pytest.fixture(params=[1, 2, *THOROUGH])
def problem(request, rng):
    sizes = sizes_of(request.param)
    model, _ = model_with("slmrec", sizes, dim=4, **OPTIONS)
    features = {name: rng.normal(size=(9, width)) for name, width in sizes.feature_widths}
    return sizes, *random_problem(rng), drawn_params(rng, model), features


@pytest.mark.parametrize("wide", [True], indirect=True, ids=["float64"])
def test_loss_and_gradients_are_the_equations(problem, wide):
    """Of one modality to four."""
    sizes, pairs, batch, params, features = problem
    graph = dense_laplacian(pairs, sizes)

    def oracle(params):
        return slmrec(params, graph, features, batch, **OPTIONS)

    expected = oracle(params)
    gradients = models.gradients(lambda params: oracle(params)["loss"], params)
    model, traced = model_with("slmrec", sizes, dim=4, **OPTIONS)
    inputs = Inputs(laplacian_of(pairs, sizes), features=arrays(features))
    (loss, terms), found = step_of(model, inputs, traced)(arrays(params), padded_batch(batch), ())
    tolerance = 1e-12
    largest = told(
        terms=largest_difference(terms | {"loss": loss}, expected, relative=True),
        gradients=relative_to_all(found, gradients),
    )
    assert largest < tolerance


def relative_to_all(found, expected):
    """Over the largest entry of all arrays: of some every entry is zero but for rounding."""
    largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(expected))
    return largest_difference(found, expected) / largest


def test_sparse_features_give_the_same(problem):
    sizes, pairs, batch, params, features = problem
    model, traced = model_with("slmrec", sizes, dim=4, **OPTIONS)
    laplacian = laplacian_of(pairs, sizes)
    rows = {name: sparse_pair(sparse.csr_array(table)) for name, table in features.items()}
    dense, thin = (
        step_of(model, Inputs(laplacian, features=given), traced)(
            arrays(params), padded_batch(batch), ()
        )
        for given in (arrays(features), rows)
    )
    assert largest_difference(thin, dense) < 1e-5


@pytest.mark.parametrize(
    ("n_modalities", "widths", "between"),
    [(1, [6], False), (2, [6, 3], True), (3, [6, 6, 3], False), (4, [6, 6, 6, 3], False)],
)
def test_the_last_link_of_several_has_half_the_width(n_modalities, widths, between):
    model, _ = model_with("slmrec", sizes_of(n_modalities), dim=6)
    features = {n: jnp.ones((9, width)) for n, width in model.sizes.feature_widths}
    params = model.init(jax.random.key(0), Inputs(None, features=features))
    for kind in ("onto", "of"):
        kernels = [params[f"{kind}_{name}"]["kernel"] for name in features]
        assert [kernel.shape for kernel in kernels] == [(6, width) for width in widths]
    assert ("between" in params) == between


def test_streams_over_one_users_table_are_propagated_alone(problem, wide):
    """What comes of users and of items, added, is the propagation of both."""
    sizes, pairs, _, params, features = problem
    model, _ = model_with("slmrec", sizes, dim=4, **OPTIONS)
    laplacian = laplacian_of(pairs, sizes)
    inputs = Inputs(laplacian, features=arrays(features))
    streams = model.streams(arrays(params), inputs, laplacian)
    expected = final_streams(params, dense_laplacian(pairs, sizes), features, 2)
    users, items = (np.concatenate(rows, axis=1) for rows in zip(*expected, strict=True))
    tolerance = 1e-12 if wide else 1e-5
    assert largest_difference((streams.users, streams.items), (users, items)) < tolerance


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def of_released(file):
    hyper = file["hyper"]
    features = {name: unit(file[f"feature.{name}"]) for name in FEATURES}
    widths = tuple((name, rows.shape[1]) for name, rows in features.items())
    sizes = Sizes(hyper["n_users"], hyper["n_items"], feature_widths=widths)
    model, traced = model_with(
        "slmrec",
        sizes,
        dim=hyper["dim"],
        layers=hyper["layers"],
        temperature=hyper["temperature"],
        contrast_weight=hyper["chain"],
        contrast_temperature=hyper["chain_temperature"],
        weight_decay=hyper["weight_decay"],
        learning_rate=hyper["learning_rate"] or 1.0,
    )
    batches = np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=-1)
    inputs = Inputs(laplacian_of(file["interactions"], sizes), features=arrays(features))
    return model, inputs, traced, batches


def params_of(file, prefix):
    """Its parameters, or what stands for each, under our names."""
    names = {
        "map_image": "image_linear",
        "map_text": "text_linear",
        "read_users": "read_users",
        "read_items": "read_items",
        "onto_image": "g_id",
        "of_image": "h_image",
        "between": "g_middle",
        "onto_text": "g_last",
        "of_text": "h_text",
    }
    found = {f"{side}s": file[f"{prefix}.{side}_embedding"] for side in ("user", "item")}
    for ours, theirs in names.items():
        kernel, bias = (file[f"{prefix}.{theirs}.{part}"] for part in ("weight", "bias"))
        found[ours] = {"kernel": kernel.T, "bias": bias}
    return found


def without_symmetric(params):
    """Without the biases whose gradient is zero but for rounding."""
    return {
        name: {"kernel": entry["kernel"]} if name.startswith("of_") else entry
        for name, entry in params.items()
    }


def terms_of(file):
    names = {"batch_softmax": "main", "loss": "total"}
    names |= {f"chain_{name}": f"chain_{name}" for name in FEATURES}
    return {ours: file[f"loss.{theirs}"] for ours, theirs in names.items()}


def compared_terms(terms, loss, traced):
    """Its total leaves out what its optimiser adds."""
    norm = terms.pop("parameters_norm")
    return terms | {"loss": loss - traced["weight_decay"] * norm}


def test_released_loss_gradients_and_view(released, wide):
    file = released("A", "slmrec")
    model, inputs, traced, batch = of_released(file)
    params = arrays(params_of(file, "param"))
    (loss, terms), found = step_of(model, inputs, traced)(params, padded_batch(batch), ())
    view, expected = model.view(params, inputs, ()), params_of(file, "grad")
    found_terms = compared_terms(terms, loss, traced)
    symmetric = [found[f"of_{name}"]["bias"] for name in FEATURES]
    largest = told(
        terms=largest_difference(found_terms, terms_of(file), relative=True),
        gradients=largest_difference(
            without_symmetric(found), without_symmetric(expected), relative=True
        ),
        zeros=largest_difference(symmetric, [np.zeros(bias.shape) for bias in symmetric]),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)


def test_released_steps(released, wide):
    """Weight decay is half the squared parameters in the loss."""
    file = released("B", "slmrec")
    model, inputs, traced, batches = of_released(file)
    batches = [padded_batch(batch) for batch in batches]
    start = arrays(params_of(file, "param"))
    taken = after_steps(model, inputs, traced, start, batches, [()] * len(batches))
    (loss, terms), _ = step_of(model, inputs, traced)(taken[3], batches[4], ())
    view = model.view(taken[4], inputs, ())
    last = {name: values[4] for name, values in terms_of(file).items()}
    after = {number: params_of(file, f"after{number}") for number in (1, 5)}
    largest = told(
        terms=largest_difference(compared_terms(terms, loss, traced), last, relative=True),
        **{f"step {n}": largest_difference(taken[n - 1], after[n]) for n in after},
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 1e-5)
