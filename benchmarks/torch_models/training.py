"""An epoch of a form on the data and the batches of a setup."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from scipy import sparse

from benchmarks.harness import Timed
from benchmarks.torch_models import form_class
from benchmarks.torch_models.base import Batch, Form, Problem
from benchmarks.torch_models.device import tensor_of, use_device, wait
from kdiffe_jax.graph.joint_knowledge import JointGraph
from kdiffe_jax.models.arrays import Batch as Drawn
from kdiffe_jax.ops.sparse_types import SparsePair
from kdiffe_jax.training.setup import TrainSetup


class TorchTraining:
    """A form and its optimisers, whose epochs can be run again and again.

    Args:
      setup: of the model that it is a form of.
      drawn: batches of an epoch.
      steps: that are taken of an epoch; the time of these is scaled to all. 0: all.
      threads: of torch.
    """

    def __init__(self, setup: TrainSetup, drawn: Drawn, *, steps: int, threads: int):
        warnings.filterwarnings("ignore", message="Sparse")
        use_device()
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        config = setup.config
        form = form_class(config.model)
        self.form: Form = form(problem_of(setup), config.options, config.embedding.dim)
        self._batches = list(batches_of(drawn))
        self._taken = min(steps, len(self._batches)) or len(self._batches)
        decay, rate = self.form.weight_decay, config.train.learning_rate
        self._objectives = [
            (
                loss,
                torch.optim.Adam(
                    self.form.parameters(), lr=rate * own, weight_decay=decay, fused=True
                ),
            )
            for loss, own in self.form.objectives()
        ]

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.form.parameters())

    @property
    def share(self) -> float:
        """Of the steps, that are taken."""
        return self._taken / len(self._batches)

    def epoch(self) -> Timed:
        """What begins it, its steps, and what ends it."""
        cpu, begun = time.process_time(), time.perf_counter()
        self.form.begin_epoch()
        wait()
        cpu_of_steps, wall_of_steps = time.process_time(), time.perf_counter()
        for batch in self._batches[: self._taken]:
            self._step(batch)
        wait()
        more = 1.0 / self.share - 1.0
        cpu -= more * (time.process_time() - cpu_of_steps)
        begun -= more * (time.perf_counter() - wall_of_steps)
        self.form.end_epoch()
        wait()
        return Timed(time.perf_counter() - begun, time.process_time() - cpu, 0.0)

    def _step(self, batch: Batch) -> None:
        for loss, optimiser in self._objectives:
            optimiser.zero_grad()
            loss(batch, {}).backward()
            optimiser.step()


def problem_of(setup: TrainSetup) -> Problem:
    """The data that a setup's model reads."""
    inputs, dataset = setup.inputs, setup.dataset
    users, items = (tensor_of(ends.astype(np.int64)) for ends in dataset.train.T)
    graphs = inputs.item_graphs or {}
    return Problem(
        dataset.n_users,
        dataset.n_items,
        users,
        items,
        {name: _feature(rows) for name, rows in (inputs.features or {}).items()},
        {name: _matrix(pair, (dataset.n_items, dataset.n_items)) for name, pair in graphs.items()},
        dataset.triples,
        dataset.n_entities,
        dataset.n_relations,
        _edges(inputs.own),
    )


def batches_of(drawn: Drawn) -> Iterator[Batch]:
    """The steps of an epoch without their padding."""
    columns = (drawn.users, drawn.positives, drawn.negatives, drawn.row_nodes)
    users, positives, negatives, rows = (np.asarray(column).astype(np.int64) for column in columns)
    real, real_rows = np.asarray(drawn.weights) > 0, np.asarray(drawn.row_weights) > 0
    for step in range(len(users)):
        kept = real[step]
        triplets = (column[step][kept] for column in (users, positives, negatives))
        arrays = (*triplets, rows[step][real_rows[step]])
        yield Batch(*map(tensor_of, arrays))


def _edges(own) -> tuple[torch.Tensor, ...] | None:
    if not isinstance(own, JointGraph):
        return None
    ends = own.edges.rows, own.edges.columns, own.relations
    *places, near = map(tensor_of, (*ends, own.near))
    return (*(ends.long() for ends in places), near > 0)


def _feature(rows) -> torch.Tensor:
    if isinstance(rows, SparsePair):
        shape = len(rows.forward.row_starts) - 1, len(rows.transpose.row_starts) - 1
        starts, columns, values = _parts(_matrix(rows, shape))
        return torch.sparse_csr_tensor(starts, columns, values, shape)
    return tensor_of(rows)


def _parts(matrix) -> tuple[torch.Tensor, ...]:
    arrays = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data
    return tuple(map(tensor_of, arrays))


def _matrix(pair: SparsePair, shape: tuple[int, int]) -> sparse.csr_array:
    one = pair.forward
    values, columns, starts = map(np.array, (one.values, one.columns, one.row_starts))
    return sparse.csr_array((values, columns, starts), shape=shape)
