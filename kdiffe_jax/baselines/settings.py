"""Which baselines stand beside a result, and how large they may be."""

from __future__ import annotations

import dataclasses

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.options import Checked, option

NAMES = ("most_popular", "rp3beta", "ease")


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
