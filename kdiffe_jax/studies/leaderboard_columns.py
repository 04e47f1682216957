"""The columns of a leaderboard: which figure of a run each shows, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kdiffe_jax.studies.tables import mean_text, value_text


class Measure(NamedTuple):
    """A figure that every seed of a row has.

    Attributes:
      head: as the table calls it.
      path: where it is in result.json.
      digits: decimals that are shown.
      varies: whether it differs between seeds, so that the table has its standard error.
    """

    head: str
    path: tuple[str, ...]
    digits: int = 4
    varies: bool = True

    @property
    def name(self) -> str:
        """As files of values call it."""
        return self.head.replace(" ", "_")

    def cell(self, values: Sequence[float]) -> str:
        """What the table shows of the values of all seeds; a dash of none.

        >>> Measure("parameters", ("parameters",), digits=0, varies=False).cell([1200, 1200])
        '1,200'
        """
        return mean_text(values if self.varies else values[:1], self.digits)


def scores(splits: Sequence[str], metrics: Sequence[str]) -> tuple[Measure, ...]:
    """Metrics on splits.

    >>> [measure.head for measure in scores(["test"], ["recall@20", "ndcg@20"])]
    ['test recall@20', 'test ndcg@20']
    """
    return tuple(Measure(f"{s} {m}", (s, m)) for s in splits for m in metrics)


def seeds_text(seeds: Sequence[int]) -> str:
    """Seeds in a cell.

    >>> seeds_text([0, 1, 2]), seeds_text([0, 7]), seeds_text([])
    ('0-2', '0, 7', '-')
    """
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}-{seeds[-1]}"
    return ", ".join(map(str, seeds)) or "-"


def shown_setting(config: Mapping[str, Any], name: str, nothing: str = "-") -> str:
    """The value of an option in a cell; a dash for one that the model does not have."""
    return value_text(config[name]) if name in config else nothing


def one_cell(value: Any) -> Any:
    """A value of `as_columns` in a cell of CSV; several stand in one, "; " between."""
    return "; ".join(map(str, value)) if isinstance(value, list) else value
