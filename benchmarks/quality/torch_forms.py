"""LightGCN and BM3 in plain torch.sparse, on our batches and from our initial parameters."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch

from benchmarks.quality.curves import Clock, Found, Splits, by_rows, followed, scores
from benchmarks.quality.settings import Settings, config_of
from benchmarks.torch_models.base import Form
from benchmarks.torch_models.training import TorchTraining, batches_of
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.evaluation.top_k_lists import TopKLists
from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.training.setup import TrainSetup, build_setup
from kdiffe_jax.training.step import initial_state

_TABLES = {"users": "user_embedding", "items": "item_embedding"}


class _Training(TorchTraining):
    def epoch_on(self, drawn: Batch) -> None:
        """An epoch on batches of its own."""
        self._batches = list(batches_of(drawn))
        self.epoch()


def trained(name: str, data: Dataset, settings: Settings) -> Found:
    """Trains the form of a model, on the batches that ours would have.

    Its data as arrays and its initial parameters are made before the clock begins.

    Args:
      name: of a model, as `config_of` takes it.
      data: to train on.
      settings: of all systems.
    """
    with tempfile.TemporaryDirectory(prefix="kdiffe-quality-") as cache:
        config = config_of(name, settings)
        setup = build_setup(data, config, cache_dir=Path(cache), log=print)
    initial = initial_state(setup.model, setup.inputs, settings.seed).params
    initial = jax.tree.map(np.array, initial)
    splits, of = Splits.of(data), dict(points=settings.epochs, patience=settings.patience)
    clock = Clock(settings.clock)
    curve, best = followed(_epochs(setup, initial, settings), clock, splits, **of)
    return Found(curve, scores(best, splits.test))


def _epochs(
    setup: TrainSetup, initial: Mapping[str, Any], settings: Settings
) -> Iterator[TopKLists]:
    def drawn(number: int) -> Batch:
        return Batch(*setup.sampler.epoch(number))

    training = _Training(setup, drawn(0), steps=0, threads=settings.threads)
    torch.manual_seed(settings.seed)
    begin_with(training.form, initial)
    for number in range(settings.epochs):
        training.epoch_on(drawn(number))
        yield ranked_by(training.form)


def begin_with(form: Form, initial: Mapping[str, Any]) -> None:
    """Gives a form the initial parameters of the model; features that are trained have them."""
    with torch.no_grad():
        for name, values in initial.items():
            if name in _TABLES:
                form.tables[_TABLES[name]].copy_(torch.from_numpy(values))
            elif not name.startswith("features_"):
                linear = form.maps[_map_of(name)]
                linear.weight.copy_(torch.from_numpy(values["kernel"].T))
                linear.bias.copy_(torch.from_numpy(values["bias"]))


def _map_of(name: str) -> str:
    return name if name == "predictor" else f"{name.removeprefix('map_')}_linear"


def ranked_by(form: Form) -> TopKLists:
    """What LightGCN's layers give; of BM3 with layer 0 of the items, through its predictor."""
    with torch.no_grad():
        users, items = form.view(form.graph)  # type: ignore[operator]
        if "predictor" in form.maps:
            predict = form.maps["predictor"]
            users, items = predict(users), predict(items + form.tables["item_embedding"])
    return by_rows(users.numpy(force=True), items.numpy(force=True))
