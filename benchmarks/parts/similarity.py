"""S on all training interactions: random walks with restart, then Jaccard (eq. 5)."""

from __future__ import annotations

import random
from functools import partial

import numpy as np

from benchmarks.harness import Case, Part, Work
from benchmarks.parts.sizes import Sizes, random_dataset
from kdiffe_jax.models.kdiffe.options import WalkOptions
from kdiffe_jax.models.kdiffe.similarity import attention_similarity, bipartite_adjacency

_SAMPLE_SHARE = 100  # the plain loop does one node in so many
_CHECKED = 60


def part(sizes: Sizes) -> Part:
    """Ours at three sizes, and a plain Python loop over a sample of the nodes."""
    options = WalkOptions()
    nodes = sizes.users + sizes.items
    sample = max(20, nodes // _SAMPLE_SHARE)
    shrunk = {"ours": 1, "ours, half of the data": 2, "ours, a quarter": 4}
    cases = [_ours(name, _shrunk(sizes, by), options) for name, by in shrunk.items()]
    lists = _neighbour_lists(sizes)
    edges = sample * sizes.train // nodes
    plain = Case(
        "plain Python, sampled and scaled",
        lambda: _plain(lists, sample, edges, options),
        baseline=True,
        scale=nodes / sample,
    )
    return Part(
        f"S: {nodes} nodes, {sizes.train} interactions, M = {options.walk_length}, R = "
        f"{options.walks_per_node}; plain Python: {sample} nodes and {edges} pairs, scaled to all",
        [*cases, plain],
        check=lambda: _check(sizes, lists, options),
    )


def _ours(name: str, sizes: Sizes, options: WalkOptions) -> Case:
    return Case(name, partial(ours, sizes, options), work=similarity_work(sizes, options))


def ours(sizes: Sizes, options: WalkOptions) -> np.ndarray:
    """S of the random data."""
    return attention_similarity(
        random_dataset(sizes).train, n_users=sizes.users, n_items=sizes.items, options=options
    )


def similarity_work(sizes: Sizes, options: WalkOptions) -> Work:
    """A step reads a node's place, its degree and one neighbour; a visit is written once."""
    visits = (sizes.users + sizes.items) * options.walk_length * options.walks_per_node
    return Work(bytes=4.0 * visits, gathered=12.0 * visits)


def _shrunk(sizes: Sizes, by: int) -> Sizes:
    if by == 1:
        return sizes
    kept = {field: getattr(sizes, field) // by for field in ("users", "items", "train", "held_out")}
    return sizes._replace(name=f"{sizes.name}/{by}", **kept)


def _neighbour_lists(sizes: Sizes) -> list[list[int]]:
    pairs = random_dataset(sizes).train
    matrix = bipartite_adjacency(pairs, n_users=sizes.users, n_items=sizes.items)
    return [row.tolist() for row in np.split(matrix.indices, matrix.indptr[1:-1])]


def _plain(lists, sample: int, edges: int, options: WalkOptions) -> list[float]:
    draw = random.Random(0)
    sets = [_visited(node, lists, options, draw) for node in draw.sample(range(len(lists)), sample)]
    return [_jaccard(draw.choice(sets), draw.choice(sets)) for _ in range(edges)]


def _visited(start: int, lists, options: WalkOptions, draw: random.Random) -> set[int]:
    seen = {start}
    for _ in range(options.walks_per_node):
        node = start
        for _ in range(options.walk_length):
            if draw.random() < options.restart_probability:
                node = start
            elif lists[node]:
                node = draw.choice(lists[node])
            seen.add(node)
    return seen


def _jaccard(a: set[int], b: set[int]) -> float:
    return len(a & b) / len(a | b)


def _check(sizes: Sizes, lists, options: WalkOptions) -> None:
    """Walks differ, so the means of S agree only as means of random numbers do."""
    pairs = random_dataset(sizes).train
    draw = random.Random(1)
    rows = np.array(draw.sample(range(len(pairs)), _CHECKED))
    plain = [
        _jaccard(_visited(u, lists, options, draw), _visited(sizes.users + v, lists, options, draw))
        for u, v in pairs[rows].tolist()
    ]
    apart = ours(sizes, options)[rows] - np.array(plain)
    allowed = 5 * apart.std() / np.sqrt(len(apart)) + 1e-3
    assert abs(apart.mean()) <= allowed, f"S differs by {apart.mean():.4f}, allowed {allowed:.4f}"
