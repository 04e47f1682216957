"""MGCL beside its equations, and beside figures of the authors' program where they are at hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.config import Limits
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.arrays import Degrees, Inputs, Sizes
from kdiffe_jax.models.mgcl import stream_contrast
from kdiffe_jax.ops.sparse import sparse_pair
from kdiffe_jax.training.step import TrainState, adam, train_step, weighted_sum
from tests.models.by_hand import (
    arrays,
    laplacian_of,
    largest_difference,
    model_with,
    padded_batch,
    random_problem,
    told,
)
from tests.reference import mgcl
from tests.reference.models import gradients

RANKING = dict(layers=3, popularity=0.2, weight_decay=0.3, content_decay=0.4)
CONTRAST = dict(temperature=0.3, contrast_weight=1.7)
FEATURES = {"image": 5, "text": 3}
NAMES = {
    "users": "user_embedding",
    "items": "item_embedding",
    "users_image": "user_embedding_v",
    "users_text": "user_embedding_t",
    "map_image": "w1_v",
    "map_text": "w1_t",
}


@pytest.fixture
def problem(rng):
    sizes, dim = Sizes(7, 9, feature_widths=tuple(FEATURES.items())), 4
    model, _ = model_with("mgcl", sizes, dim=dim)
    params = {name: rng.normal(size=(size, dim)) for name, size in model.shapes().items()}
    features = {name: rng.normal(size=(9, width)) for name, width in FEATURES.items()}
    return sizes, *random_problem(rng), params, features


def inputs_of(pairs, sizes, features):
    degrees = (
        jnp.asarray(np.bincount(nodes, minlength=size), float)
        for nodes, size in zip(pairs.T, sizes[:2], strict=True)
    )
    return Inputs(laplacian_of(pairs, sizes), degrees=Degrees(*degrees), features=features)


def step_of(model, inputs, traced, objective):
    """(params, batch) -> ((loss, mean terms), gradients)."""

    def loss(params, batch):
        key = jax.random.key(0)
        terms = model.losses(objective, params, batch, inputs, (), traced, key)
        return weighted_sum(terms), {name: w.term.mean for name, w in terms.items()}

    return jax.jit(jax.value_and_grad(loss, has_aux=True))


@pytest.mark.parametrize("wide", [True], indirect=True, ids=["float64"])
@pytest.mark.parametrize("denominators", ["own", "released"])
@pytest.mark.parametrize("objective", ["loss", "contrast"])
def test_losses_and_gradients_are_the_equations(problem, wide, objective, denominators):
    sizes, pairs, batch, params, features = problem

    def oracle(params):
        if objective == "loss":
            return mgcl.ranking(params, pairs, features, batch, **RANKING)
        slipped = denominators == "released"
        return mgcl.contrast(params, features, batch, slipped=slipped, **CONTRAST)

    expected = oracle(params)
    options = RANKING | CONTRAST | dict(denominators=denominators)
    model, traced = model_with("mgcl", sizes, dim=4, **options)
    inputs = inputs_of(pairs, sizes, arrays(features))
    step = step_of(model, inputs, traced, objective)
    (loss, terms), found = step(arrays(params), padded_batch(batch))
    slopes = gradients(lambda params: oracle(params)["loss"], params)
    tolerance = 1e-12
    assert largest_difference(terms | {"loss": loss}, expected, relative=True) < tolerance
    for name, slope in slopes.items():
        assert np.abs(found[name] - slope).max() < tolerance * (np.abs(slope).max() or 1.0)


def test_sparse_features_give_the_same(problem):
    sizes, pairs, batch, params, features = problem
    model, traced = model_with("mgcl", sizes, dim=4, **RANKING)
    pairs_of = {name: sparse_pair(sparse.csr_array(rows)) for name, rows in features.items()}
    found = [
        step_of(model, inputs_of(pairs, sizes, rows), traced, "loss")(
            arrays(params), padded_batch(batch)
        )
        for rows in (arrays(features), pairs_of)
    ]
    assert largest_difference(*found) < 1e-5


@pytest.mark.parametrize("pooling", ["sum", "mean"])
def test_pooled_layers_are_those_of_the_graph(problem, pooling):
    sizes, pairs, _, params, features = problem
    model, _ = model_with("mgcl", sizes, dim=4, layers=2, popularity=0.2, layer_pooling=pooling)
    graph = mgcl.propagation(mgcl.joint_edges(pairs, *sizes[:2]), 0.2)
    rows = np.concatenate([params["users"], params["items"]])
    expected = rows + graph @ rows + graph @ graph @ rows
    found = model.views(arrays(params), inputs_of(pairs, sizes, arrays(features)))["id"]
    scale = 3.0 if pooling == "mean" else 1.0
    np.testing.assert_allclose(np.concatenate(found) * scale, expected, atol=1e-5)


def test_a_low_temperature_is_finite_in_both_directions(rng):
    rows = {name: rng.normal(size=(40, 4)).astype(np.float32) for name in ("id", "image")}
    rows["image"][:20] = 0

    def loss(rows):
        found = stream_contrast(rows, jnp.arange(40) < 30, jnp.float32(1e-4))
        return sum(terms.sum() for terms in found.values())

    value, slopes = jax.value_and_grad(loss)(rows)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((value, slopes)))


def test_without_a_rate_there_is_no_contrast(problem):
    model, _ = model_with("mgcl", problem[0], contrast_rate=0.0)
    assert [objective.name for objective in model.objectives] == ["loss"]


@pytest.mark.parametrize(
    ("name", "own"), [("mgcl", "id"), ("mhgcf", "entities"), ("mhgcf", "links")]
)
def test_a_modality_with_the_name_of_a_term_of_the_models_own_is_refused(name, own):
    model, _ = model_with(name, Sizes(7, 9, feature_widths=((own, 3),)))
    with pytest.raises(ConfigError, match=f"a modality is named '{own}'"):
        model.check(1, Limits())


def of_released(file, **options):
    hyper = file["hyper"]
    features = {name: file[f"feature.{name}"] for name in FEATURES}
    widths = tuple((name, rows.shape[1]) for name, rows in features.items())
    sizes = Sizes(hyper["n_users"], hyper["n_items"], feature_widths=widths)
    model, traced = model_with(
        "mgcl",
        sizes,
        dim=hyper["dim"],
        layers=hyper["layers"],
        popularity=hyper["alpha"],
        weight_decay=hyper["reg"],
        content_decay=hyper["content_reg"],
        temperature=hyper["temperature"],
        first_content_score=hyper["score_image"],
        content_score=hyper["score_text"],
        contrast_weight=float(hyper["batch"]),
        learning_rate=hyper["learning_rate"] or 1.0,
        **options,
    )
    batches = np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=-1)
    return model, inputs_of(file["interactions"], sizes, arrays(features)), traced, batches


def params_of(file, prefix, names=NAMES):
    return {ours: file[f"{prefix}.{theirs}"] for ours, theirs in names.items()}


def ranking_terms(terms, weight_decay):
    content = terms["bpr_image"] + terms["bpr_text"]
    norm = weight_decay * terms["rows_norm"]
    return dict(bpr_id=terms["bpr_id"], bpr_content=content, reg_weighted=norm)


@pytest.mark.parametrize(
    ("denominators", "suffix"), [("own", "_paper"), ("released", "")], ids=["own", "released"]
)
def test_released_losses_gradients_and_view(released, wide, denominators, suffix):
    file = released("A", "mgcl")
    model, inputs, traced, batch = of_released(file, denominators=denominators)
    params, batch = arrays(params_of(file, "param")), padded_batch(batch)
    expected = {name: file[f"loss.{name}"] for name in ("bpr_id", "bpr_content", "reg_weighted")}
    expected |= {name: file[f"loss.{name}"] for name in ("contrast_id", "contrast_image")}
    expected["contrast_text"] = file[f"loss.contrast_text{suffix}"]
    expected["ranking"] = file["loss.ranking_total"]
    expected["contrast"] = file[f"loss.contrast_total{suffix}"]
    (loss, terms), slopes = step_of(model, inputs, traced, "loss")(params, batch)
    found = ranking_terms(terms, traced["weight_decay"]) | {"ranking": loss}
    (loss, terms), contrast_slopes = step_of(model, inputs, traced, "contrast")(params, batch)
    weight = traced["contrast_weight"]
    found |= {name: weight * term for name, term in terms.items()} | {"contrast": loss}
    view = model.view(params, inputs, ())
    contrasted = params_of(file, f"grad2{suffix}")
    largest = told(
        terms=largest_difference(found, expected, relative=True),
        ranking=largest_difference(slopes, params_of(file, "grad1"), relative=True),
        contrast=largest_difference(contrast_slopes, contrasted, relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)


@pytest.mark.parametrize(
    ("denominators", "suffix"),
    [("own", "_paper_textbook"), ("released", "_textbook")],
    ids=["own", "released"],
)
def test_released_steps(released, wide, denominators, suffix):
    """Two optimisers in turn; Adam as optax writes it."""
    file = released("B", "mgcl")
    model, inputs, traced, batches = of_released(file, denominators=denominators)
    state = fresh_state(model, arrays(params_of(file, "param")))
    take, taken, totals = jax.jit(train_step, static_argnums=0), [], []
    for batch in batches:
        state, reported = take(model, state, padded_batch(batch), inputs, (), traced)
        taken.append(state.params)
        totals.append(reported["contrast"].mean)
    after = {number: params_of(file, f"after{number}{suffix}") for number in (1, 5)}
    steps = {f"step {n}": largest_difference(taken[n - 1], after[n]) for n in after}
    assert told(**steps) < (1e-9 if wide else 2e-6)
    if denominators == "own":
        expected = file[f"loss.contrast_total{suffix}"]
        between = largest_difference(np.stack(totals), expected, relative=True)
        assert told(contrasts=between) < (1e-9 if wide else 2e-6)


def fresh_state(model, params):
    optimisers = tuple(adam().init(params) for _ in model.objectives)
    return TrainState(params, optimisers, jnp.zeros((), jnp.int32), jax.random.key(0))
