from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kdiffe_jax.training.state import initial_state

from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.models.kdiffe.rebuild import rebuilt_graph
from kdiffe_jax.training.epoch import compile_parts, traced_of
from kdiffe_jax.training.step import loss_terms, train_step


class Case:
    """One setup, one batch, and the pieces that a step reads."""

    def __init__(self, setup):
        self.parts, self.graphs = setup.parts, setup.graphs
        self.compiled = compile_parts(setup.parts)
        self.state = initial_state(self.parts, self.graphs)
        self.kept = self.compiled.rebuild(self.state.params, self.graphs, self.state.key, 0)
        encoder = self.parts.encoder
        self.rebuilt = rebuilt_graph(
            self.kept, n_items=encoder.n_items, n_entities=encoder.n_entities
        )
        self.batches = Batch(*(jnp.asarray(a) for a in setup.sampler.epoch(0)))
        self.batch = jax.tree.map(lambda a: a[0], self.batches)
        self.loss_terms = jax.jit(partial(loss_terms, self.parts))

    def terms(self, params=None, batch=None, traced=None):
        return self.loss_terms(
            self.state.params if params is None else params,
            self.batch if batch is None else batch,
            self.graphs,
            self.rebuilt,
            traced or traced_of(self.parts),
            jax.random.key(0),
        )


def loss_gradient(case, **kwargs):
    return jax.grad(lambda p: case.terms(params=p, **kwargs)["loss"].mean)(case.state.params)


def test_loss_is_the_weighted_sum_of_eq_14_and_the_elbo(make_problem):
    case = Case(make_problem())
    traced = traced_of(case.parts)._replace(
        theta_1=jnp.float32(0.3), theta_2=jnp.float32(0.02)
    )
    terms = {name: float(term.mean) for name, term in case.terms(traced=traced).items()}
    expected = (
        terms["bpr"]
        + 0.3 * (terms["info_nce_users"] + terms["info_nce_items"])
        + 0.02 * terms["squared_norm"]
        + terms["elbo"]
    )
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-5)


def test_a_step_changes_every_parameter_and_counts(make_problem):
    case = Case(make_problem())
    traced = traced_of(case.parts)
    after, _ = train_step(case.parts, case.state, case.batch, case.graphs, case.rebuilt, traced)
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), after.params, case.state.params)
    assert all(jax.tree.leaves(moved)) and int(after.step) == 1


def test_a_step_goes_down_and_each_draws_noise_of_its_own(make_problem):
    case = Case(make_problem())
    step = jax.jit(partial(train_step, case.parts))
    rest = (case.batch, case.graphs, case.rebuilt, traced_of(case.parts))
    after, first = step(case.state, *rest)
    _, lower = step(after._replace(step=case.state.step), *rest)
    assert lower["loss"].total < first["loss"].total
    _, later = step(case.state._replace(step=case.state.step + 1), *rest)
    assert later["bpr"].total == first["bpr"].total
    assert later["elbo"].total != first["elbo"].total


def test_guidance_is_cut_from_the_elbo_by_default(make_problem):
    """Eq. 11: the ELBO moves the denoiser only, unless asked."""
    for gradient, moves in ((False, False), (True, True)):
        case = Case(make_problem(guidance_gradient=gradient))
        of_elbo = jax.grad(lambda p, c=case: c.terms(params=p)["elbo"].mean)(case.state.params)
        users = np.asarray(of_elbo["encoder"]["user_embedding"])
        assert bool(np.abs(users).max() > 0) is moves
        assert np.abs(of_elbo["denoiser"]["from_row"]["kernel"]).max() > 0


def test_theta_1_zero_is_no_contrast(make_problem):
    with_zero = Case(make_problem(theta_1=0.0))
    traced = Case(make_problem())
    assert "info_nce_users" not in with_zero.terms()
    zero = traced_of(traced.parts)._replace(theta_1=jnp.float32(0.0))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
        loss_gradient(with_zero),
        loss_gradient(traced, traced=zero),
    )


def test_softmax_takes_the_place_of_bpr(make_problem):
    case = Case(make_problem(ranking_loss="softmax", softmax_negatives=7))
    terms = case.terms()
    assert "bpr" not in terms and terms["softmax"].total.shape == ()
    users = np.asarray(loss_gradient(case)["encoder"]["user_embedding"])
    assert np.abs(users).max() > 0


def test_softmax_is_of_the_score_that_ranks(make_problem):
    """Only for the cosine does the length of a layer 0 of users not matter, at no layers."""

    def softmax(score, scale):
        case = Case(
            make_problem(ranking_loss="softmax", softmax_negatives=7, score=score, layers=0)
        )
        encoder = dict(case.state.params["encoder"])
        encoder["user_embedding"] = scale * encoder["user_embedding"]
        params = case.state.params | {"encoder": encoder}
        return float(case.terms(params=params)["softmax"].mean)

    found = {
        (score, scale): softmax(score, scale)
        for score in ("inner_product", "root_length", "cosine")
        for scale in (1.0, 10.0)
    }
    assert found["cosine", 1.0] == pytest.approx(found["cosine", 10.0], rel=1e-5)
    assert found["inner_product", 1.0] != pytest.approx(found["inner_product", 10.0], rel=1e-2)
    assert found["inner_product", 1.0] != pytest.approx(found["cosine", 1.0], rel=1e-3)


@pytest.mark.parametrize("negatives", ["batch", "all"])
def test_padding_of_a_batch_is_invisible(make_problem, negatives):
    case = Case(make_problem(negatives=negatives))
    keep = 40
    cut = Batch(*(a[:keep] for a in case.batch[:4]), *case.batch[4:])
    weights = case.batch.weights.at[keep:].set(0.0)
    users = case.batch.users.at[keep:].set(case.batch.users[0])
    positives = case.batch.positives.at[keep:].set(case.batch.positives[0])
    padded = case.batch._replace(users=users, positives=positives, weights=weights)
    for name in ("bpr", "info_nce_users", "info_nce_items"):
        np.testing.assert_allclose(
            case.terms(batch=padded)[name].mean, case.terms(batch=cut)[name].mean, rtol=1e-5
        )


def test_the_second_epoch_compiles_nothing(make_problem):
    case = Case(make_problem())
    traced = traced_of(case.parts)
    state, kept = case.state, case.kept
    for epoch in range(3):
        state, _ = case.compiled.epoch(state, case.batches, case.graphs, kept, traced)
        kept = case.compiled.rebuild(state.params, case.graphs, state.key, jnp.int32(epoch))
        case.compiled.encode(state.params, case.graphs)
    assert case.compiled.epoch._cache_size() == 1
    assert case.compiled.encode._cache_size() == 1


def test_an_epoch_equals_its_steps_one_by_one(make_problem):
    case = Case(make_problem())
    traced = traced_of(case.parts)
    step = jax.jit(partial(train_step, case.parts))
    state = case.state
    for i in range(case.batches.users.shape[0]):
        batch = jax.tree.map(lambda a, i=i: a[i], case.batches)
        state, _ = step(state, batch, case.graphs, case.rebuilt, traced)
    scanned, terms = case.compiled.epoch(
        case.state, case.batches, case.graphs, case.kept, traced
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-5),
        scanned.params,
        state.params,
    )
    assert terms["bpr"].total.shape == (case.batches.users.shape[0],)


def test_the_state_is_donated(make_problem):
    case = Case(make_problem())
    old = case.state.params["encoder"]["user_embedding"]
    case.compiled.epoch(case.state, case.batches, case.graphs, case.kept, traced_of(case.parts))
    assert old.is_deleted()


@pytest.mark.parametrize("start", ["noise", "diffused", "x_start"])
@pytest.mark.parametrize("rebuild_from", ["own", "all"])
def test_rebuild_keeps_relations_of_the_item(make_problem, planted, start, rebuild_from):
    case = Case(make_problem(reverse_start=start, rebuild_from=rebuild_from, top_q=2))
    kept = jax.device_get(case.kept)
    assert kept.entities.shape == (planted.n_items, 2)
    own = {(item, entity) for item, _, entity in planted.triples.tolist()}
    inside = [
        (item, entity) in own
        for item in range(planted.n_items)
        for entity, score in zip(kept.entities[item], kept.scores[item], strict=True)
        if np.isfinite(score)
    ]
    assert all(inside) if rebuild_from == "own" else not all(inside)
