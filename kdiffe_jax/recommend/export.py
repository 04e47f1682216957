"""A model and how it scores as files that other programs read.

users.parquet items.parquet   id, [name], [embedding], in the order of the rows
embeddings.safetensors        f32 `users` and `items`; ids as JSON in the metadata
  or item_weights.safetensors `weights`, or `data`, `indices` and `indptr`; and `scale`,
                              `history_starts` and `history_items`
  or embeddings_and_item_weights.safetensors, where both score
[scorer.stablehlo]            (users, items) or (histories, weights, scale) -> scores
[items.faiss]                 inner products with the items; see `index.py`
export.json                   model, versions, sizes, how to score, checksums
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from kdiffe_jax.data.plain_files import sha256
from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.errors import DataError
from kdiffe_jax.recommend.index import IndexQuality, check_index, load_faiss, write_index
from kdiffe_jax.recommend.scorers import scorer_of
from kdiffe_jax.recommend.shares import Exported
from kdiffe_jax.recommend.stablehlo import PLATFORMS
from kdiffe_jax.storage.files import new_directory
from kdiffe_jax.storage.saved_model import SavedModel

FORMAT_VERSION = 2


def export(
    model: SavedModel, directory: str | Path, *, index: str | None = None
) -> IndexQuality | None:
    """Writes everything under a temporary name, then renames the directory.

    Args:
      directory: must not exist.
      index: kind of FAISS index to add, "exact" or "hnsw"; None for none.

    Returns:
      how well the index finds the exact lists, None without one.

    Raises:
      DataError: the directory exists or cannot be written, or a library is missing.
      ConfigError: no such kind of index, or one of a model without embeddings.
    """
    quality = None
    _require(model, index)
    with new_directory(Path(directory)) as draft:
        exported = scorer_of(model).exported()
        for what in ("user", "item"):
            _write_parquet(model, what, draft / f"{what}s.parquet")
        _write_safetensors(model, exported, draft)
        if exported.stablehlo is not None:
            (draft / "scorer.stablehlo").write_bytes(exported.stablehlo)
        if index is not None:
            quality = write_index(model, draft / "items.faiss", kind=index)
        about = _about(model, exported, draft, quality)
        (draft / "export.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return quality


def _require(model: SavedModel, index: str | None) -> None:
    arrow()
    _safetensors()
    if index is not None:
        check_index(model, index)
        load_faiss()


def _safetensors():
    """What writes a file, and how it fails."""
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import save_file
    except ImportError as error:
        raise DataError("exporting needs safetensors: pip install 'kdiffe_jax[export]'") from error
    return save_file, SafetensorError


def _write_parquet(model: SavedModel, what: str, file: Path) -> None:
    pa = arrow()
    vectors = getattr(model, f"{what}s")
    columns = {"id": pa.array(getattr(model, f"{what}_ids"), pa.string())}
    if what == "item" and model.item_names:
        columns["name"] = pa.array(model.item_names, pa.string())
    if vectors.shape[1]:
        flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
        columns["embedding"] = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    pa.parquet.write_table(pa.table(columns), file)


def _write_safetensors(model: SavedModel, exported: Exported, draft: Path) -> None:
    tensors = {name: np.ascontiguousarray(array) for name, array in exported.tensors.items()}
    ids = {"user_ids": model.user_ids, "item_ids": model.item_ids}
    metadata = {name: json.dumps(names, ensure_ascii=False) for name, names in ids.items()}
    file = draft / exported.file
    save_file, error_of_library = _safetensors()
    try:
        save_file(tensors, file, metadata=metadata)
    except error_of_library as error:
        raise OSError(" ".join(str(error).split())) from error
    file.chmod(0o644)


def _about(
    model: SavedModel, exported: Exported, draft: Path, quality: IndexQuality | None
) -> dict[str, Any]:
    scorer = {"jax": jax.__version__, "platforms": list(PLATFORMS)}
    return {
        "format": FORMAT_VERSION,
        "model": model.config["model"],
        **{name: model.about.get(name) for name in ("program", "dataset")},
        "best_epoch": model.best_epoch,
        "users": len(model.user_ids),
        "items": len(model.item_ids),
        "dim": model.items.shape[1] or None,
        "how_to_score": exported.formula,
        "scorer": None if exported.stablehlo is None else scorer,
        "index": None if quality is None else quality._asdict(),
        "sha256": {file.name: sha256(file) for file in sorted(draft.iterdir())},
    }
