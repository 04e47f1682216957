"""Where torch computes: on CUDA where jax and torch see it, otherwise on the processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks.ceilings import on_accelerator


def use_device() -> None:
    """Makes it the default of all tensors that are made from here on."""
    torch.set_default_device("cuda" if on_accelerator() and torch.cuda.is_available() else "cpu")


def tensor_of(array: Any) -> torch.Tensor:
    """A copy of an array, on the default device."""
    return torch.from_numpy(np.array(array)).to(torch.get_default_device())


def wait() -> None:
    """Until CUDA has done all that it was told; the processor has when a call returns."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
