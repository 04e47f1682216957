"""The clock of a training, the curve of what it reaches, and when that is enough."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.config import EvalConfig
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.evaluation.ranking import CUTOFFS, mean_metrics, metrics_per_user, ranking_task
from kdiffe_jax.evaluation.ranking_task import RankingTask
from kdiffe_jax.evaluation.top_k_lists import TopKLists, lists_by_embeddings

METRIC, OF_TEST = "recall@20", ("recall@20", "ndcg@20")
ENOUGH = 0.99  #: of a best recall
#: seconds of all threads, or of the wall, which count what an accelerator does meanwhile
CLOCKS: Mapping[str, Callable[[], float]] = MappingProxyType(
    {"cpu": time.process_time, "wall": time.perf_counter}
)
UNITS: Mapping[str, str] = MappingProxyType({"cpu": "CPU s", "wall": "s"})


class Clock:
    """Seconds of a clock since this was made, less what is apart.

    Args:
      kind: of `CLOCKS`.
    """

    def __init__(self, kind: str = "cpu") -> None:
        self._now = CLOCKS[kind]
        self._begun = self._now()

    @property
    def seconds(self) -> float:
        """So far."""
        return self._now() - self._begun

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """A block that is not counted."""
        begun = self._now()
        try:
            yield
        finally:
            self._begun += self._now() - begun


class Curve(NamedTuple):
    """What validation gave, a point an epoch, and the seconds until then."""

    seconds: list[float]
    recalls: list[float]

    def add(self, seconds: float, recall: float) -> None:
        """One more point, which is printed."""
        self.seconds.append(round(seconds, 3))
        self.recalls.append(recall)
        print(f"{len(self.recalls) - 1} {seconds:.2f} s {METRIC} {recall:.5f}", flush=True)

    @property
    def best(self) -> int:
        """The point of the highest recall, the earliest of equals."""
        return int(np.argmax(self.recalls))

    def is_over(self, patience: int) -> bool:
        """Whether as many points as patience allows went by without a better one."""
        return bool(self.recalls) and len(self.recalls) - 1 - self.best >= patience

    def seconds_to(self, level: float) -> float | None:
        """Seconds until the first point of that recall or more; None where there is none.

        >>> curve = Curve([1.0, 2.0, 3.0], [0.1, 0.3, 0.2])
        >>> curve.seconds_to(0.15), curve.seconds_to(0.4)
        (2.0, None)
        """
        pairs = zip(self.seconds, self.recalls, strict=True)
        return next((seconds for seconds, recall in pairs if recall >= level), None)

    def seconds_to_own(self, share: float = ENOUGH) -> float:
        """Seconds until a share of its own best recall, at most 1."""
        level = share * self.recalls[self.best]
        return next(s for s, r in zip(self.seconds, self.recalls, strict=True) if r >= level)


class Found(NamedTuple):
    """What a system reached."""

    curve: Curve
    test: dict[str, float]  #: `OF_TEST`, of the best point, scored once
    setting: str = ""  #: which of several it is, where validation chose one
    choosing: float | None = None  #: seconds of all settings, where each has a curve

    def as_json(self) -> dict[str, Any]:
        """As quality.json has it."""
        return self._asdict() | {"curve": self.curve._asdict()}


class Splits(NamedTuple):
    """Whom both splits rank for; every system has the same."""

    valid: RankingTask
    test: RankingTask

    @classmethod
    def of(cls, data: Dataset) -> Splits:
        """Training interactions are seen in both."""
        splits, users = (data.valid, data.test), data.n_users
        return cls(*(ranking_task(data.train, split, n_users=users) for split in splits))


def followed(
    made: Iterable[TopKLists], clock: Clock, splits: Splits, *, points: int, patience: int
) -> tuple[Curve, TopKLists]:
    """Ranks what a system makes, point after point, as the training loop does after an epoch.

    Args:
      made: a system's lists after each of its epochs; what it does between them is counted.
      clock: of the system; ranking is apart.
      splits: to rank.
      points: at most.
      patience: points without a better one, after which it ends.

    Returns:
      The curve, and the lists of its best point.
    """
    curve, best = Curve([], []), None
    for lists in made:
        seconds = clock.seconds
        with clock.apart():
            curve.add(seconds, scores(lists, splits.valid)[METRIC])
            if curve.best == len(curve.recalls) - 1:
                best = lists
        if len(curve.recalls) >= points or curve.is_over(patience):
            break
    assert best is not None, "a system without an epoch"
    return curve, best


def scores(lists: TopKLists, task: RankingTask) -> dict[str, float]:
    """Mean metrics of lists on a split: those of `OF_TEST`."""
    found = metrics_per_user(lists(task, k=max(CUTOFFS)), task.relevant)
    return mean_metrics({name: found[name] for name in OF_TEST})


def by_rows(users: np.ndarray, items: np.ndarray) -> TopKLists:
    """Lists by inner products of rows, which are copied: f32[I, w] and f32[J, w]."""
    rows = (np.array(table, np.float32) for table in (users, items))
    return lists_by_embeddings(*rows, block=EvalConfig.eval_block)
