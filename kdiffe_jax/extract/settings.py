"""Every option of an extraction once, and the extractor that they describe."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.extract.entries import Entry, file_entries, text_entries
from kdiffe_jax.extract.images import ImageExtractor
from kdiffe_jax.extract.resumable import Extractor
from kdiffe_jax.extract.sounds import SoundExtractor
from kdiffe_jax.extract.texts import TextExtractor
from kdiffe_jax.options import Checked, option

KINDS = ("images", "texts", "sounds")
_OF_KIND = {
    "model": ("images", "texts"),
    "weights": ("images",),
    "pretrained": ("images",),
    "device": ("images", "texts"),
    "item_column": ("texts",),
    "text_columns": ("texts",),
    "seconds": ("sounds",),
}


@dataclasses.dataclass(frozen=True)
class ExtractSettings(Checked):
    """What is made of raw files, and how."""

    kind: str = option("images", "what the files are", choices=KINDS)
    modality: str = option("", "begins the names of the outputs [image, text or audio]")
    model: str = option(
        "",
        "images: a model of timm [pnasnet5large]; texts: a model of sentence-transformers, or "
        "its folder [all-MiniLM-L6-v2, from its package where that is installed]",
    )
    weights: str = option("", "images: a local file of weights, safetensors or a state dict")
    pretrained: bool = option(
        True, "images: let timm fetch the model's weights; --nopretrained: random ones, for trying"
    )
    device: str = option("auto", "auto, cpu, cuda, cuda:1 and so on")
    item_column: str = option("item", "texts: the column of --input that names the item")
    text_columns: str = option(
        "", "texts: columns of --input with the texts themselves, as title,description"
    )
    seconds: float = option(60.0, "sounds: how much of a file counts", above=0.0)
    batch_size: int = option(32, "entries computed at once", low=1)
    readers: int = option(4, "threads that read files ahead", low=1, high=256)
    retry_unreadable: bool = option(False, "try entries again that could not be read before")

    def __post_init__(self):
        super().__post_init__()
        for field in dataclasses.fields(self):
            kinds = _OF_KIND.get(field.name, KINDS)
            if self.kind not in kinds and getattr(self, field.name) != field.default:
                raise ConfigError(f"--{field.name} is for {' and '.join(kinds)}, not {self.kind}")
        if not re.fullmatch(r"[\w-]*", self.modality):
            raise ConfigError(f"--modality={self.modality!r}: letters, digits, _ and - only")
        if self.weights and ":" in self.model:
            raise ConfigError(
                "--weights goes with a plain name of timm, not with hf-hub:, local-dir:"
            )


def list_entries(source: str | Path, settings: ExtractSettings) -> list[Entry]:
    """What `--input` names.

    Raises:
      DataError: see `file_entries` and `text_entries`.
    """
    columns = [name.strip() for name in settings.text_columns.split(",") if name.strip()]
    return text_entries(source, settings.item_column, columns) if columns else file_entries(source)


def make_extractor(settings: ExtractSettings) -> Extractor:
    """Loads the model, where there is one.

    Raises:
      DataError, ConfigError: see the extractors.
    """
    names = {"modality": settings.modality} if settings.modality else {}
    if settings.kind == "sounds":
        return SoundExtractor(settings.seconds, **names)
    if settings.model:
        names["model"] = settings.model
    if settings.kind == "texts":
        return TextExtractor(device=settings.device, **names)
    return ImageExtractor(
        pretrained=settings.pretrained,
        weights=settings.weights or None,
        device=settings.device,
        **names,
    )
