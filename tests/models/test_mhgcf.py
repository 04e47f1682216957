"""MHGCF beside its equations, and beside figures of the authors' program where they are at hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.models.arrays import Degrees, Inputs, Sizes
from kdiffe_jax.models.mhgcf import MHGCF, Drawn
from tests.models.by_hand import (
    arrays,
    laplacian_of,
    largest_difference,
    model_with,
    padded_batch,
    random_problem,
    step_of,
    told,
)
from tests.reference import models
from tests.reference.mhgcf import mhgcf

OPTIONS = dict(layers=3, entity_layers=2, popularity=0.2, weight_decay=0.3, content_decay=0.4)
FEATURES = {"image": 5, "text": 3}
N_ENTITIES = 6
NAMES = {
    "users": "user_embedding",
    "items": "item_embedding",
    "users_image": "user_embedding_v",
    "users_text": "user_embedding_t",
    "map_image": "w1_v",
    "map_text": "w1_t",
    "users_entities": "user_embedding_all",
    "items_entities": "item_embedding_all",
    "entities": "e_embedding",
}


class WithDraws(MHGCF):
    """Takes the drawn entities as `aux`, and as the key that draws them."""

    def draw_entities(self, links, items, key):
        return key


def with_draws(sizes, **options):
    model, traced = model_with("mhgcf", sizes, **options)
    return WithDraws(model.options, model.embedding, model.ranking, model.sizes), traced


def inputs_of(model, pairs, links, features):
    degrees = (
        jnp.asarray(np.bincount(nodes, minlength=size), float)
        for nodes, size in zip(pairs.T, model.sizes[:2], strict=True)
    )
    return Inputs(
        laplacian_of(pairs, model.sizes),
        degrees=Degrees(*degrees),
        features=arrays(features),
        own=model.constants(triples_of(links)),
    )


def triples_of(links):
    """Every link in one relation or in two, which is one link."""
    again = np.insert(links[::2], 1, 1, axis=1)
    triples = np.concatenate([np.insert(links, 1, 0, axis=1), again])
    return np.unique(triples, axis=0).astype(np.int32)


def batch_and_draws(triplets, drawn):
    """Both with two rows of padding; `drawn` are (item, its entity, another entity)."""
    rows = padded_batch(drawn)
    batch = padded_batch(triplets)._replace(row_nodes=rows.users, row_weights=rows.weights)
    return batch, Drawn(rows.positives, rows.negatives, jnp.ones(len(rows.users), bool))


@pytest.fixture
def problem(rng):
    """The last item has no entity, the first one all of them, and the last entity no other."""
    sizes, dim = Sizes(7, 9, N_ENTITIES, 2, tuple(FEATURES.items())), 4
    model, _ = model_with("mhgcf", sizes, dim=dim)
    params = {name: rng.normal(size=(size, dim)) for name, size in model.shapes().items()}
    features = {name: rng.normal(size=(9, width)) for name, width in FEATURES.items()}
    has = rng.random((9, N_ENTITIES)) < 0.4
    has[:, -1], has[-1], has[0] = False, False, True
    drawn = np.array([(1, 0, 2), (4, 3, 1), (1, 2, 0)])
    return sizes, *random_problem(rng), params, features, np.argwhere(has), drawn


@pytest.mark.parametrize("wide", [True], indirect=True, ids=["float64"])
def test_loss_and_gradients_are_the_equations(problem, wide):
    sizes, pairs, triplets, params, features, links, draws = problem

    def oracle(params):
        return mhgcf(params, pairs, links, features, triplets, draws, **OPTIONS)

    expected = oracle(params)
    slopes = models.gradients(lambda params: oracle(params)["loss"], params)
    model, traced = with_draws(sizes, dim=4, **OPTIONS)
    batch, drawn = batch_and_draws(triplets, draws)
    step = step_of(model, inputs_of(model, pairs, links, features), traced)
    (loss, terms), found = step(arrays(params), batch, drawn)
    tolerance = 1e-12
    assert largest_difference(terms | {"loss": loss}, expected, relative=True) < tolerance
    assert largest_difference(found, slopes, relative=True) < tolerance


def test_draws_are_uniform_over_what_an_item_has_and_lacks(problem):
    sizes, *_, links, _ = problem
    model, _ = model_with("mhgcf", sizes)
    items = jnp.repeat(jnp.arange(9), 3000)
    drawn = model.draw_entities(model.constants(triples_of(links)), items, jax.random.key(0))
    for item in range(9):
        has = set(links[links[:, 0] == item][:, 1].tolist())
        own, others, found = (np.asarray(array)[items == item] for array in drawn)
        assert found.all() if 0 < len(has) < N_ENTITIES else not found.any()
        for taken, of in ((own, has), (others, set(range(N_ENTITIES)) - has)):
            if found.any():
                entities, counts = np.unique(taken, return_counts=True)
                assert set(entities.tolist()) == of
                assert np.ptp(counts) < 0.25 * counts.mean()


def test_items_without_a_draw_do_not_count(problem):
    sizes, pairs, triplets, params, features, links, draws = problem
    model, traced = with_draws(sizes, dim=4, **OPTIONS)
    step = step_of(model, inputs_of(model, pairs, links, features), traced)
    batch, drawn = batch_and_draws(triplets, draws)
    without = drawn._replace(own=drawn.own.at[1].set(0), found=drawn.found.at[1].set(False))
    (_, terms), _ = step(arrays(params), batch, without)
    fewer, others = batch_and_draws(triplets, draws[[0, 2]])
    (_, expected), _ = step(arrays(params), fewer, others)
    np.testing.assert_allclose(terms["bpr_links"], expected["bpr_links"], rtol=1e-6)


def test_it_takes_data_without_any_link(problem):
    sizes, pairs, triplets, params, features, links, _ = problem
    model, traced = model_with("mhgcf", sizes, dim=4, **OPTIONS)
    inputs = inputs_of(model, pairs, links[:0], features)
    batch = padded_batch(triplets)._replace(row_weights=jnp.ones(1))

    def links_term(params):
        terms = model.losses("loss", params, batch, inputs, (), traced, jax.random.key(0))
        return terms["bpr_links"].term.mean

    value, slopes = jax.value_and_grad(links_term)(arrays(params))
    assert value == 0 and not any(leaf.any() for leaf in jax.tree.leaves(slopes))


def of_released(file):
    hyper = file["hyper"]
    features = {name: file[f"feature.{name}"] for name in FEATURES}
    widths = tuple((name, rows.shape[1]) for name, rows in features.items())
    sizes = Sizes(hyper["n_users"], hyper["n_items"], hyper["n_entities"], 2, widths)
    model, traced = with_draws(
        sizes,
        dim=hyper["dim"],
        layers=hyper["layers"],
        entity_layers=hyper["entity_layers"],
        popularity=hyper["alpha"],
        weight_decay=hyper["reg"],
        content_decay=hyper["content_reg"],
        first_content_score=hyper["score_image"],
        content_score=hyper["score_text"],
        learning_rate=hyper["learning_rate"] or 1.0,
    )
    inputs = inputs_of(model, file["interactions"], file["links"], features)
    rows = (
        [file[f"batch.{name}"] for name in names]
        for names in (
            ("users", "positives", "negatives"),
            ("linked_items", "positive_entities", "negative_entities"),
        )
    )
    return model, inputs, traced, batch_and_draws(*(np.stack(own, axis=-1) for own in rows))


def params_of(file, prefix):
    return {ours: file[f"{prefix}.{theirs}"] for ours, theirs in NAMES.items()}


def test_released_loss_gradients_and_view(released, wide):
    file = released("A", "mhgcf")
    model, inputs, traced, (batch, drawn) = of_released(file)
    params = arrays(params_of(file, "param"))
    (loss, terms), slopes = step_of(model, inputs, traced)(params, batch, drawn)
    found = {
        "bpr_id_and_content": terms["bpr_id"] + terms["bpr_image"] + terms["bpr_text"],
        "bpr_entity_graph_and_links": terms["bpr_entities"] + terms["bpr_links"],
        "reg_weighted": traced["weight_decay"] * terms["rows_norm"],
        "total": loss,
    }
    view = model.view(params, inputs, ())
    expected = {name: file[f"loss.{name}"] for name in found}
    largest = told(
        terms=largest_difference(found, expected, relative=True),
        gradients=largest_difference(slopes, params_of(file, "grad"), relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)
