"""A denoiser of rows of 0 and 1, as DiffKG and DiffMM have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.torch_models.base import Draws
from benchmarks.torch_models.device import tensor_of
from benchmarks.torch_models.losses import dropout, unit

_FIRST_BETA = 1e-4


class RowDenoiser(nn.Module):
    """tanh(in [noisy row | embedding of the step]), then out.

    Args:
      n_columns: of a row.
      options: of noise and sizes.
      of_unit_rows: whether noisy rows are scaled to length 1.
    """

    def __init__(self, n_columns: int, options: Any, *, of_unit_rows: bool):
        super().__init__()
        self.options, self.of_unit_rows = options, of_unit_rows
        width, step = options.denoiser_width, options.step_embedding_size
        self.maps = nn.ModuleDict(
            {
                "in": nn.Linear(n_columns + step, width),
                "out": nn.Linear(width, n_columns),
                "time": nn.Linear(step, step),
            }
        )
        beta, now, before = _variances(options)
        ratio = now / (1.0 - now)
        weights = np.concatenate([[1.0], ratio[:-1] - ratio[1:]])
        self.of_start, self.of_noise, self.weights = map(
            _tensor, (np.sqrt(now), np.sqrt(1.0 - now), weights)
        )
        mean = (
            np.sqrt(before) * beta / (1.0 - now),
            np.sqrt(1.0 - beta) * (1.0 - before) / (1.0 - now),
        )
        self.mean_of_start, self.mean_of_noisy = map(_tensor, mean)

    def forward(self, noisy: torch.Tensor, steps: torch.Tensor, kept=None) -> torch.Tensor:
        """The prediction of rows; entries are dropped while training, those of `kept` stay."""
        rows = unit(noisy) if self.of_unit_rows else noisy
        if self.training or kept is not None:
            rows = dropout(rows, self.options.denoiser_dropout, kept)
        told = self.maps["time"](_embedded(steps, self.options.step_embedding_size))
        return self.maps["out"](torch.tanh(self.maps["in"](torch.cat([rows, told], dim=1))))

    def denoised(self, rows: torch.Tensor, draws: Draws) -> tuple[torch.Tensor, torch.Tensor]:
        """The prediction from noisy rows, and its ELBO."""
        steps = draws.get("steps")
        if steps is None:
            steps = torch.randint(self.options.timesteps, (len(rows),))
        noise = draws["noise"] if "noise" in draws else torch.randn_like(rows)
        noisy = self.of_start[steps, None] * rows + self.of_noise[steps, None] * noise
        found = self(noisy, steps, draws.get("denoiser_dropout"))
        elbo = (self.weights[steps] * (rows - found).square().mean(dim=1)).mean()
        return found, elbo

    @torch.no_grad()
    def reversed(self, rows: torch.Tensor) -> torch.Tensor:
        """The posterior means of the reverse process that begins with the rows themselves."""
        self.eval()
        for step in range(self.options.timesteps - 1, -1, -1):
            found = self(rows, torch.full((len(rows),), step))
            if step:
                found = self.mean_of_start[step] * found + self.mean_of_noisy[step] * rows
            rows = found
        self.train()
        return rows


def _variances(options: Any) -> tuple[np.ndarray, ...]:
    """beta, its running product of 1 - beta, and that of one step before."""
    ends = (options.noise_scale * end for end in (options.noise_min, options.noise_max))
    kept = 1.0 - np.linspace(*ends, options.timesteps)
    beta = 1.0 - kept / np.concatenate([[1.0], kept[:-1]])
    beta[0] = _FIRST_BETA
    now = np.cumprod(1.0 - beta)
    return beta, now, np.concatenate([[1.0], now[:-1]])


def _tensor(array: np.ndarray) -> torch.Tensor:
    return tensor_of(array).to(torch.get_default_dtype())


def _embedded(steps: torch.Tensor, size: int) -> torch.Tensor:
    half = size // 2
    rates = 10_000.0 ** (-torch.arange(half) / half)
    angles = steps[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], dim=1)
