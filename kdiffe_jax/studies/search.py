"""What a sweep tries next: the points of a grid, or what TPE proposes.

A proposal depends on the sweep's seed, the trial's number and the trials so far, and on
nothing that lives in a process, so a search that was killed goes on as if it had not been.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.studies.sweep_file import Pruning, Range, Sweep

RUNNING, DONE, PRUNED, DIVERGED = "running", "done", "pruned", "diverged"


class Trial(NamedTuple):
    """One point of a sweep and its validation curve so far, one value an epoch.

    A model that is fitted, not trained, has a curve of one value.
    """

    number: int
    values: dict[str, Any]
    state: str = RUNNING
    curve: tuple[float, ...] = ()

    @property
    def score(self) -> float | None:
        """The best value of the curve; None before the first epoch and after a divergence."""
        return max(self.curve) if self.curve and self.state != DIVERGED else None


def propose(sweep: Sweep, trials: Sequence[Trial]) -> dict[str, Any] | None:
    """The values of the next trial, None when there are as many as the sweep has.

    Args:
      trials: all so far, in the order of their numbers, running ones included.

    Raises:
      ConfigError: optuna, the extra `[sweep]`, is not installed.
    """
    if len(trials) >= sweep.trials:
        return None
    if sweep.method == "grid":
        combinations = itertools.product(*sweep.parameters.values())
        values = next(itertools.islice(combinations, len(trials), None))
        return dict(zip(sweep.parameters, values, strict=True))
    return _tpe(sweep, trials)


def should_prune(trial: Trial, others: Sequence[Trial], rule: Pruning | None) -> bool:
    """Whether a trial is worse than the median: its best so far, against that of finished ones.

    Args:
      trial: a running one.
      others: all trials, of which those that are done count, by as many epochs at most.
      rule: when a trial may be ended; None for never.
    """
    epochs = len(trial.curve)
    if rule is None or epochs < rule.after_epochs:
        return False
    peers = [max(other.curve[:epochs]) for other in others if other.state == DONE]
    return len(peers) >= rule.after_trials and max(trial.curve) < float(np.median(peers))


def _tpe(sweep: Sweep, trials: Sequence[Trial]) -> dict[str, Any]:
    try:
        import optuna
    except ImportError as error:
        raise ConfigError("method = 'tpe' needs optuna: pip install 'kdiffe_jax[sweep]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {n: _distribution(optuna, values) for n, values in sweep.parameters.items()}
    seed = int(np.random.SeedSequence([sweep.seed, len(trials)]).generate_state(1)[0])
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=min(10, sweep.trials // 3))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    worst = min((t.score for t in trials if t.score is not None), default=0.0)
    for trial in trials:
        # A trial that runs counts as the worst so far, which keeps the next one away from it.
        value = worst if trial.score is None or trial.state == RUNNING else trial.score
        told = optuna.trial.create_trial(params=trial.values, distributions=space, value=value)
        study.add_trial(told)
    return study.ask(space).params


def _distribution(optuna, values):
    if not isinstance(values, Range):
        return optuna.distributions.CategoricalDistribution(values)
    whole = isinstance(values.low, int)
    kind = optuna.distributions.IntDistribution if whole else None
    return (kind or optuna.distributions.FloatDistribution)(values.low, values.high, log=values.log)
