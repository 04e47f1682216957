"""MHGCF from its equations: dense, float64, one loop an example; see `tests.reference.models`."""

import numpy as np

from tests.reference import mgcl


def mhgcf(
    params,
    pairs,
    links,
    features,
    batch,
    drawn,
    *,
    layers,
    entity_layers,
    popularity,
    weight_decay,
    content_decay,
):
    """Every term and their weighted sum, "loss".

    Args:
      params: those of `mgcl.ranking`, and "users_entities", "items_entities", "entities".
      pairs: (user, item) of each interaction.
      links: (item, entity), unique.
      features: by modality.
      batch: (user, item, negative) of each example.
      drawn: (item, entity of it, entity not of it) of each example.
    """
    n_users, n_items = len(params["users"]), len(params["items"])
    graph = mgcl.propagation(mgcl.joint_edges(pairs, n_users, n_items), popularity)
    found = mgcl.streams(params, graph, features, layers)
    joint = mgcl.propagation(_joint_edges(pairs, links, params), popularity)
    start = [params[name] for name in ("users_entities", "items_entities", "entities")]
    final = np.linalg.matrix_power(joint, entity_layers) @ np.concatenate(start)
    users, items, entities = np.split(final, [n_users, n_users + n_items])
    found["entities"] = users, items
    terms = {f"bpr_{name}": mgcl.bpr(*rows, batch) for name, rows in found.items()}
    terms["bpr_links"] = mgcl.bpr(items, entities, drawn)
    loss = sum(terms.values())
    tables = mgcl.tables(params, features) | {"entities": start[:2]}
    terms["rows_norm"] = mgcl.norm(tables, batch, content_decay)
    return terms | {"loss": loss + weight_decay * terms["rows_norm"]}


def _joint_edges(pairs, links, params):
    """A of users, then items, then entities."""
    n_users, n_items = len(params["users"]), len(params["items"])
    size = n_users + n_items
    edges = np.zeros((size + len(params["entities"]),) * 2)
    edges[:size, :size] = mgcl.joint_edges(pairs, n_users, n_items)
    items, entities = n_users + links[:, 0], size + links[:, 1]
    edges[items, entities] = edges[entities, items] = 1
    return edges
