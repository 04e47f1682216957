"""One training step: BPR + theta_1 InfoNCE + theta_2 `||Theta||^2` + ELBO (eq. 10-15)."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from kdiffe_jax.diffusion import elbo_weights, q_sample
from kdiffe_jax.graph.propagate import multiply
from kdiffe_jax.losses import bpr, elbo, first_occurrence, info_nce, sampled_softmax, squared_norm
from kdiffe_jax.model.encoder import View, scores
from kdiffe_jax.phases import device_phase
from kdiffe_jax.rebuild import dense_rows
from kdiffe_jax.scoring import scoring_items, scoring_users
from kdiffe_jax.training.state import Parts, TrainState, two_views_of, view_of
from kdiffe_jax.types import Batch, Graphs, KnowledgeGraph, Strengths


class Term(NamedTuple):
    """A loss term of one step, as a sum and the weight that turns it into a mean."""

    total: jax.Array
    count: jax.Array

    @property
    def mean(self) -> jax.Array:
        return self.total / jnp.maximum(self.count, 1.0)


def weighted_term(per_example: jax.Array, weights: jax.Array) -> Term:
    """Sums the examples whose weight is not 0."""
    return Term(jnp.sum(jnp.where(weights > 0, per_example * weights, 0.0)), jnp.sum(weights))


def train_step(
    parts: Parts,
    state: TrainState,
    batch: Batch,
    graphs: Graphs,
    rebuilt: KnowledgeGraph,
    strengths: Strengths,
) -> tuple[TrainState, dict[str, Term]]:
    """One pure optimisation step; `parts` is static, everything else is traced.

    Args:
      parts: modules, schedule and optimiser.
      state: donated by the caller.
      batch: triplets and denoiser rows.
      graphs: constant structure.
      rebuilt: the contrastive view's knowledge graph.
      strengths: theta_1, theta_2, tau and Adam's step size.

    Returns:
      The next state and the loss terms "bpr" or "softmax", "info_nce_users", "info_nce_items",
      "squared_norm", "elbo" and their weighted sum, "loss".
    """
    key = jax.random.fold_in(state.key, state.step)

    def objective(params):
        terms = loss_terms(parts, parts.read(params), batch, graphs, rebuilt, strengths, key)
        return terms["loss"].mean, terms

    gradients, terms = jax.grad(objective, has_aux=True)(state.params)
    with device_phase("norm_adam"):
        updates, opt_state = parts.optimizer.update(gradients, state.opt_state, state.params)
        updates = jax.tree.map(lambda u: -strengths.learning_rate * u, updates)
        params = optax.apply_updates(state.params, updates)
    return TrainState(params, opt_state, state.step + 1, state.key), terms


def loss_terms(
    parts: Parts,
    params: dict[str, Any],
    batch: Batch,
    graphs: Graphs,
    rebuilt: KnowledgeGraph,
    strengths: Strengths,
    key: jax.Array,
) -> dict[str, Term]:
    """All terms of eq. 14 and the ELBO for one batch."""
    contrasted = parts.config.train.theta_1 > 0
    if contrasted and graphs.dropped is None:
        main, other = two_views_of(parts, params, graphs, rebuilt)
    else:
        main = view_of(parts, params, graphs, graphs.knowledge)
    if contrasted and graphs.dropped is not None:
        other = view_of(parts, params, graphs._replace(laplacian=graphs.dropped), rebuilt)
    ranking = parts.config.train.ranking_loss
    if ranking == "softmax":
        key, drawing_key = jax.random.split(key)
        ranking_term = _softmax_term(parts, main, batch, strengths, drawing_key)
    else:
        ranking_term = _bpr_term(main, batch)
    terms = {
        ranking: ranking_term,
        "squared_norm": _norm_term(params),
        "elbo": _elbo_term(parts, params["denoiser"], main, batch, graphs, key),
    }
    loss = terms[ranking].mean + strengths.theta_2 * terms["squared_norm"].mean + terms["elbo"].mean
    if contrasted:
        terms |= _contrast_terms(parts, main, other, batch, strengths.temperature)
        contrast = terms["info_nce_users"].mean + terms["info_nce_items"].mean
        loss = loss + strengths.theta_1 * contrast
    return terms | {"loss": Term(loss, jnp.ones(()))}


@device_phase("norm_adam")
def _norm_term(params) -> Term:
    return Term(squared_norm(params["encoder"]), jnp.ones(()))


@device_phase("ranking_loss")
def _softmax_term(parts: Parts, main: View, batch: Batch, strengths: Strengths, key) -> Term:
    shape, score = (parts.config.train.softmax_negatives,), parts.config.model.score
    drawn = main.items[jax.random.randint(key, shape, 0, main.items.shape[0])]
    losses = sampled_softmax(
        scoring_users(main.users[batch.users], score),
        scoring_items(main.items[batch.positives], score),
        scoring_items(drawn, score),
        temperature=strengths.softmax_temperature,
    )
    return weighted_term(losses, batch.weights)


@device_phase("ranking_loss")
def _bpr_term(main: View, batch: Batch) -> Term:
    users = main.users[batch.users]
    positive = scores(users, main.items[batch.positives])
    negative = scores(users, main.items[batch.negatives])
    return weighted_term(bpr(positive, negative), batch.weights)


@device_phase("info_nce")
def _contrast_terms(parts: Parts, main: View, other: View, batch: Batch, temperature):
    nce = _all_node_nce if parts.config.train.negatives == "all" else _batch_nce
    return {
        "info_nce_users": nce(main.users, other.users, batch.users, batch.weights, temperature),
        "info_nce_items": nce(main.items, other.items, batch.positives, batch.weights, temperature),
    }


def _all_node_nce(main, other, nodes, weights, temperature) -> Term:
    losses = info_nce(main[nodes], other, nodes, temperature=temperature)
    return weighted_term(losses, weights)


def _batch_nce(main, other, nodes, weights, temperature) -> Term:
    real = weights > 0
    size = main.shape[0]
    present = real * first_occurrence(jnp.where(real, nodes, size), size=size + 1)
    present = jnp.where(real.any(), present, 1.0)
    losses = info_nce(
        main[nodes],
        other[nodes],
        jnp.arange(nodes.shape[0]),
        temperature=temperature,
        candidate_weights=present,
    )
    return weighted_term(losses, weights)


@device_phase("denoiser")
def _elbo_term(parts: Parts, params, main: View, batch: Batch, graphs: Graphs, key) -> Term:
    time_key, noise_key, dropout_key = jax.random.split(key, 3)
    rows = dense_rows(graphs.rows, batch.row_items, n_columns=parts.denoiser.n_columns)
    n_steps = parts.config.diffusion.timesteps
    timesteps = jax.random.randint(time_key, batch.row_items.shape, 0, n_steps)
    x_t = q_sample(parts.schedule, rows, timesteps, jax.random.normal(noise_key, rows.shape))
    guidance = guidance_rows(parts, main, graphs)[batch.row_items]
    prediction = parts.denoiser.apply(
        {"params": params}, x_t, timesteps, guidance, train=True, rngs={"dropout": dropout_key}
    )
    weights = elbo_weights(parts.schedule)[timesteps]
    return weighted_term(elbo(rows, prediction, weights), batch.row_weights)


def guidance_rows(parts: Parts, main: View, graphs: Graphs) -> jax.Array:
    """z~: the mean main-view embedding of each item's users (eq. 11), f32[J, d].

    The gradient is cut unless the configuration lets it through; rows of items
    without users are zero.
    """
    users = main.users
    if not parts.config.diffusion.guidance_gradient:
        users = jax.lax.stop_gradient(users)
    return multiply(graphs.item_users, users)
