"""Loss terms that the forms share; all are means."""

from __future__ import annotations

import torch
from torch.nn import functional


def bpr(users: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    """Of rows that match."""
    return functional.softplus((users * (negatives - positives)).sum(dim=1)).mean()


def half_squares(*tables: torch.Tensor) -> torch.Tensor:
    """Half the squared rows of tables that match, over their number."""
    return 0.5 * sum(rows.square().sum() for rows in tables) / len(tables[0])


def softmax_loss(anchors, candidates, temperature, own=None) -> torch.Tensor:
    """-log softmax of inner products over temperature.

    Args:
      anchors: f32[n, d].
      candidates: f32[m, d].
      temperature: of the softmax.
      own: i64[n], the candidate of each anchor; the row of its number if omitted.
    """
    own = torch.arange(len(anchors)) if own is None else own
    return functional.cross_entropy((anchors / temperature) @ candidates.T, own)


def nce(anchors, candidates, temperature, own=None) -> torch.Tensor:
    """`softmax_loss` of cosines."""
    return softmax_loss(unit(anchors), unit(candidates), temperature, own)


def unit(rows: torch.Tensor) -> torch.Tensor:
    """Rows of length 1."""
    return functional.normalize(rows, dim=1)


def dropout(rows: torch.Tensor, share: float, kept: torch.Tensor | None = None) -> torch.Tensor:
    """Entries dropped, the others over what is kept.

    Args:
      rows: of any shape.
      share: that goes.
      kept: which entries stay; drawn if omitted.
    """
    if kept is None:
        return functional.dropout(rows, share)
    return rows * kept / (1.0 - share)
