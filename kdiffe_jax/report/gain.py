"""How far a run is above, or below, the best of its baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kdiffe_jax.report.words import percent, plain, score

UNSURE = 0.05  #: a larger p is chance as well as not


class Gain(NamedTuple):
    """A run beside the baseline that scores best on test.

    Attributes:
      metric: by which.
      baseline: its name.
      ours, theirs: on test.
      p: of the paired test against it; None where there is none.
    """

    metric: str
    baseline: str
    ours: float
    theirs: float
    p: float | None

    @property
    def difference(self) -> float:
        """Ours minus theirs."""
        return self.ours - self.theirs

    @property
    def side(self) -> str:
        """Whether the run is above it.

        >>> Gain("recall@20", "ease", 0.1, 0.2, None).side
        'below'
        """
        return "equal to" if not self.difference else "above" if self.difference > 0 else "below"

    def relative(self) -> str:
        r"""The difference as a share of theirs, with its sign.

        >>> Gain("recall@20", "ease", 0.15, 0.2, None).relative()
        '−25.0\xa0%'
        """
        if not self.theirs:
            return "" if self.difference else "0.0 %"
        share = percent(abs(self.difference / self.theirs))
        return share if not self.difference else f"{'+' if self.difference > 0 else '−'}{share}"

    def chance(self) -> str:
        """The paired test in words.

        >>> Gain("recall@20", "ease", 0.1, 0.2, 0.3).chance()
        'p 0.3, so it may be chance'
        """
        if self.p is None:
            return "not tested"
        p = "p\u00a0<\u00a00.001" if self.p < 0.001 else f"p {self.p:.2g}"
        return f"{p}, so it may be chance" if self.p > UNSURE else p

    def words(self) -> str:
        r"""One sentence.

        >>> Gain("recall@20", "most_popular", 0.15, 0.2, 0.01).words()
        'recall@20 is 0.0500 below most popular, the best baseline (−25.0\xa0%, p 0.01).'
        """
        far = f"{score(abs(self.difference))} " if self.difference else ""
        beside = ", ".join(filter(None, (self.relative(), self.chance())))
        return (
            f"{self.metric} is {far}{self.side} {plain(self.baseline)}, "
            f"the best baseline ({beside})."
        )


def gain_of(result: Mapping[str, Any], metric: str) -> Gain | None:
    """The gain by a metric over the baseline that is best by it; None without scored baselines.

    Args:
      result: what result.json holds.
      metric: such as "recall@20".
    """
    scored = {n: b["test"][metric] for n, b in result["baselines"].items() if "test" in b}
    if not scored or "test" not in result:
        return None
    best = max(scored, key=scored.__getitem__)
    test = paired_tests(result["baselines"][best]).get(metric, {})
    return Gain(metric, best, result["test"][metric], scored[best], test.get("p"))


def paired_tests(baseline: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The paired tests against a baseline: metric -> test.

    Returns:
      Under recall@20 alone, where the run is older than tests of several metrics.

    >>> paired_tests({"paired": {"difference": 0.1}})
    {'recall@20': {'difference': 0.1}}
    """
    tests = baseline.get("paired", {})
    return {"recall@20": tests} if "difference" in tests else dict(tests)
