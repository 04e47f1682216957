"""What a person sees while a run trains: a bar on a terminal or in a notebook, plain lines else."""

from __future__ import annotations

import sys
from typing import Any

from kdiffe_jax.config import Config
from kdiffe_jax.models.arrays import Sizes
from kdiffe_jax.models.registry import build_model, is_trained
from kdiffe_jax.training.selection import selection_score


class Progress:
    """Receives lines and epoch records. Use as a context manager.

    Args:
      config: says how many epochs there can be and which metric is watched.
      shown: False shows nothing.
    """

    def __init__(self, config: Config, *, shown: bool = True):
        self._shown = shown
        self._config = config
        self._metric = f"{config.eval.selection} {config.eval.selection_metric}"
        self._best: dict[int | None, float] = {}
        has_epochs = shown and is_trained(config.model)
        self._bar = terminal_bar(total=config.train.epochs, unit="epoch") if has_epochs else None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception) -> None:
        if self._bar is not None:
            self._bar.close()

    def log(self, line: str) -> None:
        """One line, above the bar where there is one."""
        if not self._shown:
            return
        if self._bar is None:
            print(line, flush=True)
        else:
            self._bar.write(line)

    def on_epoch(self, record: dict[str, Any]) -> None:
        """Shows one epoch; of several seeds, which one it is of."""
        if not self._shown:
            return
        seed, value = record.get("seed"), selection_score(record, self._config)
        self._best[seed] = max(self._best.get(seed, value), value)
        score = f"{self._metric} {value:.4f}", f"best {self._best[seed]:.4f}"
        if self._bar is None:
            name = "" if seed is None else f"seed {seed}  "
            objectives = build_model(self._config, Sizes(1, 1)).objectives
            losses = (f"{of.name} {record[of.name]:9.4f}" for of in objectives)
            parts = (*losses, *score, f"{record['seconds']:.1f} s")
            print(f"{name}epoch {record['epoch']:3d}  {'  '.join(parts)}", flush=True)
            return
        if seed is not None:
            self._bar.set_description_str(f"seed {seed}", refresh=False)
        self._bar.n = record["epoch"] + 1
        self._bar.set_postfix_str(", ".join(score))


def terminal_bar(**options):
    """A bar of tqdm; None where there is neither terminal nor notebook, or no tqdm."""
    if not (sys.stderr.isatty() or "ipykernel" in sys.modules):
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(dynamic_ncols=True, **options)
