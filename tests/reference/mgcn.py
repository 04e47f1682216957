"""MGCN from its equations: dense, float64, one loop a row; see `tests.reference.models`."""

import numpy as np

from tests.reference.models import mean_of_layers


def mgcn(
    params,
    graph,
    links,
    batch,
    *,
    layers,
    item_layers,
    contrast_weight,
    temperature,
    weight_decay,
):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users", "items", "query", "attention", and of each modality m "features_m", "map_m",
        "gate_m" and "prefer_m".
      graph: L, dense, items after users.
      links: [J, J] by modality: cosines of the nearest items, 1 on the diagonal.
      batch: (user, item, negative) of each example.
    """
    z, sides = rows(params, graph, links, layers=layers, item_layers=item_layers)
    out, first_item = z + sides, len(params["users"])
    terms = dict.fromkeys(("bpr", "rows_norm", "info_nce_users", "info_nce_items"), 0.0)
    for place, (u, p, n) in enumerate(batch):
        user, positive, negative = out[u], out[first_item + p], out[first_item + n]
        terms["bpr"] += np.log(1 + np.exp(user @ negative - user @ positive)) / len(batch)
        squares = sum(row @ row for row in (user, positive, negative))
        terms["rows_norm"] += 0.5 * squares / len(batch)
        for name, column, first in (("users", 0, 0), ("items", 1, first_item)):
            nodes = first + batch[:, column]
            logits = [_cosine(sides[nodes[place]], z[node]) / temperature for node in nodes]
            own = np.log(sum(np.exp(logit) for logit in logits)) - logits[place]
            terms[f"info_nce_{name}"] += own / len(batch)
    contrast = terms["info_nce_users"] + terms["info_nce_items"]
    loss = terms["bpr"] + weight_decay * terms["rows_norm"] + contrast_weight * contrast
    return terms | {"loss": loss}


def rows(params, graph, links, *, layers, item_layers):
    """Z and what content adds to it, users before items."""
    n_users = len(params["users"])
    z = np.concatenate(mean_of_layers(graph, params["users"], params["items"], layers))
    content = {}
    for name, near in links.items():
        root = near.sum(axis=1) ** 0.5
        normalised = np.linalg.matrix_power(near / root[:, None] / root[None], item_layers)
        gate = _sigmoid(
            _linear(
                _linear(params[f"features_{name}"], params[f"map_{name}"]), params[f"gate_{name}"]
            )
        )
        items = normalised @ (params["items"] * gate)
        content[name] = np.concatenate([graph[:n_users, n_users:] @ items, items])
    sides = []
    for node, row in enumerate(z):
        weights = {
            name: np.exp(np.tanh(_linear(e[node], params["query"])) @ params["attention"][:, 0])
            for name, e in content.items()
        }
        common = sum(weights[m] * e[node] for m, e in content.items()) / sum(weights.values())
        side = common
        for name, e in content.items():
            side = side + _sigmoid(_linear(row, params[f"prefer_{name}"])) * (e[node] - common)
        sides.append(side / (1 + len(content)))
    return z, np.array(sides)


def _linear(x, linear):
    return x @ linear["kernel"] + linear["bias"]


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _cosine(a, b):
    return a @ b / (np.sqrt(a @ a) * np.sqrt(b @ b))
