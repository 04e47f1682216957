"""The model file of a run: all that recommending needs, without the data set.

model.npz holds arrays only; texts are JSON in UTF-8 bytes. No pickle is read. Every
member of the archive carries a CRC-32, and the header lists the members with their
shapes, so damage is noticed when the file is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.errors import DataError, RunError
from kdiffe_jax.storage.files import replacing
from kdiffe_jax.storage.stored_arrays import DAMAGED, read_npz

MODEL = "model.npz"
FORMAT_VERSION = 3
_HEADER = "header"


class SavedModel(NamedTuple):
    """What every model leaves, and in `artifacts` what its own explaining and folding in need.

    I users, J items, n training interactions, m triples, w the width of a row that ranks.

    Artifacts that this program reads where a model has them:
      own_users f32[I, w], messages f32[J, w], laplacian f32[n]: a user's row is its own plus
        sum_j L_uj h_j over past items j, L on `train` (`models.terms.propagation_artifacts`);
      new_user f32[w]: the own row of a user that training never saw; zero where absent;
      item_weights f32[J, J]; or item_weights.data, .indices and .indptr, its rows as CSR;
        item_scale f32[J], 1 where absent: a user's score for j is sum over past items i of
        W_ij times the scale of j, and `users` and `items` have no columns;
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
    members |= {name: _packed(getattr(model, name)) for name in _NAMES}
    shapes = {name: [str(array.dtype), *array.shape] for name, array in members.items()}
    header = {"format": FORMAT_VERSION, "members": shapes, "about": dict(model.about)}
    try:
        with replacing(file) as draft, draft.open("wb") as stream:
            np.savez(stream, **members, **{_HEADER: _packed(header)})
    except DataError as error:
        raise RunError(str(error)) from error


def read_model(run_dir: str | Path) -> SavedModel:
    """Reads and checks the model file of a run directory.

    Raises:
      RunError: no such directory, no model file in it, a damaged one or one of another
        format.
    """
    file = Path(run_dir) / MODEL
    if not file.is_file():
        raise _missing(Path(run_dir))
    try:
        stored = read_npz(file)
        header = _unpacked(stored[_HEADER])
        if header["format"] != FORMAT_VERSION:
            raise RunError(
                f"{file}: format {header['format']}, this program reads {FORMAT_VERSION}; "
                + _again(Path(run_dir))
            )
        members = {name: stored[name] for name in header["members"]}
        _check_members(members, header["members"])
        names = {name: tuple(_unpacked(members.pop(name))) for name in _NAMES}
        core = {name: members.pop(name) for name in _ARRAYS}
        own = {name.removeprefix(_OF_MODEL): array for name, array in members.items()}
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise RunError(f"{file}: damaged ({reason}); {_again(Path(run_dir))}") from error
    return SavedModel(about=header["about"], **core, artifacts=own, **names)


def _check_members(members: Mapping[str, np.ndarray], shapes: Mapping[str, list]) -> None:
    for name, array in members.items():
        if [str(array.dtype), *array.shape] != shapes[name]:
            raise ValueError(f"{name} has another shape than the header says")


def _missing(run_dir: Path) -> RunError:
    if not run_dir.is_dir():
        return RunError(f"{run_dir}: no such run directory; train one with python -m launch.main")
    if not (run_dir / "result.json").is_file():
        return RunError(f"{run_dir}: holds no finished run; train it to its end first")
    return RunError(f"{run_dir}: has no {MODEL}; {_again(run_dir)}")


def _again(run_dir: Path) -> str:
    return f"write it with python -m launch.main --mode=evaluate --workdir={run_dir}"


def _packed(content: Any) -> np.ndarray:
    return np.frombuffer(json.dumps(content, ensure_ascii=False).encode(), np.uint8)


def _unpacked(array: np.ndarray) -> Any:
    return json.loads(array.tobytes().decode())
