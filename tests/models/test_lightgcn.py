"""LightGCN beside its equations and beside the recommender inside the authors' program of SGL."""

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
from tests.reference import models

OPTIONS = dict(layers=3, weight_decay=0.3)


@pytest.fixture
def problem(rng):
    sizes = Sizes(7, 9)
    params = {"users": rng.normal(size=(7, 4)), "items": rng.normal(size=(9, 4))}
    return sizes, *random_problem(rng), params


def test_loss_and_gradients_are_the_equations(problem, wide):
    sizes, pairs, batch, params = problem
    graph = dense_laplacian(pairs, sizes)
    expected = models.lightgcn(params, graph, batch, **OPTIONS)
    gradients = models.gradients(
        lambda params: models.lightgcn(params, graph, batch, **OPTIONS)["loss"], params
    )
    model, traced = model_with("lightgcn", sizes, dim=4, **OPTIONS)
    step = step_of(model, Inputs(laplacian_of(pairs, sizes)), traced)
    (loss, terms), found = step(arrays(params), padded_batch(batch), ())
    terms = terms | {"loss": loss}
    tolerance = 1e-12 if wide else 1e-5
    assert largest_difference(terms, expected, relative=True) < tolerance
    assert largest_difference(found, gradients, relative=True) < tolerance


def test_released_terms_and_view(released, wide):
    """Of SGL's program, which has LightGCN inside: its own terms and what ranks."""
    file = released("A", "sgl")
    hyper, pairs = file["hyper"], file["interactions"]
    sizes = Sizes(hyper["n_users"], hyper["n_items"])
    batch = np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=1)
    options = dict(dim=hyper["dim"], layers=hyper["layers"], weight_decay=hyper["reg"])
    model, traced = model_with("lightgcn", sizes, **options)
    inputs = Inputs(laplacian_of(pairs, sizes))
    params = arrays({f"{n}s": file[f"param.{n}_embedding"] for n in ("user", "item")})
    (_, terms), _ = step_of(model, inputs, traced)(params, padded_batch(batch), ())
    view = model.view(params, inputs, ())
    means = {"bpr": file["loss.bpr_sum"], "rows_norm": file["loss.reg_sum"]}
    largest = told(
        terms=largest_difference(
            terms, {name: total / len(batch) for name, total in means.items()}, relative=True
        ),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)
