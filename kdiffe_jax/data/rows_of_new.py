"""Rows for users and items that an earlier training did not have, as means of those it had."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from kdiffe_jax.data.cold_item_proxies import cold_item_proxies


class MadeRows(NamedTuple):
    """Which rows are made, and of what."""

    numbers: np.ndarray  #: int64[m], users or items
    #: of m rows; the products of a table with them, the last one first, are the rows
    steps: tuple[sparse.csr_array, ...]

    def of(self, table: np.ndarray) -> np.ndarray:
        """f32[m, ...]: the rows, of a table f32[n, ...] in which the known ones are right."""
        if not len(self.numbers):
            return table[:0]
        rows = table.reshape(len(table), -1)
        for step in reversed(self.steps):
            rows = step @ rows
        return rows.reshape(len(self.numbers), *table.shape[1:])


NONE_MADE = MadeRows(np.zeros(0, np.int64), ())  #: where nothing is new, or nothing tells of it


def items_by_neighbours(
    neighbours: sparse.csr_array, new: np.ndarray, trained: np.ndarray
) -> MadeRows:
    """The weighted mean of a new item's nearest items that the earlier training saw.

    Args:
      neighbours: f32[J, J], weights of each item's nearest items, none negative.
      new, trained: bool[J], items without a row, and those that may stand in for them.

    >>> near = sparse.csr_array(np.array([[0, 1, 3], [0, 0, 0], [0, 1, 0]], np.float32))
    >>> made = items_by_neighbours(near, np.array([1, 0, 0]) > 0, np.array([0, 1, 1]) > 0)
    >>> made.of(np.array([[9.0], [2.0], [6.0]], np.float32)).tolist()
    [[5.0]]
    """
    means = cold_item_proxies(neighbours, trained.astype(np.int64))
    numbers = np.flatnonzero(new & (np.diff(means.indptr) > 0))
    return MadeRows(numbers, (sparse.csr_array(means[numbers]),))


def users_by_items(
    pairs: np.ndarray, new: np.ndarray, trained: np.ndarray, n_items: int
) -> MadeRows:
    """The mean, over a new user's training items, of the mean row of each item's known users.

    Items without such users do not count; two sparse products, of as many entries as there are
    interactions.

    Args:
      pairs: int[n, 2] of (user, item), the training interactions.
      new, trained: bool[I], users without a row, and those that the earlier training saw.
      n_items: J.

    >>> pairs = np.array([(0, 0), (1, 0), (2, 0), (2, 1)])
    >>> made = users_by_items(pairs, np.array([0, 0, 1]) > 0, np.array([1, 1, 0]) > 0, 2)
    >>> made.of(np.array([[2.0], [4.0], [9.0]], np.float32)).tolist()
    [[3.0]]
    """
    ones = np.ones(len(pairs), np.float32)
    shape = (len(new), n_items)
    taken = sparse.csr_array((ones, (pairs[:, 0], pairs[:, 1])), shape=shape)
    of_items = _means(sparse.csr_array((sparse.diags_array(trained.astype(np.float32)) @ taken).T))
    told = (np.diff(of_items.indptr) > 0).astype(np.float32)
    of_users = _means(sparse.csr_array(taken @ sparse.diags_array(told)))
    numbers = np.flatnonzero(new & (np.diff(of_users.indptr) > 0))
    return MadeRows(numbers, (sparse.csr_array(of_users[numbers]), of_items))


def _means(links: sparse.csr_array) -> sparse.csr_array:
    """The rows divided by their sums, without the entries that are zero."""
    links.eliminate_zeros()
    sums = np.asarray(links.sum(axis=1))
    scale = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0)
    return sparse.csr_array(sparse.diags_array(scale) @ links, dtype=np.float32)
