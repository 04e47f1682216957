"""Random triples added to a knowledge graph: noise whose amount is known."""

from __future__ import annotations

import dataclasses

import numpy as np

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.knowledge import is_degenerate
from kdiffe_jax.errors import DataError


def with_random_triples(dataset: Dataset, share: float, *, seed: int) -> Dataset:
    """Adds round(share m) random triples to the m given ones.

    Every relation grows by the same share, but for rounding. The heads are items that have a
    triple, the tails entities of the relation, uniformly over all pairs that are new: no triple
    comes twice, none is a given one, and no item is linked to itself. A relation with fewer new
    pairs gets all of them, and the note says how many are missing. In a planted truth the added
    triples count as irrelevant.

    Args:
      share: above 0; may be above 1.

    Raises:
      DataError: training would not read the given triples, see `check_can_grow`.
    """
    check_can_grow(dataset)
    rng = np.random.default_rng(seed)
    counts = np.bincount(dataset.triples[:, 1], minlength=dataset.n_relations)
    ends = np.rint(share * np.cumsum(counts)).astype(np.int64)
    wanted = np.diff(ends, prepend=0)
    added = np.concatenate([_new(dataset, r, size, rng) for r, size in enumerate(wanted)])
    rows = np.concatenate([dataset.triples, added])
    order = np.lexsort(rows.T[::-1])
    relevant = dataset.relevant
    if relevant is not None:
        relevant = np.concatenate([relevant, np.zeros(len(added), bool)])[order]
    note = f"data ablation: {len(added):,} random triples are added to {len(dataset.triples):,}"
    missing = wanted.sum() - len(added)
    note += f"; there are no {missing:,} more that would be new" if missing else ""
    notes = (*dataset.notes, note)
    return dataclasses.replace(dataset, triples=rows[order], relevant=relevant, notes=notes)


def check_can_grow(dataset: Dataset) -> None:
    """Refuses a knowledge graph that says nothing: training may take codes in its place.

    Raises:
      DataError: the graph is empty, or all items have the same triples.
    """
    if is_degenerate(dataset.triples, dataset.n_items):
        raise DataError(
            f"{dataset.name}: the knowledge graph is empty, or the same for all items: there is "
            "nothing to add triples to; launch.prepare makes one, of features too"
        )


def _new(dataset: Dataset, relation: int, wanted: int, rng) -> np.ndarray:
    """int32[n, 3]: distinct triples of one relation that are not there yet, n <= wanted."""
    heads = np.unique(dataset.triples[:, 0])
    mine = dataset.triples[dataset.triples[:, 1] == relation]
    tails = np.unique(mine[:, 2])
    taken = _taken(dataset, heads, tails, mine)
    room = len(heads) * len(tails) - len(taken)
    free = rng.choice(room, size=min(wanted, room), replace=False, shuffle=False)
    # The k-th free place lies behind all taken ones with at most k free places before them.
    places = free + np.searchsorted(taken - np.arange(len(taken)), free, side="right")
    of_heads, of_tails = np.divmod(places, max(1, len(tails)))
    triples = [heads[of_heads], np.full(len(places), relation), tails[of_tails]]
    return np.stack(triples, axis=1).astype(np.int32)


def _taken(dataset: Dataset, heads, tails, mine) -> np.ndarray:
    """int64[n]: the sorted places of pairs that are given, or link an item to itself."""
    items = dataset.items_of_entities()[tails]
    itself = np.flatnonzero(np.isin(items, heads))
    of_heads = np.searchsorted(heads, np.concatenate([mine[:, 0], items[itself]]))
    of_tails = np.concatenate([np.searchsorted(tails, mine[:, 2]), itself])
    return np.unique(of_heads * len(tails) + of_tails)
