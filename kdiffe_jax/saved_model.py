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
from kdiffe_jax.files import replacing
from kdiffe_jax.stored_arrays import DAMAGED, read_npz

MODEL = "model.npz"
FORMAT_VERSION = 2
_HEADER = "header"


class SavedModel(NamedTuple):
    """Sizes as in `types.py`; n training interactions, m triples, L layers, q kept a row."""

    about: Mapping[str, Any]  #: program, data set, best epoch, every hyper-parameter
    users: np.ndarray  #: f32[I, d], final embeddings z_u
    items: np.ndarray  #: f32[J, d], z_v
    own_users: np.ndarray  #: f32[I, d], layer 0
    item_layers: np.ndarray  #: f32[max(1, L), J, d], layers 0..L-1
    passed_on: np.ndarray  #: f32[2, J, d], what nearest items add, first and last; or [0, J, d]
    train: np.ndarray  #: i32[n, 2] of (user, item), sorted
    held_out: np.ndarray  #: i32[h, 2], validation and test, sorted
    laplacian: np.ndarray  #: f32[n], the entries of eq. 4 on `train`
    user_loops: np.ndarray  #: f32[I], its diagonal
    item_degrees: np.ndarray  #: f32[J], D of the items
    similarity: np.ndarray  #: f32[n], S on `train` (eq. 5)
    triples: np.ndarray  #: i32[m, 3] of (item, relation, entity), sorted
    attention: np.ndarray  #: f32[m], a(e, r, j) (eq. 2)
    kept: np.ndarray  #: i32[p, 3], the triples of the rebuilt graph, sorted
    entities: np.ndarray  #: f32[E, d], as the knowledge layer reads them
    relations: np.ndarray  #: f32[R, d]
    entity_weight: np.ndarray  #: f32[d, d], W_e
    item_weight: np.ndarray  #: f32[d, d], W_j
    user_ids: tuple[str, ...]  #: the source's own, one a user
    item_ids: tuple[str, ...]
    item_names: tuple[str, ...]  #: titles, or empty
    item_pictures: tuple[str, ...]  #: addresses, or empty
    entity_names: tuple[str, ...]
    relation_names: tuple[str, ...]


_NAMES = (
    "user_ids",
    "item_ids",
    "item_names",
    "item_pictures",
    "entity_names",
    "relation_names",
)
_ARRAYS = tuple(field for field in SavedModel._fields if field not in ("about", *_NAMES))


def write_model(model: SavedModel, file: Path) -> None:
    """Writes the file under a temporary name and renames it.

    Raises:
      RunError: it cannot be written.
    """
    members = {name: getattr(model, name) for name in _ARRAYS}
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
        members = {name: stored[name] for name in (*_ARRAYS, *_NAMES)}
        _check_members(members, header["members"])
        names = {name: tuple(_unpacked(members.pop(name))) for name in _NAMES}
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise RunError(f"{file}: damaged ({reason}); {_again(Path(run_dir))}") from error
    return SavedModel(about=header["about"], **members, **names)


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
