"""Where a training's arrays lie, and how its functions are compiled for that.

Decided once: one device, or the devices of a mesh (`placement_on_mesh.py`). Everything else asks
the placement and knows neither.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.config import EvalConfig
from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.evaluation.ranking import evaluate, ranking_task
from kdiffe_jax.graph.laplacian import mean_of_users, normalised_laplacian
from kdiffe_jax.models.arrays import Batch, Carry, EdgeWeights, Inputs, Sizes, Term, View
from kdiffe_jax.models.base import Model, Needs
from kdiffe_jax.ops.sparse import laplacian_blocks, sparse_operator
from kdiffe_jax.training.epoch import Layout, ranking_view, refresh, run_epoch
from kdiffe_jax.training.sampler import InteractionSampler
from kdiffe_jax.training.step import TrainState


class Compiled(NamedTuple):
    """What a training calls; each function compiles once per shape."""

    initial: Callable[[Inputs, int], TrainState]  #: a fresh state, drawn from a seed
    epoch: Callable[..., tuple[TrainState, dict[str, Term]]]
    refresh: Callable[..., Carry]
    view: Callable[..., View]  #: as ranking during training reads it
    like: Callable[[Any], Any]  #: state and carry -> shapes of both as one device has them


class Placement(abc.ABC):
    """Where arrays lie.

    Attributes:
      share: whose interactions this process has.
      devices: of this process, that take part.
      alone: whether all is on one device.
    """

    share: Share = ALONE
    devices: Sequence[jax.Device]
    alone: bool

    @abc.abstractmethod
    def operators(
        self, pairs: np.ndarray, edges: EdgeWeights, sizes: Sizes, needs: Needs
    ) -> tuple[Any, Any]:
        """The Laplacian, and the mean over an item's users where the model needs it.

        Args:
          pairs: int32[n, 2] of (user, item), those of this process, sorted.
          edges: what each weighs.
          sizes, needs: of the data and the model.
        """

    @abc.abstractmethod
    def making(self) -> AbstractContextManager:
        """A block in which constant structure is made before it is placed."""

    @abc.abstractmethod
    def placed(self, content: Any) -> Any:
        """Constant structure, where every step reads it; what is sparse may be split."""

    @abc.abstractmethod
    def ranking_task(self, seen: np.ndarray, relevant: np.ndarray, sizes: Sizes) -> Any:
        """A split to rank, as `evaluate` takes it; see `evaluation.ranking.ranking_task`."""

    @abc.abstractmethod
    def batches(self, sampler: InteractionSampler, number: int) -> Batch:
        """The batches of an epoch as `Compiled.epoch` takes them."""

    @abc.abstractmethod
    def compiled(
        self,
        model: Model,
        sampler: InteractionSampler,
        inputs: Inputs,
        initial: Callable[[Inputs, int], TrainState],
    ) -> Compiled:
        """What a training calls.

        Args:
          model: static.
          sampler: whose batches it trains on.
          inputs: constant structure, placed.
          initial: makes a fresh state of a seed.
        """

    @abc.abstractmethod
    def gathered(self, carried: Any, like: Any) -> Any:
        """A state and what goes with it as one device has them, which is what checkpoints hold.

        Args:
          carried: as the functions of `Compiled` take and give them.
          like: of `Compiled.like`.

        Returns:
          The same on process 0; None on all others.
        """

    @abc.abstractmethod
    def laid(self, stored: Any, like: Any) -> Any:
        """Inverse of `gathered`: of what process 0 has, None elsewhere; all take part."""

    @abc.abstractmethod
    def evaluate(self, view: View, task: Any, settings: EvalConfig) -> dict[str, np.ndarray]:
        """Every user's metrics: name -> f64[n].

        Args:
          view: of `Compiled.view`.
          task: of `ranking_task`.
          settings: precision and block.
        """

    @abc.abstractmethod
    def whole(self, view: View, sizes: Sizes) -> View:
        """A view of `Compiled.view` on one device, without padding; of process 0 alone."""


class OneDevice(Placement):
    """Everything on JAX's default device."""

    alone = True

    def __init__(self):
        self.devices = jax.local_devices()[:1]

    def operators(self, pairs, edges, sizes, needs):
        users, items = jnp.asarray(pairs[:, 0]), jnp.asarray(pairs[:, 1])
        of = dict(n_users=sizes.n_users, n_items=sizes.n_items)
        weights, counted = jnp.asarray(edges.weights), jnp.asarray(edges.counted)
        matrix = normalised_laplacian(users, items, weights, counted, **of)
        laplacian = laplacian_blocks(matrix, n_users=sizes.n_users)
        if not needs.guidance:
            return laplacian, None
        return laplacian, sparse_operator(mean_of_users(users, items, **of))

    def making(self):
        return nullcontext()

    def placed(self, content):
        return jax.tree.map(jnp.asarray, content)

    def ranking_task(self, seen, relevant, sizes):
        return ranking_task(seen, relevant, n_users=sizes.n_users)

    def batches(self, sampler, number):
        return Batch(*map(jnp.asarray, sampler.epoch(number)))

    def compiled(self, model, sampler, inputs, initial):
        epoch = partial(run_epoch, model, Layout(), sampler.cuts_passes)
        fresh = jax.jit(initial)  # one program: op by op it would be some hundred of them
        return Compiled(
            initial=lambda inputs, seed: fresh(inputs, np.uint32(seed)),
            epoch=jax.jit(epoch, donate_argnums=0),
            refresh=jax.jit(partial(refresh, model)),
            view=jax.jit(partial(ranking_view, model)),
            like=partial(jax.tree.map, _shape_of),
        )

    def gathered(self, carried, like):
        return carried

    def laid(self, stored, like):
        return jax.tree.map(_as_made_here, stored)

    def evaluate(self, view, task, settings):
        users, items = (table.astype(settings.eval_precision) for table in view)
        return evaluate(users, items, task, block=settings.eval_block)

    def whole(self, view, sizes):
        return view


def _shape_of(leaf: jax.Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)


def _as_made_here(leaf: Any) -> jax.Array:
    """A restored array, bound to no device: bound ones would compile every function once more."""
    if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(_as_made_here(jax.random.key_data(leaf)))
    return jnp.array(np.asarray(leaf))
