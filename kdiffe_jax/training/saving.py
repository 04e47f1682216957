"""The trained model as one file, for use without the data set."""

from __future__ import annotations

from typing import Any

import numpy as np

import kdiffe_jax
from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, SavedModel, write_model
from kdiffe_jax.training.loop import Trained
from kdiffe_jax.training.setup import TrainSetup


def save_model(
    setup: TrainSetup, trained: Trained, findings: dict[str, Any], run: RunDirectory
) -> None:
    """Writes model.npz into a run directory; an older one is replaced when it is complete.

    Args:
      setup: as trained on.
      trained: one model; of several seeds, the one to be used.
      findings: of `Model.findings`.
      run: claimed.

    Raises:
      RunError: the file cannot be written.
    """
    write_model(model_of(setup, trained, findings), run.path / MODEL)


def model_of(
    setup: TrainSetup, trained: Trained, findings: dict[str, Any] | None = None
) -> SavedModel:
    """All that recommending and explaining need, as arrays on the host."""
    artifacts = setup.model.artifacts(trained.params, setup.inputs, trained.carry, setup.edges)
    return saved_model(
        setup.dataset,
        setup.config,
        {"best_epoch": trained.best_epoch, **(findings or {})},
        users=np.asarray(trained.view.users),
        items=np.asarray(trained.view.items),
        artifacts=artifacts,
    )


def saved_model(
    dataset: Dataset,
    config: Config,
    found: dict[str, Any],
    *,
    users: np.ndarray,
    items: np.ndarray,
    artifacts: dict[str, np.ndarray],
) -> SavedModel:
    """The core that every model leaves, around its own arrays.

    Args:
      dataset: as trained on.
      config: of the model.
      found: what else to say of it: its best epoch, what was chosen for it, its findings.
      users, items: what ranks.
      artifacts: see `SavedModel`.
    """
    held_out = np.concatenate([dataset.valid, dataset.test])
    return SavedModel(
        about={
            "program": f"kdiffe_jax {kdiffe_jax.__version__}",
            "dataset": dataset.name,
            **found,
            "config": config.to_flat(),
        },
        users=users,
        items=items,
        train=dataset.train,
        held_out=held_out[np.lexsort(held_out.T[::-1])],
        triples=dataset.triples,
        artifacts=artifacts,
        user_ids=dataset.users_by_name(),
        item_ids=dataset.items_by_name(),
        item_names=dataset.item_names,
        item_pictures=dataset.item_pictures,
        entity_names=dataset.entities_by_name(),
        relation_names=dataset.relation_names,
    )
