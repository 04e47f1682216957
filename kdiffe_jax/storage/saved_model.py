"""The model file of a run: all that recommending needs, without the data set.

model.npz holds arrays and JSON; no pickle is read, and damage is noticed (`archive.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.storage.archive import (
    damaged,
    missing,
    packed,
    read_archive,
    unpacked,
    write_archive,
    written_again,
)
from kdiffe_jax.storage.stored_arrays import DAMAGED

MODEL = "model.npz"
FORMAT_VERSION = 3


class SavedModel(NamedTuple):
    """What every model leaves, and in `artifacts` what its own explaining and folding in need.

    I users, J items, n training interactions, m triples, w the width of a row that ranks.

    Artifacts that this program reads where a model has them:
      own_users f32[I, w], messages f32[J, w], laplacian f32[n]: a user's row is its own plus
        sum_j L_uj h_j over past items j, L on `train` (`models.terms.propagation_artifacts`);
      new_user f32[w]: the own row of a user that training never saw; zero where absent;
      item_weights f32[J, J]; or item_weights.data, .indices and .indptr, its rows as CSR;
        item_scale f32[J], 1 where absent: a user's score for j is sum over past items i of
        W_ij times the scale of j; where `users` and `items` have columns, it is added to theirs;
      similarity f32[n], attention f32[m], denoised f32[m], kept int32[p, 3], kept_denoised f32[p]
        and others: of `models.kdiffe`. In `about` "denoiser" says how well a denoiser finds hidden
        triples again (`models.kdiffe.held_out_triples`), where that was measured.
    """

    about: Mapping[str, Any]  #: program, data set, best epoch, every option
    users: np.ndarray  #: f32[I, w], what ranks
    items: np.ndarray  #: f32[J, w]
    train: np.ndarray  #: i32[n, 2] of (user, item), sorted
    held_out: np.ndarray  #: i32[h, 2], validation and test, sorted
    triples: np.ndarray  #: i32[m, 3] of (item, relation, entity), sorted; none without knowledge
    artifacts: Mapping[str, np.ndarray]
    user_ids: tuple[str, ...]  #: the source's own, one a user
    item_ids: tuple[str, ...]
    item_names: tuple[str, ...]  #: titles, or empty
    item_pictures: tuple[str, ...]  #: addresses, or empty
    entity_names: tuple[str, ...]
    relation_names: tuple[str, ...]

    @property
    def config(self) -> Mapping[str, Any]:
        """Every option by name, "model" among them."""
        return self.about["config"]

    @property
    def best_epoch(self) -> int | None:
        """The epoch in use; None of a model without epochs and of several together."""
        return None if self.about.get("epochs") == 0 else self.about.get("best_epoch")

    def item_degrees(self) -> np.ndarray:
        """int64[J]: training interactions of each item."""
        return np.bincount(self.train[:, 1], minlength=len(self.item_ids))


_NAMES = (
    "user_ids",
    "item_ids",
    "item_names",
    "item_pictures",
    "entity_names",
    "relation_names",
)
_ARRAYS = ("users", "items", "train", "held_out", "triples")
_OF_MODEL = "model."


def write_model(model: SavedModel, file: Path) -> None:
    """Writes the file under a temporary name and renames it.

    Raises:
      RunError: it cannot be written.
    """
    members = {name: getattr(model, name) for name in _ARRAYS}
    members |= {_OF_MODEL + name: array for name, array in model.artifacts.items()}
    members |= {name: packed(getattr(model, name)) for name in _NAMES}
    write_archive(file, members, version=FORMAT_VERSION, about={"about": dict(model.about)})


def read_model(run_dir: str | Path) -> SavedModel:
    """Reads and checks the model file of a run directory.

    Raises:
      RunError: no such directory, no model file in it, a damaged one or one of another
        format.
    """
    file, remedy = Path(run_dir) / MODEL, written_again(Path(run_dir))
    if not file.is_file():
        raise missing(Path(run_dir), MODEL, remedy)
    try:
        header, members = read_archive(file, version=FORMAT_VERSION, remedy=remedy)
        about = header["about"]
        names = {name: tuple(unpacked(members.pop(name))) for name in _NAMES}
        core = {name: members.pop(name) for name in _ARRAYS}
        own = {name.removeprefix(_OF_MODEL): array for name, array in members.items()}
    except DAMAGED as error:
        raise damaged(file, error, remedy) from error
    return SavedModel(about=about, **core, artifacts=own, **names)


def read_titled(
    run_dir: str | Path, item_names: tuple[str, ...], item_pictures: tuple[str, ...]
) -> SavedModel:
    """Reads the model file; writes it anew where its items were called or pictured otherwise.

    Raises:
      RunError: as `read_model` and `write_model`.
    """
    model = read_model(run_dir)
    if (model.item_names, model.item_pictures) != (item_names, item_pictures):
        model = model._replace(item_names=item_names, item_pictures=item_pictures)
        write_model(model, Path(run_dir) / MODEL)
    return model
