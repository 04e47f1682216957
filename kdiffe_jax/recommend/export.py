"""Embeddings and scorer as files that other programs read.

users.parquet items.parquet   id, [name], embedding, in the order of the rows
embeddings.safetensors        f32 `users` and `items`; ids as JSON in the metadata
scorer.stablehlo              (users, items) -> scores; see `scorer.py`
[items.faiss]                 inner products with the items; see `index.py`
export.json                   versions, sizes, checksums
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jax
import numpy as np

from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.errors import DataError
from kdiffe_jax.files import new_directory
from kdiffe_jax.recommend.index import IndexQuality, load_faiss, write_index
from kdiffe_jax.recommend.scorer import PLATFORMS, serialized_scorer
from kdiffe_jax.saved_model import SavedModel

FORMAT_VERSION = 1


def export(
    model: SavedModel, directory: str | Path, *, index: str | None = None
) -> IndexQuality | None:
    """Writes everything under a temporary name, then renames the directory.

    Args:
      model: what a run leaves.
      directory: must not exist.
      index: kind of FAISS index to add, "exact" or "hnsw"; None for none.

    Returns:
      how well the index finds the exact lists, None without one.

    Raises:
      DataError: the directory exists or cannot be written, or a library is missing.
    """
    quality = None
    _require(index)
    with new_directory(Path(directory)) as draft:
        for what in ("users", "items"):
            _write_parquet(model, what, draft / f"{what}.parquet")
        _write_safetensors(model, draft / "embeddings.safetensors")
        scorer = serialized_scorer(model.users.shape[1])
        (draft / "scorer.stablehlo").write_bytes(scorer)
        if index is not None:
            quality = write_index(model, draft / "items.faiss", kind=index)
        about = _about(model, draft, quality)
        (draft / "export.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return quality


def _require(index: str | None) -> None:
    arrow()
    _save_file()
    if index is not None:
        load_faiss()


def _save_file():
    try:
        from safetensors.numpy import save_file
    except ImportError as error:
        raise DataError("exporting needs safetensors: pip install 'kdiffe_jax[export]'") from error
    return save_file


def _write_parquet(model: SavedModel, what: str, file: Path) -> None:
    pa = arrow()
    vectors = getattr(model, what)
    columns = {"id": pa.array(getattr(model, f"{what[:-1]}_ids"), pa.string())}
    if what == "items" and model.item_names:
        columns["name"] = pa.array(model.item_names, pa.string())
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    pa.parquet.write_table(pa.table(columns), file)


def _write_safetensors(model: SavedModel, file: Path) -> None:
    tensors = {
        what: np.ascontiguousarray(getattr(model, what), np.float32) for what in ("users", "items")
    }
    ids = {"user_ids": model.user_ids, "item_ids": model.item_ids}
    metadata = {name: json.dumps(names, ensure_ascii=False) for name, names in ids.items()}
    _save_file()(tensors, file, metadata=metadata)
    file.chmod(0o644)


def _about(model: SavedModel, draft: Path, quality: IndexQuality | None) -> dict:
    return {
        "format": FORMAT_VERSION,
        **{name: model.about[name] for name in ("program", "dataset", "best_epoch")},
        "users": len(model.users),
        "items": len(model.items),
        "dim": model.users.shape[1],
        "scorer": {"jax": jax.__version__, "platforms": list(PLATFORMS)},
        "index": None if quality is None else quality._asdict(),
        "sha256": {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(draft.iterdir())
        },
    }
