"""Every setting of the baselines once: which are scored, their limits, and what is tuned."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.options import Checked, option

NAMES = ("most_popular", "rp3beta", "ease", "lightgcn")

# What is tried, in this order; the first of equals is chosen.
GRIDS: dict[str, dict[str, tuple]] = {
    "most_popular": {},
    "rp3beta": {
        "alpha": (0.2, 0.4, 0.6, 0.8, 1.0),
        "beta": (0.0, 0.2, 0.4),
        "prune": ("source", "target"),
    },
    "ease": {"regularisation": (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)},
    "lightgcn": {"layers": (2, 3), "theta_2": (1e-5, 1e-4)},
}
# What is not tuned.
FIXED: dict[str, dict[str, Any]] = {
    "most_popular": {},
    "rp3beta": {"neighbours": 100},
    "ease": {},
    "lightgcn": {
        "dim": 64,
        "batch_size": 1024,
        "learning_rate": 1e-3,
        "epochs": 200,
        "patience": 10,
        "seed": 0,
    },
}


def grid(name: str) -> list[dict[str, Any]]:
    """All combinations that are tried for a baseline.

    >>> grid("ease")[0]
    {'regularisation': 10.0}
    """
    values = GRIDS[name]
    return [dict(zip(values, point, strict=True)) for point in itertools.product(*values.values())]


@dataclasses.dataclass(frozen=True)
class BaselineSettings(Checked):
    """Which baselines stand beside a result."""

    baselines: str = option(
        "most_popular,rp3beta,ease",
        f"baselines beside the result: some of {', '.join(NAMES)}, or all, or none",
    )
    ease_memory_gb: float = option(
        4.0, "EASE is left out where its matrices need more than this many GB", above=0.0
    )

    def __post_init__(self):
        super().__post_init__()
        unknown = sorted(set(self.names()) - set(NAMES))
        if unknown:
            raise ConfigError(
                f"baselines: there is no {', '.join(unknown)}; choose from {', '.join(NAMES)}, "
                "or all, or none"
            )

    def names(self) -> tuple[str, ...]:
        """The baselines to score, each once, in the order of `NAMES`."""
        if self.baselines in ("all", "none"):
            return NAMES if self.baselines == "all" else ()
        given = [name.strip() for name in self.baselines.split(",") if name.strip()]
        return tuple(sorted(set(given), key=lambda n: NAMES.index(n) if n in NAMES else -1))
