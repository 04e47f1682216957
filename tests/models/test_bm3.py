"""BM3 beside its equations, and beside figures of the authors' program where they are at hand."""

import jax
import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.models.arrays import Inputs, Sizes
from kdiffe_jax.models.bm3 import BM3
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

OPTIONS = dict(layers=2, dropout=0.3, contrast_weight=1.7, norm_weight=0.4)
FEATURES = {"image": 5, "text": 3}


class WithMasks(BM3):
    """Takes the masks as `aux`, and as the key that draws them."""

    def losses(self, objective, params, batch, inputs, aux, traced, key):
        return super().losses(objective, params, batch, inputs, (), traced, aux)

    def mask_keys(self, key):
        return key

    def mask(self, key, nodes):
        return key[nodes]


def with_masks(sizes, **options):
    model, traced = model_with("bm3", sizes, **options)
    return WithMasks(model.options, model.embedding, model.ranking, model.sizes), traced


@pytest.fixture
def problem(rng):
    sizes, dim = Sizes(7, 9, feature_widths=tuple(FEATURES.items())), 4
    draw = rng.normal
    params = {"users": draw(size=(7, dim)), "items": draw(size=(9, dim))}
    for name, width in {"predictor": dim, "map_image": 5, "map_text": 3}.items():
        params[name] = {"kernel": draw(size=(width, dim)), "bias": draw(size=dim)}
    features = {name: draw(size=(9, width)) for name, width in FEATURES.items()}
    masks = {"users": rng.random((7, dim)) < 0.7}
    masks |= {name: rng.random((9, dim)) < 0.7 for name in ("items", *FEATURES)}
    return sizes, *random_problem(rng), params, features, masks


def test_loss_and_gradients_are_the_equations(problem, wide):
    """The gradients of the features too, which are trained."""
    sizes, pairs, batch, params, features, masks = problem
    params |= {f"features_{name}": rows for name, rows in features.items()}
    graph = dense_laplacian(pairs, sizes)

    def oracle(params):
        return models.bm3(params, graph, masks, batch, **OPTIONS)

    expected = oracle(params)
    gradients = models.gradients(lambda params: oracle(params)["loss"], params)
    model, traced = with_masks(sizes, dim=4, **OPTIONS)
    step = step_of(model, Inputs(laplacian_of(pairs, sizes)), traced)
    (loss, terms), found = step(arrays(params), padded_batch(batch), tuple(masks.values()))
    tolerance = 1e-12 if wide else 1e-5
    assert largest_difference(terms | {"loss": loss}, expected, relative=True) < tolerance
    assert largest_difference(found, gradients, relative=True) < tolerance


def test_sparse_features_are_read_and_not_trained(problem):
    sizes, pairs, batch, params, features, masks = problem
    of_both = params | {f"features_{name}": rows for name, rows in features.items()}
    expected = models.bm3(of_both, dense_laplacian(pairs, sizes), masks, batch, **OPTIONS)
    model, traced = with_masks(sizes, dim=4, **OPTIONS)
    pairs_of = {n: sparse_pair(sparse.csr_array(rows)) for n, rows in features.items()}
    inputs = Inputs(laplacian_of(pairs, sizes), features=pairs_of)
    assert model.init(jax.random.key(0), inputs).keys() == params.keys()
    step = step_of(model, inputs, traced)
    (loss, terms), _ = step(arrays(params), padded_batch(batch), tuple(masks.values()))
    assert largest_difference(terms | {"loss": loss}, expected, relative=True) < 1e-5


def test_masks_keep_the_share_and_differ(problem):
    sizes = problem[0]._replace(n_users=300, n_items=400)
    model, _ = model_with("bm3", sizes, dim=10, dropout=0.3)
    keys = model.mask_keys(jax.random.key(0))
    masks = [model.mask(key, np.arange(400)) for key in keys]
    assert [mask.shape for mask in masks] == 4 * [(400, 10)]
    assert all(0.67 < mask.mean() < 0.73 for mask in masks)
    assert all((one != masks[1]).any() for one in masks[2:])
    again = model.mask(keys[0], np.array([7, 3, 7]))
    np.testing.assert_array_equal(again, masks[0][np.array([7, 3, 7])])


def of_released(file):
    hyper = file["hyper"]
    sizes = Sizes(
        hyper["n_users"],
        hyper["n_items"],
        feature_widths=tuple((n, file[f"param.{n}_features"].shape[1]) for n in FEATURES),
    )
    model, traced = with_masks(
        sizes,
        dim=hyper["dim"],
        layers=hyper["layers"],
        dropout=hyper["dropout"],
        contrast_weight=hyper["contrast"],
        norm_weight=hyper["reg"],
        learning_rate=hyper["learning_rate"] or 1.0,
    )
    batches = np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=-1)
    return model, Inputs(laplacian_of(file["interactions"], sizes)), traced, batches


def params_of(file, prefix):
    """Its parameters, or what stands for each, under our names."""

    def linear(name):
        kernel, bias = (file[f"{prefix}.{name}.{part}"] for part in ("weight", "bias"))
        return {"kernel": kernel.T, "bias": bias}

    found = {f"{side}s": file[f"{prefix}.{side}_embedding"] for side in ("user", "item")}
    found |= {f"features_{name}": file[f"{prefix}.{name}_features"] for name in FEATURES}
    found |= {f"map_{name}": linear(f"{name}_linear") for name in FEATURES}
    return found | {"predictor": linear("predictor")}


def terms_of(file):
    names = {"users_to_items": "user_to_item", "items_to_users": "item_to_user", "norm": "reg"}
    names |= {f"{m}_to_{to}": f"{m}_to_{to}" for m in FEATURES for to in ("item", "itself")}
    return {ours: file[f"loss.{theirs}"] for ours, theirs in (names | {"loss": "total"}).items()}


def masks_of(file, prefix):
    return tuple(file[f"{prefix}.{name}"] > 0 for name in ("users", "items", *FEATURES))


def test_released_loss_gradients_and_view(released, wide):
    file = released("A", "bm3")
    model, inputs, traced, batch = of_released(file)
    params, masks = arrays(params_of(file, "param")), masks_of(file, "mask")
    (loss, terms), found = step_of(model, inputs, traced)(params, padded_batch(batch), masks)
    view = model.view(params, inputs, ())
    largest = told(
        terms=largest_difference(terms | {"loss": loss}, terms_of(file), relative=True),
        gradients=largest_difference(found, params_of(file, "grad"), relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)


def test_released_steps(released, wide):
    file = released("B", "bm3")
    model, inputs, traced, batches = of_released(file)
    masks = [masks_of(file, f"mask.step{number}") for number in range(len(batches))]
    batches = [padded_batch(batch) for batch in batches]
    start = arrays(params_of(file, "param"))
    taken = after_steps(model, inputs, traced, start, batches, masks)
    (loss, terms), _ = step_of(model, inputs, traced)(taken[3], batches[4], masks[4])
    view = model.view(taken[4], inputs, ())
    last = {name: values[4] for name, values in terms_of(file).items()}
    after = {number: params_of(file, f"after{number}") for number in (1, 5)}
    largest = told(
        terms=largest_difference(terms | {"loss": loss}, last, relative=True),
        **{f"step {n}": largest_difference(taken[n - 1], after[n]) for n in after},
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)
