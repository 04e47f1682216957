"""Propagation by torch.sparse, where torch can be imported."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec
from typing import Any

import numpy as np


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
        return summed.detach().numpy(), start.grad.numpy()

    return {f"torch.sparse {form}, autograd": partial(run, form) for form in ("CSR", "COO")}


def _tensors(laplacian, nodes, cotangent):
    import torch

    warnings.filterwarnings("ignore", message="Sparse")
    indices, values, nodes, cotangent = (
        torch.from_numpy(np.array(a))
        for a in (laplacian.indices.T, laplacian.data, nodes, cotangent)
    )
    coo = torch.sparse_coo_tensor(indices.long(), values, laplacian.shape).coalesce()
    return {"CSR": coo.to_sparse_csr(), "COO": coo}, nodes, cotangent
