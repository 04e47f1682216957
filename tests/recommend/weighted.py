"""Item-weight models made by hand: not symmetric, some weights negative, many scores equal."""

import numpy as np
from scipy import sparse

KINDS = ("dense", "sparse")


def weighted_model(model, kind, *, nobody):
    """A model that scores by weights between items, with the names of another.

    Args:
      model: a saved model of any kind.
      kind: one of `KINDS`.
      nobody: a user whose training interactions are left out.
    """
    rng = np.random.default_rng(7)
    sizes = len(model.user_ids), len(model.item_ids)
    shown = rng.random((sizes[1], sizes[1])) < 0.1
    weights = (shown * rng.normal(size=shown.shape)).astype(np.float32)
    np.fill_diagonal(weights, 0.0)
    name, artifacts = "rp3beta", _rows(sparse.csr_array(weights))
    if kind == "dense":
        scale = rng.uniform(0.5, 2.0, sizes[1]).astype(np.float32)
        name, artifacts = "ease", {"item_weights": weights, "item_scale": scale}
    users, items = (np.zeros((size, 0), np.float32) for size in sizes)
    return model._replace(
        about={**model.about, "config": {**model.config, "model": name}},
        users=users,
        items=items,
        train=model.train[model.train[:, 0] != nobody],
        artifacts=artifacts,
    )


def _rows(matrix):
    parts = ("data", "indices", "indptr")
    return {f"item_weights.{part}": getattr(matrix, part) for part in parts}
