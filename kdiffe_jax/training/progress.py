"""What a person sees of the epochs: a row that moves on a terminal, a line each elsewhere."""

from __future__ import annotations

from kdiffe_jax.config import Config
from kdiffe_jax.models.arrays import Sizes
from kdiffe_jax.models.registry import build_model
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.many_seeds import part_of_seed
from kdiffe_jax.training.phases import Phases
from kdiffe_jax.training.selection import Record, selection_score


class Progress:
    """Receives epoch records.

    Args:
      config: says how many epochs there can be and which metric is watched.
      phases: what the command is at.
      run: whose earlier epochs count for the best, after a resume; none if omitted.
    """

    def __init__(self, config: Config, phases: Phases, run: RunDirectory | None = None):
        self._config, self._phases, self._run = config, phases, run
        self._metric = f"{config.eval.selection} {config.eval.selection_metric}"
        self._best: dict[int | None, float] = {}

    def on_epoch(self, record: Record) -> None:
        """Shows one epoch; of several seeds, which one it is of."""
        seed, score = record.get("seed"), self._score(record)
        if self._phases.moving:
            name = "training" if seed is None else f"seed {seed}"
            done, epochs = record["epoch"] + 1, self._config.train.epochs
            self._phases.show(done, epochs, note=", ".join(score), name=name)
            return
        name = "" if seed is None else f"seed {seed}  "
        objectives = build_model(self._config, Sizes(1, 1)).objectives
        losses = (f"{of.name} {record[of.name]:9.4f}" for of in objectives)
        parts = (*losses, *score, f"{record['seconds']:.1f} s")
        self._phases.log(f"{name}epoch {record['epoch']:3d}  {'  '.join(parts)}")

    def _score(self, record: Record) -> tuple[str, ...]:
        """The epoch's and the best so far; nothing where nothing is ranked."""
        if self._config.eval.selection not in record:
            return ()
        seed, value = record.get("seed"), selection_score(record, self._config)
        if seed not in self._best:
            self._best[seed] = self._earlier(seed, value)
        best = self._best[seed] = max(self._best[seed], value)
        return f"{self._metric} {value:.4f}", f"best {best:.4f}"

    def _earlier(self, seed: int | None, value: float) -> float:
        """The best score of the epochs before the first that is shown."""
        if self._run is None:
            return value
        seeds = self._config.train.seeds
        run = self._run if seed is None else part_of_seed(self._run, seed, seeds)
        return max((selection_score(r, self._config) for r in run.history()), default=value)
