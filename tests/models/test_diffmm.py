"""DiffMM beside its equations, and beside figures of the authors' program where at hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.config import Limits
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.graph.one_item_graph import OneItemGraph, loops_alone, one_item_graph, over_one_item
from kdiffe_jax.models.arrays import Degrees, Inputs, Sizes
from kdiffe_jax.models.diffmm import DiffMM
from kdiffe_jax.models.row_denoiser import RowDraws
from kdiffe_jax.models.row_reverse import reverse_rows
from kdiffe_jax.ops.sparse import sparse_pair
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
from tests.reference import diffmm, models

FEATURES = {"audio": 5, "image": 4, "text": 3}
OPTIONS = dict(
    layers=2,
    generated_weight=0.3,
    residual=0.6,
    edge_drop=0.25,
    contrast_weight=0.7,
    temperature=0.4,
    norm_weight=0.03,
    guidance_weight=0.3,
    timesteps=3,
    denoiser_dropout=0.4,
)


class WithDraws(DiffMM):
    """Takes generated graphs and draws as `aux`, and tables that denoisers read."""

    def losses(self, objective, params, batch, inputs, aux, traced, key):
        terms = super().losses(objective, params, batch, inputs, aux["graphs"], traced, aux)
        if "tables" in aux:
            own = params | aux["tables"]
            content, drawn = self.content(own, inputs), aux["drawn"]
            terms |= self._denoiser_terms(own, batch, inputs, traced, content, drawn)
        return terms

    def draws(self, key, n_rows):
        return key["drawn"], jax.random.key(0)


def with_draws(sizes, **options):
    model, traced = model_with("diffmm", sizes, **options)
    return WithDraws(model.options, model.embedding, model.ranking, model.sizes), traced


def inputs_of(pairs, sizes, features):
    counts = (
        np.bincount(side, minlength=n).astype(float)
        for side, n in zip(pairs.T, sizes[:2], strict=True)
    )
    degrees = Degrees(*map(jnp.asarray, counts))
    return Inputs(laplacian_of(pairs, sizes), degrees=degrees, features=features)


def batch_of(triplets, users):
    """Padded with two examples and two users."""
    users = jnp.asarray(np.pad(users, (0, 2)), jnp.int32)
    weights = jnp.ones(len(users)).at[-2:].set(0.0)
    return padded_batch(triplets)._replace(row_nodes=users, row_weights=weights)


def drawn_of(timesteps, noise, kept):
    """With two rows of padding."""
    rows = (np.pad(a, ((0, 2),) + (a.ndim - 1) * ((0, 0),)) for a in (timesteps, noise, kept))
    steps, noise, kept = rows
    return RowDraws(jnp.asarray(steps), jnp.asarray(noise, float), jnp.asarray(kept > 0))


def graph_of(items, stays, edge_drop, n_items):
    """The generated graph with the entries that stay, scaled.

    Args:
      items: of each user.
      stays: 0/1, users and then items by the same.
    """
    graph, users = one_item_graph(jnp.asarray(items), n_items=n_items), np.arange(len(items))
    nodes, loops = len(users) + np.asarray(items), np.diag(stays)
    kept = (stays[users, nodes], stays[nodes, users], loops[: len(users)], loops[len(users) :])
    values = (v * k / (1 - edge_drop) for v, k in zip(graph[1:], kept, strict=True))
    return OneItemGraph(graph.items, *values)


@pytest.fixture
def problem(rng):
    sizes, dim = Sizes(7, 9, feature_widths=tuple(FEATURES.items())), 4
    pairs, batch = random_problem(rng)
    features = {name: rng.normal(size=(9, width)) for name, width in FEATURES.items()}
    chosen = {name: rng.integers(0, 9, 7) for name in FEATURES}
    stays = {name: (rng.random((16, 16)) < 0.75).astype(float) for name in FEATURES}
    for entries in stays.values():
        np.fill_diagonal(entries, 1.0)
    rows = {"users": np.array([0, 6, 3, 0])}
    for name in FEATURES:
        rows[name] = dict(
            timesteps=rng.integers(0, 3, 4).astype(np.int32),
            noise=rng.normal(size=(4, 9)),
            kept=rng.random((4, 9)) < 0.6,
        )
    return sizes, dim, pairs, batch, features, chosen, stays, rows


@pytest.mark.parametrize(
    "content_map, contrast_with",
    [
        ("linear", "ranking"),
        ("leaky", "modalities"),
        pytest.param("linear", "modalities", marks=pytest.mark.thorough),
        pytest.param("leaky", "ranking", marks=pytest.mark.thorough),
    ],
)
def test_loss_and_gradients_are_the_equations(problem, rng, wide, content_map, contrast_with):
    """A user without items, one chosen twice and padding; sparse features too."""
    sizes, dim, pairs, batch, features, chosen, stays, rows = problem
    small = dict(dim=dim, denoiser_width=3, step_embedding_size=4)
    options = OPTIONS | {"contrast_with": contrast_with}
    model, traced = with_draws(sizes, **small, **options, content_map=content_map)
    like = jax.eval_shape(model.init, jax.random.key(0), None)
    params = jax.tree.map(lambda leaf: 0.5 * rng.normal(size=leaf.shape), like)
    adjacency = np.zeros(sizes[:2])
    adjacency[tuple(pairs.T)] = 1.0

    def oracle(params):
        return diffmm.diffmm(params, adjacency, features, chosen, stays, rows, batch, **options)

    expected = oracle(params)
    gradients = models.gradients(lambda params: oracle(params)["loss"], params)
    given = {name: jnp.asarray(table, float) for name, table in features.items()}
    if not wide:
        given["text"] = sparse_pair(sparse.csr_array(features["text"]))
    step = step_of(model, inputs_of(pairs, sizes, given), traced)
    aux = {
        "graphs": {n: graph_of(chosen[n], stays[n], 0.25, sizes.n_items) for n in FEATURES},
        "drawn": {n: drawn_of(*rows[n].values()) for n in FEATURES},
    }
    (loss, terms), found = step(arrays(params), batch_of(batch, rows["users"]), aux)
    tolerance = 1e-12 if wide else 1e-5
    assert largest_difference(terms | {"loss": loss}, expected, relative=True) < tolerance
    assert largest_difference(found, gradients, relative=True) < 10 * tolerance


def test_a_generated_graph_is_its_matrix(rng):
    items, tables = rng.integers(0, 5, 6), (rng.normal(size=(6, 3)), rng.normal(size=(5, 3)))
    adjacency = np.zeros((6, 5))
    adjacency[np.arange(6), items] = 1.0
    expected = diffmm.with_loops(adjacency) @ np.concatenate(tables)
    found = over_one_item(one_item_graph(jnp.asarray(items), n_items=5), *map(jnp.asarray, tables))
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-5, atol=1e-6)
    same = over_one_item(loops_alone(n_users=6, n_items=5), *map(jnp.asarray, tables))
    np.testing.assert_allclose(np.concatenate(same), np.concatenate(tables), rtol=1e-6)


def test_users_have_their_first_item_and_entries_go(rng):
    sizes = Sizes(300, 40, feature_widths=(("image", 4), ("text", 3)))
    pairs = np.argwhere(rng.random((300, 40)) < 0.1)
    model, _ = with_draws(sizes, dim=4, denoiser_width=5, edge_drop=0.3)
    features = {n: jnp.asarray(rng.normal(size=(40, w)), float) for n, w in sizes.feature_widths}
    inputs = inputs_of(pairs, sizes, features)
    params = model.init(jax.random.key(0), inputs)
    found = model.refresh(params, inputs, (), jax.random.key(1))
    for name in model.sizes.modalities:
        interactions = inputs.laplacian.to_users._replace(values=jnp.ones(len(pairs)))
        rows = reverse_rows(model.denoiser, params[f"denoiser_{name}"], interactions)
        np.testing.assert_array_equal(found[name].items, np.argmax(rows, axis=1))
        whole = one_item_graph(found[name].items, n_items=40)
        for left, all_of in zip(found[name][1:], whole[1:], strict=True):
            stays = np.asarray(left) > 0
            np.testing.assert_allclose(left[stays], all_of[stays] / 0.7, rtol=1e-6)
        assert all(0.6 < (np.asarray(left) > 0).mean() < 0.8 for left in found[name][1:4])
    assert (found["image"].items != found["text"].items).any()
    assert (found["image"].to_users > 0).tolist() != (found["image"].to_items > 0).tolist()
    like = jax.eval_shape(model.first_carry, inputs)
    assert jax.tree.map(jnp.shape, found) == jax.tree.map(jnp.shape, like)


def test_memory_is_refused_for_all_modalities():
    sizes = Sizes(90_000, 60_000, feature_widths=(("image", 4), ("text", 3)))
    model, _ = model_with("diffmm", sizes)
    with pytest.raises(ConfigError, match="60,000 columns needs 4.* GB, the limit is 2 "):
        model.check(500, Limits(model_memory_gb=2.0))
    model.check(500, Limits())


def test_one_modality_has_none_to_contrast_with():
    model, _ = model_with(
        "diffmm", Sizes(9, 6, feature_widths=(("image", 4),)), contrast_with="modalities"
    )
    with pytest.raises(ConfigError, match="the data have one; take 'ranking'"):
        model.check(5, Limits())


@pytest.mark.thorough
def test_it_learns_with_generated_graphs(setup_of):
    """As by default, they count in what ranks."""
    setup = setup_of("diffmm", generated_weight=0.2)
    compiled = compile_setup(setup)
    carried, scores = fresh_start(setup, compiled), []
    for epoch in range(6):
        carried, record = one_epoch(setup, compiled, carried, epoch=epoch)
        scores.append(record["valid"]["recall@20"])
    assert np.mean(scores) > 0.38  # at random 0.26


def of_released(file):
    """Model, inputs and traced options, and the generated graphs."""
    hyper = file["hyper"]
    names = sorted(hyper["modalities"])
    widths = tuple((name, file[f"feature.{name}"].shape[1]) for name in names)
    sizes = Sizes(hyper["n_users"], hyper["n_items"], feature_widths=widths)
    model, traced = with_draws(
        sizes,
        **{name: hyper[name] for name in ("dim", "layers", "residual", "temperature")},
        **{name: hyper[name] for name in ("noise_min", "noise_max", "noise_scale")},
        contrast_weight=hyper["contrast"],
        contrast_with=["modalities", "ranking"][hyper["contrast_method"]],
        content_map=["leaky", "linear"][hyper["trans"]],
        generated_weight=hyper["generated"],
        guidance_weight=hyper["e_loss"],
        norm_weight=hyper["reg"],
        edge_drop=1.0 - hyper["keep"],
        timesteps=hyper["steps"],
        denoiser_width=hyper["hidden"],
        step_embedding_size=hyper["time_dim"],
        learning_rate=hyper["learning_rate"] or 1.0,
    )
    features = {name: jnp.asarray(file[f"feature.{name}"], float) for name in names}
    graphs = {
        name: graph_of(
            file[f"graph.generated_item_{name}"],
            file[f"mask.generated_entries_{name}"],
            1.0 - hyper["keep"],
            sizes.n_items,
        )
        for name in names
    }
    return model, inputs_of(file["interactions"], sizes, features), traced, graphs


def params_of(file, prefix):
    """Its parameters, or what stands for each, under our names."""
    hyper = file["hyper"]
    names = sorted(hyper["modalities"])
    order = [hyper["modalities"].index(name) for name in names]
    found = {f"{side}s": file[f"{prefix}.{side}_embedding"] for side in ("user", "item")}
    found["modality_weights"] = file[f"{prefix}.modal_weight"][order]
    for name in names:
        if hyper["trans"]:
            found[f"map_{name}"] = linear_of(file, f"{prefix}.{name}_linear")
        else:
            found[f"map_{name}"] = {"kernel": file[f"{prefix}.{name}_matrix"]}
        found[f"denoiser_{name}"] = denoiser_of(file, f"{prefix}.denoiser_{name}")
    return found


def linear_of(file, name):
    return {"kernel": file[f"{name}.weight"].T, "bias": file[f"{name}.bias"]}


def denoiser_of(file, name):
    enter, leave, step = (linear_of(file, f"{name}.{part}") for part in ("in", "out", "time"))
    n_items = file["hyper"]["n_items"]
    return {
        "from_row": {"items": enter["kernel"][:n_items]},
        "from_step": enter["kernel"][n_items:],
        "bias": enter["bias"],
        "step": step,
        "to_row": {"items": leave},
    }


def draws_of(file, step=""):
    return {
        name: drawn_of(
            file[f"draw.{step}steps_{name}"],
            file[f"draw.{step}noise_{name}"],
            file[f"mask.{step}denoiser_dropout_{name}"],
        )
        for name in file["hyper"]["modalities"]
    }


def triplets_of(file):
    return np.stack([file[f"batch.{n}"] for n in ("users", "positives", "negatives")], axis=-1)


def terms_of(file):
    """Under our names."""
    names = {"bpr": "bpr", "squared_norm": "reg", "contrast": "contrast"}
    for name in file["hyper"]["modalities"]:
        names |= {f"{term}_{name}": f"{term}_{name}" for term in ("elbo", "guidance")}
    found = {ours: file[f"loss.{theirs}"] for ours, theirs in names.items()}
    return found | {"loss": file["loss.total"] + file["loss.denoiser_total"]}


def test_released_loss_gradients_and_view(released, wide):
    file = released("A", "diffmm")
    model, inputs, traced, graphs = of_released(file)
    params = arrays(params_of(file, "param"))
    batch = batch_of(triplets_of(file), file["draw.users"])
    aux = {"graphs": graphs, "drawn": draws_of(file)}
    (loss, terms), found = step_of(model, inputs, traced)(params, batch, aux)
    terms = with_one_contrast(terms | {"loss": loss})
    view = model.view(params, inputs, graphs)
    largest = told(
        terms=largest_difference(terms, terms_of(file), relative=True),
        gradients=largest_difference(found, params_of(file, "grad"), relative=True),
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)


def test_released_steps(released, wide):
    """In theirs all steps of the denoisers come first: they read tables as they were."""
    try:
        file = released("B", "diffmm")
    except FileNotFoundError:
        pytest.skip("there are no figures of its steps")
    model, inputs, traced, graphs = of_released(file)
    start, steps = arrays(params_of(file, "param")), range(5)
    tables = {name: rows for name, rows in start.items() if not name.startswith("denoiser")}
    auxes = [
        {"graphs": graphs, "drawn": draws_of(file, f"step{k}."), "tables": tables} for k in steps
    ]
    users = (file[f"draw.step{k}.users"] for k in steps)
    batches = [batch_of(*both) for both in zip(triplets_of(file), users, strict=True)]
    taken = after_steps(model, inputs, traced, start, batches, auxes)
    (loss, terms), _ = step_of(model, inputs, traced)(taken[3], batches[4], auxes[4])
    last = {name: values[4] for name, values in terms_of(file).items()}
    after = {n: params_of(file, f"after{n}") for n in (1, 5)}
    view = model.view(taken[4], inputs, graphs)
    largest = told(
        terms=largest_difference(with_one_contrast(terms | {"loss": loss}), last, relative=True),
        **{f"step {n}": largest_difference(taken[n - 1], after[n]) for n in after},
        view=largest_difference(view._asdict(), {n: file[f"out.{n}"] for n in view._fields}),
    )
    assert largest < (1e-9 if wide else 2e-6)
