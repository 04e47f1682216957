"""The benchmark of sparse products: orders are orders, and its ways compute the same."""

import jax
import numpy as np
import pytest

from benchmarks import sparse_products
from kdiffe_jax.data.readers.prepared import write_prepared
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset


@pytest.fixture(scope="module")
def dataset():
    return planted_dataset(PlantedSizes(users=30, items=20, topics=3, interactions_per_user=6))


@pytest.mark.parametrize("name", sparse_products.ORDERS)
def test_an_order_numbers_everybody_and_scores_stay(name, dataset):
    order = sparse_products.ORDERS[name](dataset)
    assert [sorted(nodes.tolist()) for nodes in order] == [list(range(30)), list(range(20))]
    plain, other = (
        sparse_products.laplacian_in(dataset, way)
        for way in (sparse_products.as_numbered, lambda _: order)
    )
    rows = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    given = sparse_products.propagate(plain, np.zeros((30, 3), np.float32), rows, layers=2)
    moved = sparse_products.propagate(
        other, np.zeros((30, 3), np.float32), rows[order[1]], layers=2
    )
    for nodes, before, after in zip(order, given, moved, strict=True):
        np.testing.assert_allclose(after, np.asarray(before)[nodes], atol=1e-5)


def test_every_way_gives_values_and_gradients(dataset):
    ways = sparse_products.cases(dataset, 4)
    assert [way.baseline for way in ways] == [True] + [False] * (len(ways) - 1)
    assert all(np.isfinite(leaf).all() for way in ways for leaf in jax.tree.leaves(way.run()))


def test_the_command_writes_a_row_for_every_way(dataset, tmp_path, capsys):
    write_prepared(dataset, tmp_path / "data")
    file = tmp_path / "products.md"
    argv = [f"--dataset={tmp_path / 'data'}", "--dim=4", "--rounds=1", f"--report={file}"]
    assert sparse_products.main(argv) == 0
    rows = [line for line in file.read_text().splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(sparse_products.cases(dataset, 4))
    assert "30 users, 20 items" in capsys.readouterr().out
