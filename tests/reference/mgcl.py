"""MGCL from its equations: dense, float64, one loop an example; see `tests.reference.models`."""

import numpy as np


def propagation(edges, popularity):
    """D^-1/2 (A + I) D^-(1/2 - popularity) of a symmetric 0/1 matrix, D the degrees of A + I."""
    looped = edges + np.eye(len(edges))
    degrees = looped.sum(axis=1)
    return degrees[:, None] ** -0.5 * looped * degrees[None] ** (popularity - 0.5)


def joint_edges(pairs, n_users, n_items):
    """A of users, then items."""
    edges = np.zeros((n_users + n_items,) * 2)
    users, items = pairs.T
    edges[users, n_users + items] = edges[n_users + items, users] = 1
    return edges


def tables(params, features):
    """Layer 0 by stream, as users and items."""
    found = {"id": (params["users"], params["items"])}
    for name, rows in features.items():
        found[name] = (params[f"users_{name}"], rows @ params[f"map_{name}"])
    return found


def streams(params, graph, features, layers):
    """Final rows by stream, as users and items."""
    found = {}
    for name, (users, items) in tables(params, features).items():
        power = np.linalg.matrix_power(graph, layers if name == "id" else 1)
        found[name] = np.split(power @ np.concatenate([users, items]), [len(users)])
    return found


def bpr(users, items, batch):
    """The mean over a batch."""
    differences = [users[u] @ (items[n] - items[p]) for u, p, n in batch]
    return sum(np.log(1 + np.exp(difference)) for difference in differences) / len(batch)


def norm(rows, batch, content_decay):
    """Half the squared rows of the triplets, all but those of "id" times `content_decay`."""
    total = 0
    for name, (users, items) in rows.items():
        of_stream = sum(r @ r for u, p, n in batch for r in (users[u], items[p], items[n]))
        total += (1.0 if name == "id" else content_decay) * 0.5 * of_stream / len(batch)
    return total


def ranking(params, pairs, features, batch, *, layers, popularity, weight_decay, content_decay):
    """Every term of the first objective and their weighted sum, "loss".

    Args:
      params: "users", "items", and of each modality m "users_m" and "map_m".
      pairs: (user, item) of each interaction.
      features: by modality.
      batch: (user, item, negative) of each example.
    """
    sizes = len(params["users"]), len(params["items"])
    graph = propagation(joint_edges(pairs, *sizes), popularity)
    found = streams(params, graph, features, layers)
    terms = {f"bpr_{name}": bpr(*rows, batch) for name, rows in found.items()}
    terms["rows_norm"] = norm(tables(params, features), batch, content_decay)
    loss = sum(term for name, term in terms.items() if name != "rows_norm")
    return terms | {"loss": loss + weight_decay * terms["rows_norm"]}


def contrast(params, features, batch, *, temperature, contrast_weight, slipped=False):
    """Every term of the second objective and their weighted sum, "loss".

    Args:
      params, features, batch: as for `ranking`.
      slipped: whether an item's last stream has itself in place of "id" in a denominator.
    """
    rows, terms = tables(params, features), {}
    for anchor in rows:
        total = 0
        for other in rows:
            if other == anchor:
                continue
            for side in (0, 1):
                own, others = (rows[name][side][batch[:, side]] for name in (anchor, other))
                last = anchor == list(rows)[-1] and other == "id"
                among = own if slipped and side == 1 and last else others
                for one, same in zip(own, others, strict=True):
                    logits = [_cosine(one, candidate) / temperature for candidate in among]
                    total += np.log(sum(map(np.exp, logits))) - _cosine(one, same) / temperature
        terms[f"contrast_{anchor}"] = total / len(batch)
    return terms | {"loss": contrast_weight * sum(terms.values())}


def _cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))
