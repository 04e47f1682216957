"""LightGCN from the model's own parts: L without S, propagation, BPR and the squared norm.

No knowledge graph, no contrast, no diffusion: two embedding tables, eq. 3 and 6 with xi = 0,
eq. 15 and theta_2 of eq. 14. The epoch is chosen by the score that chooses the model's.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from kdiffe_jax.baselines.bench import Bench
from kdiffe_jax.data.batches import EpochIndices, InteractionSampler
from kdiffe_jax.graph.laplacian import attention_laplacian
from kdiffe_jax.graph.operators import laplacian_blocks
from kdiffe_jax.graph.propagate import propagate
from kdiffe_jax.losses import bpr, squared_norm
from kdiffe_jax.model.encoder import View, scores
from kdiffe_jax.rankers import Ranker, embedding_ranker
from kdiffe_jax.types import Laplacian

Params = dict[str, jax.Array]


class LightGCN:
    """Holds the Laplacian and every view it has trained.

    Args:
      bench: its training interactions and its choice.
      dim, batch_size, learning_rate: as in the model's configuration.
      epochs, patience: most epochs, and epochs without a better score before the stop.
      seed: of parameters and batches.
    """

    def __init__(
        self,
        bench: Bench,
        *,
        dim: int,
        batch_size: int,
        learning_rate: float,
        epochs: int,
        patience: int,
        seed: int,
    ):
        self._bench = bench
        self._sampler = InteractionSampler(
            bench.train,
            n_users=bench.n_users,
            n_items=bench.n_items,
            batch_size=batch_size,
            seed=seed,
        )
        self._laplacian = plain_laplacian(bench)
        self._optimizer = optax.adam(learning_rate)
        self._dim, self._seed = dim, seed
        self._epochs, self._patience = epochs, patience
        self._trained: dict[tuple[int, float], View] = {}

    def fit(self, *, layers: int, theta_2: float) -> Ranker:
        """Trains, or takes what was trained before; ranks by the best epoch's embeddings."""
        point = (layers, theta_2)
        if point not in self._trained:
            self._trained[point] = self._best_view(layers, theta_2)
        return self._ranker(self._trained[point])

    def _best_view(self, layers: int, theta_2: float) -> View:
        params = initial_params(self._bench, dim=self._dim, seed=self._seed)
        opt_state = self._optimizer.init(params)
        run = partial(run_epoch, optimizer=self._optimizer, layers=layers)
        best, best_score, since = None, -1.0, 0
        for epoch in range(self._epochs):
            batches = jax.tree.map(jnp.asarray, self._sampler.epoch(epoch))
            params, opt_state = run(
                params, opt_state, batches, self._laplacian, jnp.float32(theta_2)
            )
            view = view_of(params, self._laplacian, layers=layers)
            score = self._bench.selection_score(self._ranker(view))
            if score > best_score:
                best, best_score, since = view, score, 0
            else:
                since += 1
            if since == self._patience:
                break
        return best

    def _ranker(self, view: View) -> Ranker:
        return embedding_ranker(view.users, view.items, block=self._bench.eval.eval_block)


def plain_laplacian(bench: Bench) -> Laplacian:
    """D^-1/2 A D^-1/2: eq. 4 without S."""
    users, items = jnp.asarray(bench.train, jnp.int32).T
    laplacian = attention_laplacian(
        users,
        items,
        np.zeros(len(bench.train), np.float32),
        n_users=bench.n_users,
        n_items=bench.n_items,
        xi=0.0,
    )
    return laplacian_blocks(laplacian, n_users=bench.n_users)


def initial_params(bench: Bench, *, dim: int, seed: int) -> Params:
    """f32[I, d] and f32[J, d] of Xavier's uniform distribution, as in the encoder."""
    keys = jax.random.split(jax.random.key(seed))
    init = jax.nn.initializers.xavier_uniform()
    sizes = {"users": bench.n_users, "items": bench.n_items}
    return {
        name: init(key, (size, dim)) for key, (name, size) in zip(keys, sizes.items(), strict=True)
    }


@partial(jax.jit, static_argnames="layers")
def view_of(params: Params, laplacian: Laplacian, *, layers: int) -> View:
    """The sum over layers, eq. 3 and 6."""
    return View(*propagate(laplacian, params["users"], params["items"], layers=layers))


@partial(jax.jit, static_argnames=("optimizer", "layers"), donate_argnums=(0, 1))
def run_epoch(
    params: Params,
    opt_state: Any,
    batches: EpochIndices,
    laplacian: Laplacian,
    theta_2: jax.Array,
    *,
    optimizer: optax.GradientTransformation,
    layers: int,
) -> tuple[Params, Any]:
    """One pass over all batches; returns the next parameters and optimiser state."""

    def objective(params, batch):
        view = view_of(params, laplacian, layers=layers)
        users = view.users[batch.users]
        positive = scores(users, view.items[batch.positives])
        negative = scores(users, view.items[batch.negatives])
        total = jnp.sum(bpr(positive, negative) * batch.weights)
        mean = total / jnp.maximum(jnp.sum(batch.weights), 1.0)
        return mean + theta_2 * squared_norm(params)

    def step(carried, batch):
        params, opt_state = carried
        gradients = jax.grad(objective)(params, batch)
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), None

    return jax.lax.scan(step, (params, opt_state), batches)[0]
