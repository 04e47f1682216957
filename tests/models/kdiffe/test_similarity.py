import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import spearmanr

from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.models.kdiffe import similarity_cache
from kdiffe_jax.models.kdiffe.options import WalkOptions
from kdiffe_jax.models.kdiffe.similarity import attention_similarity, jaccard_on_edges
from kdiffe_jax.models.kdiffe.walk_workers import WalkWorkers
from tests.reference.oracles import jaccard

PAIRS = np.array([[0, 0], [0, 1], [1, 1], [2, 0], [2, 2]], np.int32)
SIZES = dict(n_users=4, n_items=3)
SHORT = dict(walk_length=5, walks_per_node=2)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("chunk_size", [1, 5, 1000])
def test_jaccard_equals_python_sets(rng, chunk_size, threads):
    sets = rng.random((30, 30)) < 0.2
    sets[3] = False
    sources, targets = rng.integers(0, 30, (2, 60))
    sources[0] = targets[0] = 3
    expected = [
        jaccard(set(np.flatnonzero(sets[u])), set(np.flatnonzero(sets[v])))
        for u, v in zip(sources, targets, strict=True)
    ]
    found = jaccard_on_edges(
        sp.csr_array(sets), sources, targets, chunk_size=chunk_size, threads=threads
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.dtype == np.float32 and found[0] == 0


def test_similarity_is_one_where_both_see_everything():
    pair = np.array([[0, 0]], np.int32)
    found = attention_similarity(pair, n_users=1, n_items=1, options=WalkOptions())
    np.testing.assert_array_equal(found, [1.0])


def test_closer_pairs_are_more_similar():
    """Two blocks joined by one edge: the joining edge has the lowest S."""
    users, items = np.meshgrid(np.arange(6), np.arange(6), indexing="ij")
    inside = (users < 3) == (items < 3)
    inside[0, 5] = True
    pairs = np.stack([users[inside], items[inside]], axis=1).astype(np.int32)
    options = WalkOptions(walk_length=4, walks_per_node=20, restart_probability=0.3)
    similarity = attention_similarity(pairs, n_users=6, n_items=6, options=options)
    bridge = (pairs == [0, 5]).all(axis=1)
    assert similarity[bridge][0] == similarity.min()


class Meeting:
    """Processes of one program, as threads: each gives its share and receives all."""

    def __init__(self, processes):
        self.given = [[] for _ in range(processes)]
        self._barrier = threading.Barrier(processes, timeout=60)

    def joined(self, process, share):
        self.given[process].append(share)
        self._barrier.wait()
        return np.concatenate([shares[len(self.given[process]) - 1] for shares in self.given])


@pytest.mark.parametrize("processes", [2, 11])
def test_processes_that_share_the_work_find_the_same_bit_for_bit(rng, processes):
    pairs = np.unique(rng.integers(0, [19, 12], (70, 2)), axis=0).astype(np.int32)
    make = partial(attention_similarity, pairs, n_users=19, n_items=12, options=WalkOptions())
    meeting, devices = Meeting(processes), WalkWorkers.of_this_process().devices

    def of_process(process):
        joined = partial(meeting.joined, process)
        return make(workers=WalkWorkers(devices, process, processes, joined))

    with ThreadPoolExecutor(processes) as pool:
        found = list(pool.map(of_process, range(processes)))
    alone = make()
    for similarity in found:
        np.testing.assert_array_equal(similarity, alone)
    nodes, _, edges = (
        [len(share) for share in shares] for shares in zip(*meeting.given, strict=True)
    )
    for lengths, whole in ((nodes, 31), (edges, len(pairs))):
        assert sum(lengths) == whole and max(lengths) <= min(lengths) + 1


def cached(directory, **changes):
    options = WalkOptions(**(SHORT | changes))
    return similarity_cache.cached_similarity(PAIRS, options=options, directory=directory, **SIZES)


def test_cache_returns_the_same_says_so_and_survives_damage(tmp_path):
    directory = tmp_path / "c"
    first, read = cached(directory)
    assert not read
    (file,) = directory.iterdir()
    again, read = cached(directory)
    assert read
    np.testing.assert_array_equal(again, first)
    file.write_bytes(file.read_bytes()[:40])
    again, read = cached(directory)
    assert not read
    np.testing.assert_array_equal(again, first)
    assert directory.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "change",
    [
        dict(walk_length=6),
        dict(walks_per_node=3),
        dict(walk_seed=1),
        dict(restart_probability=0.7),
        dict(include_start=False),
    ],
)
def test_cache_key_has_every_parameter(tmp_path, change):
    sizes = dict(SIZES, directory=tmp_path)
    files = {
        similarity_cache.similarity_file([PAIRS], options=WalkOptions(**settings), **sizes)
        for settings in (SHORT, SHORT | change)
    }
    assert len(files) == 2


@pytest.mark.real_data
def test_tiktok_two_seeds_agree(real_data):
    """On the interactions of every fourth user."""
    dataset = read_dataset(real_data / "tiktok", name="tiktok")
    pairs = dataset.train[dataset.train[:, 0] % 4 == 0]
    sizes = dict(n_users=dataset.n_users, n_items=dataset.n_items)
    first, second = (
        attention_similarity(pairs, options=WalkOptions(walk_seed=seed), **sizes) for seed in (0, 1)
    )
    assert spearmanr(first, second).statistic > 0.5
