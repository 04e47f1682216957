"""What a sweep says at its end: the table of trials, the best values, the parts of its figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kdiffe_jax.studies.figures import Scatter
from kdiffe_jax.studies.search import Trial
from kdiffe_jax.studies.sweep_file import Range, Sweep
from kdiffe_jax.studies.tables import csv_bytes, markdown, value_text

_SHOWN = 20


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """The best first; those without a score last, in the order of their numbers."""
    return sorted(trials, key=lambda t: (t.score is None, -(t.score or 0.0), t.number))


def table(trials: Sequence[Trial], metric: str) -> str:
    """The best trials, in Markdown."""
    rows = [
        [str(t.number), *map(value_text, t.values.values()), *_outcome(t)]
        for t in ranked(trials)[:_SHOWN]
    ]
    rest = len(trials) - len(rows)
    return markdown(_header(trials, f"validation {metric}"), rows) + (
        f"\n\nand {rest} more, in trials.csv" if rest else ""
    )


def trials_csv(trials: Sequence[Trial], metric: str) -> bytes:
    """A line per trial, in the order of their numbers."""
    rows = [[t.number, *t.values.values(), t.score, len(t.curve), t.state] for t in trials]
    return csv_bytes(_header(trials, f"valid_{metric}"), rows)


def best_flags(trials: Sequence[Trial], metric: str, model: str) -> bytes:
    """The model and the values of the best trial as a flag file."""
    best = ranked(trials)[0]
    lines = [f"# Trial {best.number}: validation {metric} {best.score:.4f}", f"--model={model}"]
    return "\n".join([*lines, *(f"--{n}={v}" for n, v in best.values.items()), ""]).encode()


def parts(sweep: Sweep, trials: Sequence[Trial], metric: str) -> list[Scatter]:
    """The search as it went, and the score against each hyper-parameter."""
    scored = [t for t in trials if t.score is not None]
    scores = [t.score for t in scored]
    best = np.maximum.accumulate(scores)
    label = f"validation {metric}"
    states = [t.state for t in scored]
    drawn = [Scatter("trial", label, [t.number for t in scored], scores, states, best=best)]
    for name, values in sweep.parameters.items():
        ticks = None
        x = [t.values[name] for t in scored]
        if not isinstance(values, Range):
            ticks, x = [value_text(v) for v in values], [values.index(v) for v in x]
        log = isinstance(values, Range) and values.log
        drawn.append(Scatter(name, label, x, scores, states, log_x=log, ticks=ticks))
    return drawn


def _header(trials: Sequence[Trial], score: str) -> list[str]:
    return ["trial", *trials[0].values, score, "epochs", "state"]


def _outcome(trial: Trial) -> list[str]:
    score = "-" if trial.score is None else f"{trial.score:.4f}"
    return [score, str(len(trial.curve)), trial.state]
