"""Users and items numbered so that those with common neighbours stand near each other.

A product with the graph reads the rows of all neighbours of a node. Where these lie together they
stay in the processor's cache, which counts on graphs that are larger than it.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

from kdiffe_jax.data.catalogue import Catalogue


def numbered_by_neighbourhood(catalogue: Catalogue, training: np.ndarray) -> Catalogue:
    """The same catalogue with other numbers of users and items; ids and all else stay.

    Args:
      catalogue: its interactions keep their order.
      training: bool[n], the interactions that are looked at.
    """
    rows = catalogue.interactions
    users, items = by_neighbourhood(
        rows.users[training], rows.items[training], catalogue.n_users, catalogue.n_items
    )
    return catalogue.with_users(users).with_items(items)


def by_neighbourhood(
    users: np.ndarray, items: np.ndarray, n_users: int, n_items: int
) -> tuple[np.ndarray, np.ndarray]:
    """The order of a walk through the graph by neighbours (reverse Cuthill-McKee, 1969).

    Time and memory grow with the interactions.

    Args:
      users, items: int[n], one entry an interaction.
      n_users, n_items: I and J.

    Returns:
      int[I] and int[J], users and items in their new order; those without interactions too.

    >>> users, items = by_neighbourhood(np.array([0, 1, 2, 2]), np.array([0, 1, 0, 1]), 3, 2)
    >>> sorted(users.tolist()), int(users[1])  # user 2 stands between, who has both items
    ([0, 1, 2], 2)
    """
    n_nodes = n_users + n_items
    ones = np.ones(len(users), np.int8)
    edges = sparse.csr_array((ones, (users, items + n_users)), shape=(n_nodes, n_nodes))
    order = reverse_cuthill_mckee((edges + edges.T).tocsr(), symmetric_mode=True)
    return order[order < n_users], order[order >= n_users] - n_users
