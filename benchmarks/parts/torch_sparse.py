"""Propagation by torch.sparse where torch can be imported, on CUDA where jax and it see that."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.ceilings import on_accelerator


def propagations(laplacian, nodes, cotangent, *, layers: int) -> dict[str, Callable[[], Any]]:
    """Name -> run of the CSR and the COO form; empty without torch."""
    if find_spec("torch") is None:
        return {}

    @cache
    def tensors():
        return _tensors(laplacian, nodes, cotangent)

    def run(form):
        matrices, start, upstream = tensors()
        start = start.clone().requires_grad_()
        summed = layer = start
        for _ in range(layers):
            layer = matrices[form] @ layer
            summed = summed + layer
        summed.backward(upstream)
        _wait_for(summed)
        return summed.detach(), start.grad

    return {f"torch.sparse {form}, autograd": partial(run, form) for form in ("CSR", "COO")}


def as_numpy(array) -> np.ndarray:
    """An array of jax or of torch, on any device."""
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)


def _wait_for(tensor) -> None:
    import torch

    if tensor.is_cuda:
        torch.cuda.synchronize()


def _tensors(laplacian, nodes, cotangent):
    import torch

    warnings.filterwarnings("ignore", message="Sparse")
    device = "cuda" if on_accelerator() and torch.cuda.is_available() else "cpu"
    indices, values, nodes, cotangent = (
        torch.from_numpy(np.array(a)).to(device)
        for a in (laplacian.indices.T, laplacian.data, nodes, cotangent)
    )
    coo = torch.sparse_coo_tensor(indices.long(), values, laplacian.shape).coalesce()
    return {"CSR": coo.to_sparse_csr(), "COO": coo}, nodes, cotangent
