"""The trained model as files: for use without the data set, and to train on from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

import kdiffe_jax
from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.models.added_score import Added
from kdiffe_jax.models.arrays import Params
from kdiffe_jax.storage.parameters import PARAMETERS, write_parameters
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, SavedModel, write_model
from kdiffe_jax.training.ensemble import Ensemble, saved
from kdiffe_jax.training.loop import Trained
from kdiffe_jax.training.setup import TrainSetup


def save_model(
    setup: TrainSetup,
    trained: Trained,
    findings: dict[str, Any],
    added: Added | None,
    run: RunDirectory,
) -> None:
    """Writes parameters.npz and model.npz into a run directory; older ones are replaced.

    Args:
      setup: as trained on.
      trained: one model; of several seeds, the one to be used.
      findings: of `Model.findings`.
      added: to its score.
      run: claimed.

    Raises:
      RunError: a file cannot be written.
    """
    write_parameters(parameters_by_path(trained.params), run.path / PARAMETERS)
    write_model(model_of(setup, trained, findings, added), run.path / MODEL)


def save_ensemble(
    setup: TrainSetup, trained: Sequence[Trained], best: int, ensemble: Ensemble, run: RunDirectory
) -> None:
    """As `save_model`: the parameters of the best seed, and the model of all of them together.

    Args:
      trained: one model a seed.
      best: which of them.
    """
    write_parameters(parameters_by_path(trained[best].params), run.path / PARAMETERS)
    write_model(saved([model_of(setup, one) for one in trained], ensemble), run.path / MODEL)


def parameters_by_path(params: Params) -> dict[str, np.ndarray]:
    """Every leaf of a pytree by its path, on the host.

    >>> {name: leaf.shape for name, leaf in parameters_by_path({"a": [np.zeros(2)]}).items()}
    {'a/0': (2,)}
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(jax.device_get(params))
    return {parameter_path(path): np.asarray(leaf) for path, leaf in leaves}


def parameter_path(path: Any) -> str:
    """What parameters.npz calls a leaf, of a path of `jax.tree_util`."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def model_of(
    setup: TrainSetup,
    trained: Trained,
    findings: dict[str, Any] | None = None,
    added: Added | None = None,
) -> SavedModel:
    """All that recommending and explaining need, as arrays on the host."""
    artifacts = setup.model.artifacts(trained.params, setup.inputs, trained.carry, setup.edges)
    return saved_model(
        setup.dataset,
        setup.config,
        {"best_epoch": trained.best_epoch, **(findings or {})},
        users=np.asarray(trained.view.users),
        items=np.asarray(trained.view.items),
        artifacts=artifacts | (added.artifacts() if added else {}),
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
