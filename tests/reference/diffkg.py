"""DiffKG's loss from its equations: dense, float64, holomorphic as in `tests.reference.models`."""

import numpy as np

from tests.reference import row_denoiser


def diffkg(params, adjacency, edges, present, kept, rows, batch, *, sizes, **options):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users", "items", "entities", "relations", "head_weight", "tail_weight", "denoiser".
      adjacency: 0/1, users by items.
      edges: (head, tail, relation) of each edge between nodes.
      present: bool[edges] of the view that ranks and of the other one.
      kept: 0/1 by view and layer, nodes by dim.
      rows: what is denoised: "nodes", "timesteps", "noise", "kept".
      batch: (user, item, negative) of each example.
      sizes: (I, J, E).
      options: by their names.
    """
    nodes = np.concatenate([params["items"], params["entities"]])
    views = []
    for of_view, masks in zip(present, kept, strict=True):
        there = [edge for edge, stays in zip(edges, of_view, strict=True) if stays]
        items = _attended(params, nodes, there, masks, options)[: sizes[1]]
        views.append(_collaborative(params["users"], items, adjacency, options["layers"]))
    (users, items), others = views
    terms = {"bpr": 0.0, "info_nce_users": 0.0, "info_nce_items": 0.0}
    for u, p, n in batch:
        difference = users[u] @ items[p] - users[u] @ items[n]
        terms["bpr"] += np.log(1 + np.exp(-difference)) / len(batch)
        for name, side, node in (("info_nce_users", 0, u), ("info_nce_items", 1, p)):
            own = others[side][node]
            logits = [_cosine(own, c) / options["temperature"] for c in views[0][side]]
            told = np.log(sum(np.exp(logit) for logit in logits)) - logits[node]
            terms[name] += told / len(batch)
    tables = (table for name, table in params.items() if name != "denoiser")
    terms["squared_norm"] = sum((table**2).sum() for table in tables)
    terms |= _of_denoiser(params, nodes.real, adjacency, edges, rows, options)
    weight = options["collaborative_weight"]
    contrast = terms["info_nce_users"] + terms["info_nce_items"]
    loss = terms["bpr"] + options["norm_weight"] * terms["squared_norm"]
    loss = loss + options["contrast_weight"] * contrast
    loss = loss + (1 - weight) * terms["elbo"] + weight * terms["collaborative"]
    return terms | {"loss": loss}


def rows_of_edges(edges, n_nodes):
    """0/1, nodes by nodes."""
    found = np.zeros((n_nodes, n_nodes))
    for head, tail, _ in edges:
        found[head, tail] = 1.0
    return found


def _attended(params, rows, edges, masks, options):
    out = rows
    for mask in masks:
        following = []
        for node, row in enumerate(rows):
            own = [(tail, relation) for head, tail, relation in edges if head == node]
            logits = [_logit(params, row, rows[t], params["relations"][r]) for t, r in own]
            shares = [np.exp(logit) for logit in logits]
            told = sum(
                share / sum(shares) * rows[t] for share, (t, _) in zip(shares, own, strict=True)
            )
            dropped = (row + told) * mask[node] / (1 - options["dropout"])
            following.append(dropped / np.sqrt(dropped @ dropped))
        rows = np.array(following)
        out = options["residual"] * out + rows
    return out


def _logit(params, head, tail, relation):
    weight = np.concatenate([params["head_weight"], params["tail_weight"]])
    inner = (np.concatenate([head, tail]) @ weight) @ relation
    return inner if np.real(inner) > 0 else 0.2 * inner


def _collaborative(users, items, adjacency, layers):
    n_users = len(users)
    graph = np.eye(n_users + len(items))
    graph[:n_users, n_users:] = adjacency
    graph[n_users:, :n_users] = adjacency.T
    scale = graph.sum(axis=1) ** -0.5
    graph = scale[:, None] * graph * scale
    layer = total = np.concatenate([users, items])
    for _ in range(layers):
        layer = graph @ layer
        total = total + layer
    return np.split(total, [n_users])


def _of_denoiser(params, tables, adjacency, edges, rows, options):
    chosen = rows["nodes"]
    x_start = rows_of_edges(edges, len(tables))[chosen]
    found, elbo = row_denoiser.denoised(
        params["denoiser"], x_start, rows, of_unit_rows=True, **options
    )
    of_items = found[:, : adjacency.shape[1]] @ adjacency.T @ params["users"].real
    return {"elbo": elbo, "collaborative": ((of_items - tables[chosen]) ** 2).mean()}


def _cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))
