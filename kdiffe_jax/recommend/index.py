"""A FAISS index of the items for inner products, and how much of the exact lists it finds."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.recommend.blocks import block_size
from kdiffe_jax.recommend.scorers import scorer_of
from kdiffe_jax.storage.saved_model import SavedModel

KINDS = ("exact", "hnsw")
_LINKS, _BUILD, _SEARCH = 32, 200, 128


class IndexQuality(NamedTuple):
    """Share of the exact best k that the index lists, over some users."""

    kind: str
    k: int
    users: int
    recall: float

    def __str__(self) -> str:
        return (
            f"items.faiss ({self.kind}): lists {self.recall:.4f} of the exact best {self.k} "
            f"of {self.users} users"
        )


def write_index(
    model: SavedModel, file: Path, *, kind: str = "exact", k: int = 20, users: int = 1000
) -> IndexQuality:
    """Writes the index, reads it back and compares it with exact lists.

    Row numbers of the index are those of the exported items. Where weights between items score
    too, the index knows nothing of them, and the exact lists do.

    Args:
      kind: "exact" compares with every item; "hnsw" is approximate.
      k: length of the lists compared.
      users: how many, evenly spaced.

    Raises:
      DataError: faiss is not installed.
    """
    faiss = load_faiss()
    items = np.ascontiguousarray(model.items, np.float32)
    faiss.write_index(_built(faiss, items, kind), str(file))
    index = faiss.read_index(str(file))
    k = min(k, len(items))
    sample = np.unique(np.linspace(0, len(model.users) - 1, users).astype(int))
    vectors = np.ascontiguousarray(model.users[sample], np.float32)
    scorer, size, nothing = scorer_of(model), block_size(len(items)), np.zeros((0, 2), int)
    blocks = [sample[start : start + size] for start in range(0, len(sample), size)]
    exact = np.concatenate([scorer.best(block, nothing, None, k).rows for block in blocks])
    found = index.search(vectors, k)[1]
    hits = (exact[:, :, None] == found[:, None, :]).any(axis=2)
    return IndexQuality(kind, k, len(sample), float(hits.mean()))


def check_index(model: SavedModel, kind: str) -> None:
    """Passes if there is such a kind of index, and the model's items have embeddings for it.

    Raises:
      ConfigError: one of both is not so.
    """
    if kind not in KINDS:
        raise ConfigError(f"index = {kind!r}: choose {' or '.join(KINDS)}, or None for no index")
    if not model.items.shape[1]:
        name = model.config["model"]
        raise ConfigError(f"{name} scores without item embeddings: there is nothing to index")


def load_faiss():
    """The module `faiss`.

    Raises:
      DataError: it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise DataError("an index needs faiss: pip install 'kdiffe_jax[index]'") from error
    return faiss


def _built(faiss, items: np.ndarray, kind: str):
    dim = items.shape[1]
    if kind == "exact":
        index = faiss.IndexFlatIP(dim)
    else:
        index = faiss.IndexHNSWFlat(dim, _LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction, index.hnsw.efSearch = _BUILD, _SEARCH
    index.add(items)
    return index
