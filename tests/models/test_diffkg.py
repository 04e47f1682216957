"""DiffKG beside its equations, and beside figures of the authors' program where at hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kdiffe_jax.config import Limits
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.graph.joint_knowledge import between_nodes, joint_graph, own_rows
from kdiffe_jax.models.arrays import Degrees, Inputs, Sizes
from kdiffe_jax.models.diffkg import DiffKG, Drawn
from kdiffe_jax.models.row_denoiser import RowDraws
from kdiffe_jax.models.row_reverse import reverse_rows
from kdiffe_jax.training.loop import compile_setup, fresh_start, one_epoch
from tests.models.by_hand import (
    after_steps,
    arrays,
    laplacian_of,
    largest_difference,
    model_with,
    padded_batch,
    random_problem,
    step_of,
    told,
    with_one_contrast,
)
from tests.reference import diffkg, models

OPTIONS = dict(
    layers=2,
    kg_layers=2,
    residual=0.6,
    dropout=0.2,
    contrast_weight=0.7,
    temperature=0.4,
    norm_weight=0.03,
    collaborative_weight=0.3,
    timesteps=3,
    denoiser_dropout=0.4,
)
TABLES = ("users", "items", "entities", "relations", "head_weight", "tail_weight")


class WithDraws(DiffKG):
    """Takes edges and draws as `aux`, and tables that the denoiser reads where there are some."""

    def losses(self, objective, params, batch, inputs, aux, traced, key):
        edges, drawn = aux["edges"], aux["drawn"]
        terms = super().losses(objective, params, batch, inputs, edges, traced, drawn)
        if "tables" in aux:
            rest = (batch, inputs, traced, drawn.rows)
            terms |= self._denoiser_terms(params | aux["tables"], *rest)
        return terms

    def draws(self, key, n_rows):
        return key


def with_draws(sizes, **options):
    model, traced = model_with("diffkg", sizes, **options)
    return WithDraws(model.options, model.embedding, model.ranking, model.sizes), traced


def inputs_of(pairs, sizes, graph):
    counts = (
        np.bincount(side, minlength=n).astype(float)
        for side, n in zip(pairs.T, sizes[:2], strict=True)
    )
    return Inputs(laplacian_of(pairs, sizes), degrees=Degrees(*map(jnp.asarray, counts)), own=graph)


def batch_of(triplets, nodes):
    """Padded with two examples and two nodes."""
    nodes = jnp.asarray(np.pad(nodes, (0, 2)), jnp.int32)
    weights = jnp.ones(len(nodes)).at[-2:].set(0.0)
    return padded_batch(triplets)._replace(row_nodes=nodes, row_weights=weights)


def drawn_of(kept, timesteps, noise, rows_kept):
    """What a step draws, with two rows of padding."""
    rows = (np.pad(a, ((0, 2),) + (a.ndim - 1) * ((0, 0),)) for a in (timesteps, noise, rows_kept))
    steps, noise, rows_kept = rows
    of_rows = RowDraws(jnp.asarray(steps), jnp.asarray(noise, float), jnp.asarray(rows_kept > 0))
    return Drawn(jnp.asarray(kept) > 0, of_rows, jax.random.key(0))


def triples_of(graph):
    edges = (graph.edges.rows, graph.edges.columns, graph.relations)
    return np.stack([np.asarray(of_edges) for of_edges in edges], axis=1)


@pytest.fixture
def problem(rng):
    """Sizes, interactions, batch, triples and which entity is an item; parameters; draws."""
    sizes, dim, width = Sizes(7, 9, 4, 2), 4, 3
    limits = [sizes.n_items - 1, sizes.n_relations, sizes.n_entities]
    triples = np.unique(rng.integers(0, limits, (18, 3)), axis=0)
    model, _ = with_draws(sizes, dim=dim, denoiser_width=width, step_embedding_size=4)
    like = jax.eval_shape(model.init, jax.random.key(0), None)
    params = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), like)
    nodes, n = np.array([0, 3, 12, 8, 3]), 13
    draws = dict(
        nodes=nodes,
        timesteps=np.array([0, 2, 1, 1, 2], np.int32),
        noise=rng.normal(size=(5, n)),
        kept=rng.random((5, n)) < 0.6,
    )
    kept = rng.random((2, OPTIONS["kg_layers"], n, dim)) < 0.8
    return sizes, *random_problem(rng), triples, np.array([-1, 5, -1, -1]), params, draws, kept


@pytest.mark.parametrize("wide", [True], indirect=True, ids=["float64"])
@pytest.mark.parametrize(
    "main_graph", ["rebuilt", pytest.param("given", marks=pytest.mark.thorough)]
)
def test_loss_and_gradients_are_the_equations(problem, rng, wide, main_graph):
    """An empty denoised row, an item that is an entity, a node chosen twice and padding."""
    sizes, pairs, batch, triples, entity_items, params, draws, kept = problem
    small = dict(dim=4, denoiser_width=3, step_embedding_size=4, main_graph=main_graph)
    model, traced = with_draws(sizes, **small, **OPTIONS, tails_per_head=2)
    graph = model.constants(triples, entity_items)
    edges, near = triples_of(graph), np.asarray(graph.near) > 0
    denoised = rng.random(len(edges)) < 0.4
    adjacency = np.zeros(sizes[:2])
    adjacency[tuple(pairs.T)] = 1.0
    present = (denoised, near) if main_graph == "rebuilt" else (near, denoised)

    def oracle(params):
        shared = dict(sizes=sizes[:3], **OPTIONS)
        return diffkg.diffkg(params, adjacency, edges, present, kept, draws, batch, **shared)

    expected = oracle(params)
    gradients = models.gradients(lambda params: oracle(params)["loss"], params)
    step = step_of(model, inputs_of(pairs, sizes, graph), traced)
    drawn = drawn_of(kept, draws["timesteps"], draws["noise"], draws["kept"])
    aux = {"edges": jnp.asarray(denoised, float), "drawn": drawn}
    (loss, terms), found = step(arrays(params), batch_of(batch, draws["nodes"]), aux)
    tolerance = 1e-12
    assert largest_difference(terms | {"loss": loss}, expected, relative=True) < tolerance
    assert largest_difference(found, gradients, relative=True) < 10 * tolerance


def test_the_graph_is_of_pairs_in_both_directions(rng):
    triples = np.unique(rng.integers(0, [6, 3, 5], (25, 3)), axis=0)
    entity_items = np.array([-1, 2, -1, -1, 0])
    nodes = between_nodes(triples, entity_items, n_items=6)
    expected = {}
    for direction in (1, -1):
        for head, relation, tail in sorted(map(tuple, nodes.tolist())):
            pair = (head, tail)[::direction]
            expected.setdefault(pair, relation + (3 if direction < 0 else 0))
    graph = joint_graph(nodes, n_nodes=11, n_relations=3, tails_per_head=2, seed=1)
    found = triples_of(graph)
    assert {(h, t): r for h, t, r in found.tolist()} == expected
    assert [tuple(row) for row in found[:, :2]] == sorted(expected)
    reverse = np.asarray(graph.edges.to_transpose)
    np.testing.assert_array_equal(found[reverse][:, [1, 0]], found[:, :2])
    near, degrees = np.asarray(graph.near), np.bincount(found[:, 0], minlength=11)
    of_heads = np.bincount(found[:, 0], weights=near, minlength=11)
    np.testing.assert_array_equal(of_heads, np.minimum(degrees, 2))
    assert not {8, 10} - {6 + 2, 6 + 4} and (degrees[[7, 10]] == 0).all()
    other = joint_graph(nodes, n_nodes=11, n_relations=3, tails_per_head=2, seed=2)
    assert (np.asarray(other.near) != near).any()


def test_entities_that_are_items_have_no_row_of_their_own():
    """Entity 0 is item 1; item 2 has no triple, and a row nevertheless."""
    triples = np.array([[0, 0, 0], [0, 0, 1]])
    nodes = between_nodes(triples, np.array([1, -1]), n_items=3)
    graph = joint_graph(nodes, n_nodes=5, n_relations=1, tails_per_head=0, seed=0)
    assert own_rows(graph, 3).tolist() == [1, 1, 1, 0, 1]


def test_edges_are_kept_by_a_coin_where_a_direction_is_on_top(problem, rng):
    sizes, pairs, _, triples, entity_items, params, _, _ = problem
    small = dict(dim=4, denoiser_width=3, step_embedding_size=4, rebuild_k=3)
    model, _ = with_draws(sizes, **small, edge_drop=0.3)
    graph = model.constants(triples, entity_items)
    inputs, params = inputs_of(pairs, sizes, graph), arrays(params)
    rows = np.asarray(reverse_rows(model.denoiser, params["denoiser"], graph.edges))
    top = np.argsort(-rows, axis=1)[:, :3]
    expected = [t in top[h] or h in top[t] for h, t, _ in triples_of(graph)]
    found = np.asarray(model.denoised_edges(params, inputs))
    np.testing.assert_array_equal(found, expected)
    assert 0 < found.sum() < len(found)
    keys = jax.random.split(jax.random.key(0), 400)
    kept = np.asarray(jax.vmap(lambda key: model.refresh(params, inputs, (), key))(keys))
    assert (kept <= found).all() and abs(kept.sum() / found.sum() / 400 - 0.7) < 0.03
    assert model.first_carry(inputs).shape == kept[0].shape


def test_sizes_that_do_not_fit_are_refused():
    model, _ = model_with("diffkg", Sizes(7, 9, 4, 2), rebuild_k=14)
    with pytest.raises(ConfigError, match="rebuild_k = 14: there are 13 nodes"):
        model.check(3, Limits())
    model, _ = model_with("diffkg", Sizes(7, 90_000, 60_000, 2))
    with pytest.raises(ConfigError, match="150,000 columns needs 6.0 GB, the limit is 2 "):
        model.check(500, Limits(model_memory_gb=2.0))
    model.check(500, Limits())


def test_the_denoised_graph_ranks_what_it_learns(setup_of):
    """By default that graph ranks, and its edges are fewer than the given ones."""
    setup = setup_of("diffkg", main_graph="rebuilt", tails_per_head=10)
    compiled = compile_setup(setup)
    carried, scores = fresh_start(setup, compiled), []
    for epoch in range(6):
        carried, record = one_epoch(setup, compiled, carried, epoch=epoch)
        scores.append(record["valid"]["recall@20"])
    assert np.mean(scores) > 0.38  # at random 0.26
    assert 0 < carried.carry.sum() < len(carried.carry) / 2


def of_released(file):
    """Model, inputs and traced options; edges that are kept, of the denoised graph."""
    hyper = file["hyper"]
    names = ("n_users", "n_items", "n_entities", "n_relations")
    sizes = Sizes(*(hyper[name] for name in names))
    rate = hyper["learning_rate"] or hyper["denoiser_learning_rate_in_A"]
    model, traced = with_draws(
        sizes,
        **{name: hyper[name] for name in ("dim", "layers", "kg_layers", "residual", "rebuild_k")},
        **{name: hyper[name] for name in ("noise_min", "noise_max", "noise_scale", "temperature")},
        dropout=hyper["mess_dropout"],
        contrast_weight=hyper["contrast"],
        norm_weight=hyper["reg"],
        collaborative_weight=hyper["e_loss"],
        timesteps=hyper["steps"],
        denoiser_width=hyper["hidden"],
        step_embedding_size=hyper["time_dim"],
        main_graph=["rebuilt", "given"][hyper["pattern"]],
        learning_rate=rate,
    )
    n_nodes = sizes.n_items + sizes.n_entities
    triples = file["triples"]
    graph = joint_graph(
        triples, n_nodes=n_nodes, n_relations=sizes.n_relations, tails_per_head=0, seed=0
    )
    edges = triples_of(graph)
    theirs = file["graph.kg_edges"]
    np.testing.assert_array_equal(edges, theirs[np.lexsort(theirs[:, [1, 0]].T)])
    graph = graph._replace(near=among(edges, file["graph.kg_edges_used"]))
    inputs = inputs_of(file["interactions"], sizes, graph)
    return model, inputs, traced, among(edges, file["graph.denoised_edges_kept"])


def among(edges, some):
    """1 for the edges that are among some."""
    there = set(map(tuple, some.tolist()))
    return jnp.array([tuple(edge) in there for edge in edges.tolist()], float)


def params_of(file, prefix, of_tables=None):
    """Its parameters, or what stands for each, under our names."""
    n_items = file["hyper"]["n_items"]
    own = of_tables or prefix
    nodes, weight = file[f"{own}.entity_embedding"], file[f"{own}.attention"]
    heads, tails = np.split(weight, 2)
    found = dict(
        users=file[f"{own}.user_embedding"],
        items=nodes[:n_items],
        entities=nodes[n_items:],
        relations=file[f"{own}.relation_embedding"],
        head_weight=heads,
        tail_weight=tails,
    )
    return found | {"denoiser": denoiser_of(file, prefix)}


def denoiser_of(file, prefix):
    n_items = file["hyper"]["n_items"]
    parts = {
        (part, of): file[f"{prefix}.denoiser.{part}.{of}"]
        for part in ("in", "out", "time")
        for of in ("weight", "bias")
    }
    enter, leave = parts["in", "weight"].T, parts["out", "weight"].T
    n_nodes = leave.shape[1]
    bias = parts["out", "bias"]
    return {
        "from_row": {"items": enter[:n_items], "entities": enter[n_items:n_nodes]},
        "from_step": enter[n_nodes:],
        "bias": parts["in", "bias"],
        "step": {"kernel": parts["time", "weight"].T, "bias": parts["time", "bias"]},
        "to_row": {
            "items": {"kernel": leave[:, :n_items], "bias": bias[:n_items]},
            "entities": {"kernel": leave[:, n_items:], "bias": bias[n_items:]},
        },
    }


def draws_of(file, step=""):
    hyper = file["hyper"]
    kept = [
        [file[f"mask.{step}rgat_call{call}_hop{hop}"] for hop in range(hyper["kg_layers"])]
        for call in range(2)
    ]
    rows = (file[f"draw.{step}steps"], file[f"draw.{step}noise"])
    return drawn_of(kept, *rows, file[f"mask.{step}denoiser_dropout"])


def triplets_of(file):
    return np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=-1)


def terms_of(file):
    """As the authors' program has them where the denoised graph reaches its training."""
    names = {"bpr": "bpr_paper", "contrast": "contrast_paper", "elbo": "elbo"}
    names |= {"collaborative": "ukgc", "loss": "total_paper"}
    found = {ours: file[f"loss.{theirs}"] for ours, theirs in names.items()}
    contrast, rest = file["hyper"]["contrast"], found["loss"] - found["bpr"]
    found["squared_norm"] = (rest - contrast * found["contrast"]) / file["hyper"]["reg"]
    return found | {"loss": found["loss"] + file["loss.denoiser_total"]}


def test_released_loss_gradients_and_view(released, wide):
    file = released("A", "diffkg")
    model, inputs, traced, denoised = of_released(file)
    params = arrays(params_of(file, "param"))
    batch = batch_of(triplets_of(file), file["draw.nodes"])
    aux = {"edges": denoised, "drawn": draws_of(file)}
    (loss, terms), found = step_of(model, inputs, traced)(params, batch, aux)
    terms = with_one_contrast(terms | {"loss": loss})
    gradients = params_of(file, "grad", of_tables="grad_paper")
    view = model.view(params, inputs, denoised)
    after = after_steps(model, inputs, traced, params, [batch], [aux])[0]["denoiser"]
    largest = told(
        terms=largest_difference(terms, terms_of(file), relative=True),
        gradients=largest_difference(found, gradients, relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
        step=largest_difference(after, denoiser_of(file, "after1")),
    )
    assert largest < (1e-9 if wide else 2e-6)


def test_released_steps(released, wide):
    """In theirs all steps of the denoiser come first: it reads tables as they were."""
    file = released("B", "diffkg")
    model, inputs, traced, denoised = of_released(file)
    start, steps = arrays(params_of(file, "param")), range(5)
    tables = {name: start[name] for name in ("users", "items", "entities")}
    auxes = [
        {"edges": denoised, "drawn": draws_of(file, f"step{k}."), "tables": tables} for k in steps
    ]
    nodes = (file[f"draw.step{k}.nodes"] for k in steps)
    batches = [batch_of(*both) for both in zip(triplets_of(file), nodes, strict=True)]
    taken = after_steps(model, inputs, traced, start, batches, auxes)
    (loss, terms), _ = step_of(model, inputs, traced)(taken[3], batches[4], auxes[4])
    last = {name: values[4] for name, values in terms_of(file).items()}
    after = {n: params_of(file, f"after{n}", of_tables=f"after{n}_paper") for n in (1, 5)}
    view = model.view(arrays(params_of(file, "after5")), inputs, denoised)
    largest = told(
        terms=largest_difference(with_one_contrast(terms | {"loss": loss}), last, relative=True),
        **{f"step {n}": largest_difference(taken[n - 1], after[n]) for n in after},
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)


@pytest.mark.parametrize(("which", "prefix"), [("A", "after1"), ("B", "after5")])
def test_released_reverse_process(released, wide, which, prefix):
    """Its rows, and the edges that it leaves."""
    file = released(which, "diffkg")
    model, inputs, _, _ = of_released(file)
    params, edges = {"denoiser": arrays(denoiser_of(file, prefix))}, inputs.own.edges
    rows, expected = (
        reverse_rows(model.denoiser, params["denoiser"], edges),
        file["out.reverse_rows"],
    )
    k = model.options.rebuild_k
    top = jax.lax.top_k(rows, k)[1]
    np.testing.assert_array_equal(top, np.argsort(-expected, axis=1, kind="stable")[:, :k])
    found = model.denoised_edges(params, inputs)
    left = among(triples_of(inputs.own), file["graph.denoised_edges_before_keep"])
    np.testing.assert_array_equal(found, left)
    assert told(rows=largest_difference(rows, expected)) < (1e-9 if wide else 2e-6)
