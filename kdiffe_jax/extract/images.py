"""Images -> embeddings and class scores, by an image classifier of timm."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.data.plain_files import sha256
from kdiffe_jax.errors import ConfigError, DataError, one_line
from kdiffe_jax.extract.libraries import enough_memory, needed, torch_device, versions

MODEL = "pnasnet5large"
_SEED = 0
_NESTED = ("state_dict_ema", "model_ema", "state_dict", "model")


class ImageExtractor:
    """See `Extractor`. A row is the pooled embedding, then one logit a class.

    Images are resized, cropped and normalised as the model was trained (timm's data
    configuration); turned as their EXIF data say; the first picture of several counts.

    Args:
      model: a name of timm; the paper's is pnasnet5large.
      pretrained: whether timm fetches the model's weights; without, and without a file,
        weights are random, from a fixed seed, which is good for trying only.
      weights: a file of weights instead: safetensors, or a state dict of torch, which is
        read without running any code in it.
      device: "auto", "cpu", "cuda", "cuda:1" and so on.

    Raises:
      DataError: a library is missing, the weights can't be fetched or read, or do not fit.
      ConfigError: no such model or device.
    """

    def __init__(
        self,
        model: str = MODEL,
        *,
        pretrained: bool = True,
        weights: str | Path | None = None,
        device: str = "auto",
        modality: str = "image",
    ):
        with needed("images"):
            import timm.data
            import torch

        self.modality = modality
        self._device = torch_device(device)
        network = _network(model, pretrained, weights).eval()
        self._network = network.to(self._device, memory_format=torch.channels_last)
        settings = timm.data.resolve_model_data_config(self._network)
        self._transform = timm.data.create_transform(**settings, is_training=False)
        self._gives_scores = self._network.num_classes > 0
        self.class_names = class_names(self._network) if self._gives_scores else ()
        self.options = {
            "kind": "images",
            "modality": modality,
            "model": model,
            "weights": _origin(pretrained, weights),
            "image_size": list(settings["input_size"]),
            "classes": len(self.class_names),
        }
        self.versions = versions("torch", "timm", "pillow")

    def read(self, content: Path | str) -> Any:
        """float32[3, height, width] on the CPU, of one file."""
        from PIL import Image

        with Image.open(content) as image:
            return self._transform(as_rgb(image))

    def compute(self, batch: list[Any]) -> np.ndarray:
        """float32[n, width + classes]."""
        import torch

        with torch.inference_mode(), enough_memory(len(batch)):
            return self._row(torch.stack(batch).to(self._device)).cpu().numpy()

    def _row(self, pixels):
        import torch

        features = self._network.forward_features(pixels)
        parts = [self._network.forward_head(features, pre_logits=True)]
        if self._gives_scores:
            parts.append(self._network.forward_head(features))
        if any(part.ndim != 2 for part in parts):
            raise DataError("the model gives no vector an image; choose another --model")
        return torch.cat(parts, dim=1).float()


def as_rgb(image):
    """A PIL image as RGB: upright, transparency over white, 16 bits scaled to 8.

    Args:
      image: a `PIL.Image.Image` of any mode.
    """
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        levels = np.asarray(image, np.int64).clip(0, 65535) >> 8
        image = Image.fromarray(levels.astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")


def class_names(network) -> tuple[str, ...]:
    """What the model's classes are called; names that several share get their WordNet id.

    Args:
      network: a timm model with classes; where timm does not know them they are numbered.
    """
    import timm.data

    subset = timm.data.infer_imagenet_subset(network)
    known = timm.data.ImageNetInfo(subset) if subset else None
    if known is None or known.num_classes() != network.num_classes:
        return tuple(f"class {n}" for n in range(network.num_classes))
    names = [known.index_to_description(n) for n in range(network.num_classes)]
    uses = Counter(names)
    return tuple(
        name if uses[name] == 1 else f"{name} ({known.index_to_label_name(n)})"
        for n, name in enumerate(names)
    )


def read_weights(file: Path) -> dict[str, Any]:
    """Parameter name -> tensor, from safetensors or a state dict; runs no code in the file.

    Raises:
      DataError: no such file, or anything else in it.
    """
    import torch
    from timm.models import clean_state_dict

    if not file.is_file():
        raise DataError(f"{file}: no such file; --weights takes safetensors or a state dict")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            found = load_file(file)
        else:
            found = torch.load(file, map_location="cpu", weights_only=True)
        found = next((found[key] for key in _NESTED if key in found), found)
        if not all(isinstance(tensor, torch.Tensor) for tensor in found.values()):
            raise ValueError("it holds more than tensors")
        return clean_state_dict(found)
    except Exception as error:
        raise DataError(
            f"{file}: neither safetensors nor a state dict of tensors: {one_line(error)}"
        ) from error


def _network(model: str, pretrained: bool, weights: str | Path | None):
    import timm
    import torch

    name = model.split(":")[-1].split(".")[0]
    if ":" not in model and not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name[:6]}*")[:5]) or "see timm.list_models()"
        raise ConfigError(f"--model={model}: timm has no such model; near it: {near}")
    overlay = None
    if weights is not None:
        overlay = {"state_dict": read_weights(Path(weights))}
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_SEED)
            return timm.create_model(
                model, pretrained=pretrained or overlay is not None, pretrained_cfg_overlay=overlay
            )
    except Exception as error:
        if overlay is not None:
            raise DataError(f"{weights}: does not fit {model}: {one_line(error)}") from error
        raise DataError(
            f"the weights of {model} can't be fetched ({one_line(error)}); fetch its "
            "model.safetensors by hand and pass --weights=FILE"
        ) from error


def _origin(pretrained: bool, weights: str | Path | None) -> str:
    if weights is not None:
        return f"sha256 {sha256(Path(weights))}"
    return "of timm" if pretrained else f"random, seed {_SEED}"
