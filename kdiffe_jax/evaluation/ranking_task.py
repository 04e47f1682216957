"""What a ranking is asked for."""

from __future__ import annotations

from typing import NamedTuple

import jax


class RankingTask(NamedTuple):
    """Users to rank for, what they have seen and what they should be given."""

    users: jax.Array  #: i32[N]
    seen: jax.Array  #: i32[N, S], J on padding
    relevant: jax.Array  #: i32[N, P], -1 on padding
