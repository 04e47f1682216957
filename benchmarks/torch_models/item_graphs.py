"""Graphs between items, made once by SciPy."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse as of_scipy

from benchmarks.torch_models.device import tensor_of
from benchmarks.torch_models.graphs import Graph, sparse


def normalised_links(links, *, guard: float = 0.0):
    """D^-1/2 G D^-1/2, D the sums of the rows of G.

    Args:
      links: scipy f32[J, J].
      guard: added to the sums.
    """
    sums = np.asarray(links.sum(axis=1)).ravel() + guard
    scale = of_scipy.diags_array(np.maximum(sums, 1e-30) ** -0.5)
    return scale @ links @ scale


def across(links) -> Graph:
    """A matrix of scipy as one of torch."""
    links = links.tocoo()
    rows, columns = (tensor_of(ends.astype(np.int64)) for ends in (links.row, links.col))
    values = tensor_of(links.data).to(torch.get_default_dtype())
    return sparse(rows, columns, values, links.shape)
