"""The denoiser of rows from its equations, a row at a time."""

import numpy as np


def alpha_bar(*, timesteps, noise_scale=0.1, noise_min=1e-4, noise_max=0.02, **_):
    """What is kept of x_0, with the first beta at 1e-4."""
    grown = 1.0 - np.linspace(noise_scale * noise_min, noise_scale * noise_max, timesteps)
    betas = [1e-4] + [1.0 - grown[t] / grown[t - 1] for t in range(1, timesteps)]
    return np.cumprod(1.0 - np.array(betas))


def denoised(params, x_start, drawn, *, of_unit_rows, denoiser_dropout, **options):
    """The predictions, and their mean ELBO.

    Args:
      params: of `RowDenoiser.init`.
      x_start: rows of 0 and 1.
      drawn: "timesteps", "noise" and "kept".
      of_unit_rows, options: as the model's.
    """
    kept = alpha_bar(**options)
    ratio = kept / (1.0 - kept)
    found, elbo = [], 0.0
    rows = zip(x_start, drawn["timesteps"], drawn["noise"], drawn["kept"], strict=True)
    for x, t, noise, stays in rows:
        x_t = np.sqrt(kept[t]) * x + np.sqrt(1.0 - kept[t]) * noise
        entering = (x_t / np.sqrt(x_t @ x_t) if of_unit_rows else x_t) * stays
        found.append(predicted(params, entering / (1.0 - denoiser_dropout), t))
        weight = ratio[t - 1] - ratio[t] if t else 1.0
        elbo += weight * ((x - found[-1]) ** 2).mean() / len(x_start)
    return np.array(found), elbo


def predicted(params, row, t):
    """The prediction of x_0 from what enters of a row at step t."""
    size = len(params["from_step"])
    angles = t * 10_000.0 ** (-np.arange(size // 2) / (size // 2))
    step = np.concatenate([np.cos(angles), np.sin(angles), np.zeros(size % 2)])
    step = step @ params["step"]["kernel"] + params["step"]["bias"]
    names = [name for name in ("items", "entities") if name in params["from_row"]]
    entering = [*(params["from_row"][name] for name in names), params["from_step"]]
    hidden = np.tanh(np.concatenate([row, step]) @ np.concatenate(entering) + params["bias"])
    layers = [params["to_row"][name] for name in names]
    return np.concatenate([hidden @ layer["kernel"] + layer["bias"] for layer in layers])


def reversed_row(params, x, *, of_unit_rows, **options):
    """x_0 after the reverse process, by posterior means from the row itself."""
    kept = alpha_bar(**options)
    for t in range(options["timesteps"] - 1, -1, -1):
        start = predicted(params, x / np.sqrt(x @ x) if of_unit_rows else x, t)
        if t == 0:
            return start
        beta = 1.0 - kept[t] / kept[t - 1]
        x = (
            np.sqrt(kept[t - 1]) * beta * start + np.sqrt(1.0 - beta) * (1.0 - kept[t - 1]) * x
        ) / (1.0 - kept[t])
