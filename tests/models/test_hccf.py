"""HCCF beside its equations, and beside figures of the authors' program where they are at hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.graph.drop_entries import Directed
from kdiffe_jax.models import hccf as hccf_module
from kdiffe_jax.models.arrays import Inputs, Sizes
from kdiffe_jax.models.hccf import (
    HCCF,
    Dropped,
    HCCFOptions,
    Sent,
    layer_contrast,
    through_hyperedges,
)
from kdiffe_jax.ops.row_ops import unit_rows
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
from tests.reference.hccf import hccf

WEIGHTS = dict(contrast_weight=0.7, temperature=0.4, norm_weight=0.05)
LAYERS, DROPOUT, HYPEREDGES = 2, 0.25, 3


class WithDropped(HCCF):
    """Takes what each layer has left as `aux`, and as the key that draws it."""

    def losses(self, objective, params, batch, inputs, aux, traced, key):
        return super().losses(objective, params, batch, inputs, (), traced, aux)

    def dropped(self, inputs, key):
        return key


def with_dropped(sizes, **options):
    model, traced = model_with("hccf", sizes, **options)
    return WithDropped(model.options, model.embedding, model.ranking, model.sizes), traced


def left_of(laplacian, entries, masks, dropout):
    """Of each layer, from 0/1 of every directed entry, dense, and of every entry of H."""
    n_users = laplacian.to_users.row_starts.shape[0] - 1
    found = []
    for kept, of_side in zip(entries, masks, strict=True):
        parts = kept[:n_users, n_users:], kept[n_users:, :n_users].T  # by user and item
        graph = Directed.both(*(thinned(laplacian, part, dropout) for part in parts))
        hyper = (jnp.asarray(of_side[side] / (1 - dropout), float) for side in ("users", "items"))
        found.append(Dropped(graph, *hyper))
    return found


def thinned(laplacian, kept, dropout):
    to_users, to_items = laplacian
    values = to_users.values * kept[to_users.rows, to_users.columns] / (1 - dropout)
    transposed = to_items._replace(values=values[to_users.to_transpose])
    return laplacian._replace(to_users=to_users._replace(values=values), to_items=transposed)


@pytest.fixture
def problem(rng):
    sizes, dim = Sizes(7, 9), 4
    params = {"users": rng.normal(size=(7, dim)), "items": rng.normal(size=(9, dim))}
    params |= {f"{side}_hyper": rng.normal(size=(dim, HYPEREDGES)) for side in ("users", "items")}
    params = {name: 0.5 * table for name, table in params.items()}
    pairs, batch = random_problem(rng)
    entries = [(rng.random((16, 16)) < 0.85) for _ in range(LAYERS)]
    return sizes, pairs, batch, params, entries


@pytest.mark.parametrize("wide", [True], indirect=True, ids=["float64"])
@pytest.mark.parametrize("hypergraph", ("learned", "own"))
def test_loss_and_gradients_are_the_equations(problem, rng, wide, hypergraph):
    """Of the map's tables too, where H is learned; repeated users of the batch count once."""
    sizes, pairs, batch, params, entries = problem
    options, width, scale = dict(hypergraph=hypergraph), HYPEREDGES, {}
    if hypergraph == "own":
        params, width, scale = {n: params[n] for n in ("users", "items")}, 4, {"hyper_scale": 0.6}
    shapes = {side: (len(params[side]), width) for side in ("users", "items")}
    masks = [
        {side: rng.random(shape) < 0.75 for side, shape in shapes.items()} for _ in range(LAYERS)
    ]
    graph = dense_laplacian(pairs, sizes)
    graphs = [graph * kept for kept in entries]

    def oracle(params):
        return hccf(params, graphs, masks, batch, dropout=DROPOUT, **WEIGHTS, **scale)

    expected = oracle(params)
    gradients = models.gradients(lambda params: oracle(params)["loss"], params)
    options |= dict(layers=LAYERS, dropout=DROPOUT, hyperedges=HYPEREDGES) | scale
    model, traced = with_dropped(sizes, dim=4, **options, **WEIGHTS)
    laplacian = laplacian_of(pairs, sizes)
    step = step_of(model, Inputs(laplacian), traced)
    left = left_of(laplacian, entries, masks, DROPOUT)
    (loss, terms), found = step(arrays(params), padded_batch(batch), left)
    tolerance = 1e-12
    assert largest_difference(terms | {"loss": loss}, expected, relative=True) < tolerance
    assert largest_difference(found, gradients, relative=True) < tolerance


def test_what_passes_a_hypergraph_of_the_least_scale_is_long_enough_for_a_cosine():
    least = HCCFOptions.all_options()["hyper_scale"].metadata["low"]
    table = jax.nn.initializers.xavier_uniform()(jax.random.key(0), (10_000, 64))
    rows = unit_rows(through_hyperedges(least * table, table))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)


def test_what_is_dropped_keeps_the_share_and_differs(rng):
    """Between layers, between L's directions and between sides; nothing without dropping."""
    sizes = Sizes(90, 110)
    pairs = np.argwhere(rng.random((90, 110)) < 0.3)
    inputs = Inputs(laplacian_of(pairs, sizes))
    options = dict(dim=20, hyperedges=30)
    model, _ = model_with("hccf", sizes, layers=3, dropout=0.4, **options)
    layers = model.dropped(inputs, jax.random.key(0))
    assert len(layers) == 3
    for graph, users, items in layers:
        assert users.shape == (90, 30) and items.shape == (110, 30)
        values = (graph.to_users.forward.values, graph.to_items.forward.values, users, items)
        assert all(0.57 < (one > 0).mean() < 0.63 for one in values)
        assert {0.0, np.float32(1 / 0.6)} == set(np.unique(users))
    one, other = (np.asarray(layer.users) for layer in layers[:2])
    assert (one != other).any()
    (whole, *_) = model_with("hccf", sizes, dropout=0.0, **options)[0].dropped(inputs, None)
    assert whole.users == whole.items == 1.0
    assert whole.graph.to_users.forward is inputs.laplacian.to_users
    own, _ = model_with("hccf", sizes, dropout=0.4, dim=20, hypergraph="own")
    for graph, users, items in own.dropped(inputs, jax.random.key(0)):
        assert 0.57 < (graph.to_users.forward.values > 0).mean() < 0.63 and users == items == 1.0


def test_the_contrast_has_every_node_of_the_batch_once(rng):
    """Repeats and padding change nothing."""
    draw = rng.normal
    layers = tuple(Sent(*arrays((draw(size=(9, 4)), draw(size=(9, 4))))) for _ in range(2))
    once = layer_contrast(layers, jnp.array([3, 1, 8]), jnp.ones(3), 0.5)
    weights = jnp.ones(6).at[-1].set(0.0)
    more = layer_contrast(layers, jnp.array([3, 1, 3, 8, 1, 4]), weights, 0.5)
    np.testing.assert_allclose(more.mean, once.mean, rtol=1e-6)
    assert more.count == once.count == 3


def of_released(file):
    hyper = file["hyper"]
    sizes = Sizes(hyper["n_users"], hyper["n_items"])
    model, traced = with_dropped(
        sizes,
        dim=hyper["dim"],
        layers=hyper["layers"],
        hyperedges=hyper["hyperedges"],
        dropout=1 - hyper["keep"],
        contrast_weight=hyper["contrast"],
        temperature=hyper["temperature"],
        norm_weight=hyper["reg"],
    )
    batch = np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=-1)
    inputs = Inputs(laplacian_of(file["interactions"], sizes))
    layers = range(hyper["layers"])
    entries = [file[f"mask.edges_layer{number}"] for number in layers]
    masks = [
        {f"{side}s": file[f"mask.{side}_hyper_layer{number}"] for side in ("user", "item")}
        for number in layers
    ]
    return (
        model,
        inputs,
        traced,
        batch,
        left_of(inputs.laplacian, entries, masks, 1 - hyper["keep"]),
    )


def tables(file, prefix):
    names = {f"{s}s": f"{s}_embedding" for s in ("user", "item")}
    names |= {f"{s}s_hyper": f"{s}_hyper" for s in ("user", "item")}
    return {ours: file[f"{prefix}.{theirs}"] for ours, theirs in names.items()}


def guarded(anchors, candidates, own, *, temperature, candidate_weights):
    """`info_nce` with the guards of 1e-8 of the authors' program."""
    anchors, candidates = unit_rows(anchors + 1e-8), unit_rows(candidates + 1e-8)
    logits = anchors @ candidates.T / temperature
    total = jnp.exp(logits) @ candidate_weights.astype(logits.dtype)
    return jnp.log(total + 1e-8) - logits[jnp.arange(len(own)), own]


@pytest.mark.parametrize("guards", (True, False), ids=("with guards", "as it is"))
def test_released_loss_gradients_and_view(released, wide, guards, monkeypatch):
    """Their guards are all that differs."""
    if guards:
        monkeypatch.setattr(hccf_module, "info_nce", guarded)
    file = released("A", "hccf")
    model, inputs, traced, batch, left = of_released(file)
    params = arrays(tables(file, "param"))
    (loss, terms), found = step_of(model, inputs, traced)(params, padded_batch(batch), left)
    view = model.view(params, inputs, ())
    terms = {"bpr": terms["bpr"], "reg": terms["squared_norm"], "total": loss} | {
        "contrast": terms["info_nce_users"] + terms["info_nce_items"]
    }
    expected = {name: file[f"loss.{name}"] for name in terms}
    largest = told(
        terms=largest_difference(terms, expected, relative=True),
        gradients=largest_difference(found, tables(file, "grad"), relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < ((1e-9 if wide else 2e-6) if guards else 1e-5)
