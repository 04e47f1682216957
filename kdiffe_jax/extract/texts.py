"""Texts -> embeddings, by a model of sentence-transformers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.data.plain_files import sha256
from kdiffe_jax.errors import DataError
from kdiffe_jax.extract.entries import Unreadable
from kdiffe_jax.extract.libraries import enough_memory, needed, one_line, torch_device, versions

MODEL = "all-MiniLM-L6-v2"
_LARGEST_FILE = 1 << 24


class TextExtractor:
    """See `Extractor`. A row is the sentence embedding; there are no classes.

    What lies beyond the model's longest input is not read by the model.

    Args:
      model: a name that sentence-transformers can fetch, or a folder, which needs no network.
      device: "auto", "cpu", "cuda" and so on.

    Raises:
      DataError: a library is missing, or the model can't be fetched or read.
      ConfigError: no such device.
    """

    class_names = ()

    def __init__(self, model: str = MODEL, *, device: str = "auto", modality: str = "text"):
        with needed("texts"):
            from sentence_transformers import SentenceTransformer

        self.modality = modality
        folder, place = Path(model), str(torch_device(device))
        try:
            self._model = SentenceTransformer(model, device=place, local_files_only=folder.is_dir())
        except Exception as error:
            raise DataError(
                f"the model {model} can't be fetched or read ({one_line(error)}); fetch its "
                "folder by hand and pass --model=FOLDER"
            ) from error
        self.options = {
            "kind": "texts",
            "modality": modality,
            "model": _digest(folder) if folder.is_dir() else model,
            "longest_input": self._model.max_seq_length,
        }
        self.versions = versions("torch", "transformers", "sentence-transformers")

    def read(self, content: Path | str) -> str:
        """The text of a UTF-8 file, or the text itself, without blanks around it."""
        text = read_text(content) if isinstance(content, Path) else content
        text = text.strip()
        if not text:
            raise Unreadable("the text is empty")
        return text

    def compute(self, batch: list[Any]) -> np.ndarray:
        """float32[n, width]."""
        with enough_memory(len(batch)):
            return self._model.encode(
                batch, batch_size=len(batch), convert_to_numpy=True, show_progress_bar=False
            ).astype(np.float32)


def read_text(file: Path) -> str:
    """A UTF-8 file, with or without a byte order mark.

    Raises:
      Unreadable: other bytes, or more than 16 MiB.
    """
    if file.stat().st_size > _LARGEST_FILE:
        raise Unreadable(f"larger than {_LARGEST_FILE >> 20} MiB, not the text of one item")
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 text at byte {error.start}; save it as UTF-8") from error


def _digest(folder: Path) -> str:
    """Recognises a model wherever its folder lies."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    names = "".join(f"{file.relative_to(folder)} {sha256(file)}\n" for file in files)
    return f"sha256 {hashlib.sha256(names.encode()).hexdigest()}"
