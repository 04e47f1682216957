"""What a ranking is asked for."""

from __future__ import annotations

from typing import NamedTuple

import jax

from kdiffe_jax.ops.ragged import Ragged


class RankingTask(NamedTuple):
    """Users to rank for, what they have seen and what they should be given."""

    users: jax.Array  #: i32[N]
    seen: Ragged  #: N lists of items
    relevant: jax.Array  #: i32[N, P], -1 on padding
