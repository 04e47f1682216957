"""MMGCL beside its equations, and beside figures of the authors' program where they are at hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.models import terms as shared_terms
from kdiffe_jax.models.arrays import Inputs, Sizes
from kdiffe_jax.models.mmgcl import MMGCL, Draws
from kdiffe_jax.ops.sparse import sparse_pair
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
from tests.reference.mmgcl import mmgcl

OPTIONS = dict(layers=2, temperature=0.4, contrast_weight=0.7, weight_decay=0.03)
WIDTHS = {"audio": 4, "image": 5, "text": 3}
FEATURES = ("image", "text")
VIEWS = ("paper", "released")


class WithDraws(MMGCL):
    """Takes the key as what is drawn; BPR draws nothing."""

    def draws(self, params, inputs, key):
        return key


def with_draws(sizes, **options):
    model, traced = model_with("mmgcl", sizes, **options)
    return WithDraws(model.options, model.embedding, model.ranking, model.sizes), traced


@pytest.fixture(params=[(1, 1, 1), (3, 2, 3)], ids=["one", "three"])
def problem(request, rng):
    """Of one and of three modalities, with the streams that are masked and wrong."""
    n_modalities, masked, wrong = request.param
    sizes, dim = Sizes(7, 9, feature_widths=tuple(WIDTHS.items())[:n_modalities]), 4

    def draw(*shape):
        return rng.normal(size=shape)

    shapes = {f"map_{name}": (width, dim) for name, width in sizes.feature_widths}
    shapes |= dict.fromkeys(("read_users", "read_items"), ((1 + n_modalities) * dim, dim))
    params = {"users": draw(7, dim), "items": draw(9, dim)}
    params |= {name: {"kernel": draw(*s), "bias": draw(dim)} for name, s in shapes.items()}
    features = {name: draw(9, width) for name, width in sizes.feature_widths}
    pairs, batch = random_problem(rng)
    kept = pairs[rng.random(len(pairs)) < 0.7]
    return sizes, pairs, kept, batch, params, features, (masked, draw(9, dim), wrong)


def drawn(kept, sizes, masked, rows, wrong):
    """What stands for the key."""
    return Draws(laplacian_of(kept, sizes), jnp.int32(masked), arrays(rows), jnp.int32(wrong))


@pytest.mark.parametrize("wide", [True], indirect=True, ids=["float64"])
@pytest.mark.parametrize("views", VIEWS)
def test_loss_and_gradients_are_the_equations(problem, views, wide):
    sizes, pairs, kept, batch, params, features, draws = problem
    graph, dropped = (dense_laplacian(edges, sizes) for edges in (pairs, kept))

    def oracle(params):
        return mmgcl(params, graph, dropped, features, draws, batch, **OPTIONS, views=views)

    expected = oracle(params)
    gradients = models.gradients(lambda params: oracle(params)["loss"], params)
    model, traced = with_draws(sizes, dim=4, **OPTIONS, views=views)
    inputs = Inputs(laplacian_of(pairs, sizes), features=arrays(features))
    step = step_of(model, inputs, traced)
    (loss, terms), found = step(arrays(params), padded_batch(batch), drawn(kept, sizes, *draws))
    largest = told(
        terms=largest_difference(terms | {"loss": loss}, expected, relative=True),
        gradients=largest_difference(found, gradients, relative=True),
    )
    assert largest < (1e-12)


def test_sparse_features_give_the_same(problem):
    sizes, pairs, kept, batch, params, features, draws = problem
    model, traced = with_draws(sizes, dim=4, **OPTIONS)
    laplacian, draws = laplacian_of(pairs, sizes), drawn(kept, sizes, *draws)
    rows = {name: sparse_pair(sparse.csr_array(table)) for name, table in features.items()}
    dense, thin = (
        step_of(model, Inputs(laplacian, features=given), traced)(
            arrays(params), padded_batch(batch), draws
        )
        for given in (arrays(features), rows)
    )
    assert largest_difference(thin, dense, relative=True) < 1e-4


def test_the_softmax_ranks_among_all_items(problem):
    """BPR reads the batch alone; the other ranking loss is of the whole view."""
    sizes, pairs, _, batch, params, features, _ = problem
    model, traced = model_with("mmgcl", sizes, dim=4, ranking_loss="softmax", **OPTIONS)
    inputs, key = Inputs(laplacian_of(pairs, sizes), features=arrays(features)), jax.random.key(3)
    params, batch = arrays(params), padded_batch(batch)
    terms = model.losses("loss", params, batch, inputs, (), traced, key)
    view = model.view(params, inputs, ())
    expected = shared_terms.ranking_term(
        view, batch, model.ranking, model.embedding.score, traced, key
    )
    np.testing.assert_allclose(terms["softmax"].term.mean, expected["softmax"].term.mean, rtol=1e-5)


def test_a_step_draws_a_graph_two_modalities_and_rows(problem):
    """Each modality as often as another, ids never; rows as large as those they replace."""
    sizes, pairs, _, _, params, features, _ = problem
    sizes = sizes._replace(n_items=400)
    pairs = np.argwhere(np.random.default_rng(0).random((7, 400)) < 0.6)
    features = {name: np.tile(rows, (45, 1))[:400] for name, rows in features.items()}
    params = arrays(params | {"items": np.ones((400, 4))})
    model, _ = model_with("mmgcl", sizes, dim=4, edge_drop=0.3)
    inputs = Inputs(laplacian_of(pairs, sizes), features=arrays(features))
    drawn = jax.jit(jax.vmap(lambda key: model.draws(params, inputs, key)))(
        jax.random.split(jax.random.key(0), 300)
    )
    n_modalities = len(features)
    for streams in (drawn.masked, drawn.wrong):
        counts = np.bincount(streams, minlength=1 + n_modalities)
        assert counts[0] == 0 and np.abs(counts[1:] * n_modalities / 300 - 1).max() < 0.3
    kept = np.asarray(drawn.graph.to_users.values) > 0
    assert 0.68 < kept.mean() < 0.72 and (kept[0] != kept[1]).any()
    replaced = model.layer_zero(params, inputs)
    for number in range(1, 1 + n_modalities):
        size = np.sqrt(np.mean(np.square(replaced[number])))
        rows = np.asarray(drawn.rows)[np.asarray(drawn.masked) == number]
        assert np.std(rows) == pytest.approx(size, rel=0.02)
        assert abs(rows.mean()) < 0.02 * size


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def of_released(file, views):
    hyper, pairs = file["hyper"], file["interactions"]
    features = {name: unit(file[f"feature.{name}"]) for name in FEATURES}
    widths = tuple((name, rows.shape[1]) for name, rows in features.items())
    sizes = Sizes(hyper["n_users"], hyper["n_items"], feature_widths=widths)
    model, traced = with_draws(
        sizes,
        dim=hyper["dim"],
        layers=hyper["layers"],
        temperature=hyper["temperature"],
        contrast_weight=hyper["contrast"],
        weight_decay=hyper["weight_decay"],
        views=views,
    )
    kept = pairs[file["mask.edges_view1"][tuple(pairs.T)] > 0]
    masked, rows, wrong = (
        file[f"draw.paper_{name}"] for name in ("masked_stream", "random_rows", "wrong_stream")
    )
    batch = np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=-1)
    inputs = Inputs(laplacian_of(pairs, sizes), features=arrays(features))
    return model, inputs, traced, batch, drawn(kept, sizes, masked, rows, wrong)


def params_of(file, prefix):
    """Its parameters, or what stands for each, under our names."""
    names = {f"map_{name}": f"{name}_linear" for name in FEATURES}
    names |= {f"read_{side}": f"read_{side}" for side in ("users", "items")}
    found = {f"{side}s": file[f"{prefix}.{side}_embedding"] for side in ("user", "item")}
    for ours, theirs in names.items():
        kernel, bias = (file[f"{prefix}.{theirs}.{part}"] for part in ("weight", "bias"))
        found[ours] = {"kernel": kernel.T, "bias": bias}
    return found


def terms_of(file, views):
    names = {"bpr": "bpr"}
    if views == "released":
        names |= {"contrast_edges": "contrast_view1", "loss": "total"}
    else:
        names |= {"contrast_edges": "contrast_view1_paper", "contrast_mask": "contrast_view2_paper"}
        names["loss"] = "total_paper"
    return {ours: file[f"loss.{theirs}"] for ours, theirs in names.items()}


def guarded(positive_scores, negative_scores):
    """The program's BPR, with 1e-5 inside the logarithm."""
    return -jnp.log(1e-5 + jax.nn.sigmoid(positive_scores - negative_scores))


@pytest.mark.parametrize("views", VIEWS)
def test_released_loss_gradients_and_view(released, views, wide, monkeypatch):
    """With the guard of its BPR; the other test says what the guard is worth."""
    monkeypatch.setattr(shared_terms, "bpr", guarded)
    assert released_differences(released("A", "mmgcl"), views) < (1e-9 if wide else 2e-6)


@pytest.mark.parametrize("views", VIEWS)
def test_released_without_the_guard(released, views):
    assert released_differences(released("A", "mmgcl"), views) < 5e-5


def released_differences(file, views):
    model, inputs, traced, batch, draws = of_released(file, views)
    params = arrays(params_of(file, "param"))
    (loss, terms), found = step_of(model, inputs, traced)(params, padded_batch(batch), draws)
    terms.pop("parameters_norm")
    view = model.view(params, inputs, ())
    gradients = params_of(file, "grad" if views == "released" else "grad_paper")
    return told(
        terms=largest_difference(terms | {"loss": loss}, terms_of(file, views), relative=True),
        gradients=largest_difference(found, gradients, relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
