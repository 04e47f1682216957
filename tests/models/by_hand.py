"""Small problems made by hand, for what a model computes to be compared with something else."""

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.graph.laplacian import normalised_laplacian
from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.models.registry import build_model, make_config
from kdiffe_jax.ops.sparse import laplacian_blocks
from kdiffe_jax.training.step import TrainState, adam, train_step, weighted_sum
from tests.reference import oracles


def random_problem(rng, n_users=7, n_items=9):
    """Interactions that leave the last user and the last item out, and a batch with repeats."""
    pairs = np.argwhere(rng.random((n_users - 1, n_items - 1)) < 0.4)
    batch = pairs[rng.integers(len(pairs), size=5)]
    batch = np.concatenate([batch, batch[:1]])
    return pairs, np.column_stack([batch, np.full(len(batch), n_items - 1)])


def model_with(name, sizes, **options):
    """A model of given sizes, and its traced options as float arrays."""
    config = make_config({"model": name} | options)
    traced = {option: jnp.asarray(value, float) for option, value in config.traced().items()}
    return build_model(config, sizes), traced


def laplacian_of(pairs, sizes):
    """L over the given interactions, by its blocks."""
    ones = jnp.ones(len(pairs))
    users, items = jnp.asarray(pairs).T
    of = dict(n_users=sizes.n_users, n_items=sizes.n_items)
    matrix = normalised_laplacian(users, items, ones, ones, **of)
    return laplacian_blocks(matrix, n_users=sizes.n_users)


def dense_laplacian(pairs, sizes):
    """The same from its definition."""
    return oracles.laplacian(pairs, np.zeros(len(pairs)), sizes.n_users, sizes.n_items, 0.0)


def padded_batch(triplets):
    """Triplets with two rows of padding."""
    triplets = jnp.asarray(np.pad(triplets, ((0, 2), (0, 0))), jnp.int32)
    weights = jnp.ones(len(triplets)).at[-2:].set(0.0)
    return Batch(*triplets.T, weights, jnp.zeros(1, jnp.int32), jnp.zeros(1))


def arrays(tree):
    """Floats of the default precision, which is 64 bits where they are enabled."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, float), tree)


def step_of(model, inputs, traced):
    """(params, batch, aux) -> ((loss, mean terms), gradients); `aux` is also the step's key."""

    def loss(params, batch, aux):
        terms = model.losses("loss", params, batch, inputs, aux, traced, aux)
        return weighted_sum(terms), {name: w.term.mean for name, w in terms.items()}

    return jax.jit(jax.value_and_grad(loss, has_aux=True))


def after_steps(model, inputs, traced, params, batches, auxes):
    """Parameters after each step of the training itself, from fresh optimisers."""
    key, taken = jax.random.key(0), []
    optimisers = tuple(adam().init(params) for _ in model.objectives)
    state = TrainState(params, optimisers, jnp.zeros((), jnp.int32), key)
    take = jax.jit(train_step, static_argnums=0)
    for batch, aux in zip(batches, auxes, strict=True):
        state, _ = take(model, state, batch, inputs, aux, traced)
        taken.append(state.params)
    return taken


def largest_difference(found, expected, *, relative=False):
    """Over all arrays of two trees; relative to the largest entry of each."""
    differences = jax.tree.map(
        lambda a, b: np.abs(np.asarray(a) - b).max() / (np.abs(b).max() if relative else 1.0),
        found,
        expected,
    )
    return max(jax.tree.leaves(differences))


def told(**differences):
    """Prints the differences by name (`pytest -rP` shows them) and gives the largest."""
    print(*(f"{name} {value:.1e}" for name, value in differences.items()), sep=", ")
    return max(differences.values())


def with_one_contrast(terms):
    """Terms with the contrast of users and items as one."""
    sides = [terms.pop(f"info_nce_{side}") for side in ("users", "items")]
    return terms | {"contrast": sum(sides)}
