"""The calls of an epoch of many members on a mesh: one member after another on all devices.

Between its turns a member waits on the host, so a device never holds more than its share of
one member.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from kdiffe_jax.training.checkpoints import with_keys, without_keys
from kdiffe_jax.training.epoch import Compiled
from kdiffe_jax.training.loop import score_users
from kdiffe_jax.training.members import CompiledMembers, keep_best
from kdiffe_jax.training.problem import Problem


def members_on_mesh(problem: Problem, single: Compiled) -> CompiledMembers:
    """What `compile_members` makes, for a problem on a mesh.

    Args:
      problem: of `on_mesh`.
      single: of `compile_problem`; one compilation serves all members.
    """

    def train(state, kept, running, batches, graphs, strengths):
        def of_member(m, state, kept):
            return single.epoch(state, batches[m](), graphs, kept, strengths)

        return _of_running(of_member, running, (state, kept), unchanged=state)

    def rank(state, kept, running, graphs, tasks, epoch):
        def of_member(_, state):
            rebuilt = single.rebuild(state.params, graphs, state.key, epoch)
            view = single.encode(state.params, graphs)
            return rebuilt, {name: score_users(problem, view, t) for name, t in tasks.items()}

        return _of_running(of_member, running, (state,), unchanged=kept)

    return CompiledMembers(train, rank, partial(keep_best, where=np.where))


def stacked(trees: Sequence[Any]) -> Any:
    """Pytrees of equal structure as one with a leading axis, on the host but for typed keys."""
    plain = jax.device_get([without_keys(tree) for tree in trees])
    return with_keys(jax.tree.map(lambda *leaves: np.stack(leaves), *plain), trees[0])


def _of_running(work: Callable[..., tuple], running: jax.Array, members: tuple, unchanged: Any):
    """What `work` makes of every running member and reports, stacked.

    A stopped member keeps what it has in `unchanged` and reports zeros. At least one runs.
    """

    def member(tree, m):
        return jax.tree.map(lambda leaf: leaf[m], tree)

    made = {m: work(m, *member(members, m)) for m in np.flatnonzero(running)}
    nothing = jax.tree.map(np.zeros_like, next(iter(made.values()))[1])
    return stacked([made.get(m, (member(unchanged, m), nothing)) for m in range(len(running))])
