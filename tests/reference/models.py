"""Whole models' losses from their equations: dense, float64, one loop an example.

Everything is holomorphic: a derivative is the imaginary part of the loss where a parameter has a
tiny imaginary step, exact to rounding. What the authors cut from the gradient is taken as `.real`.
"""

import jax
import numpy as np

_STEP = 1e-30


def gradients(loss, params):
    """The derivative of a loss by every entry of a pytree of float64 arrays."""
    leaves, tree = jax.tree.flatten(params)
    found = [np.zeros_like(leaf) for leaf in leaves]
    for number, leaf in enumerate(leaves):
        for place in np.ndindex(leaf.shape):
            moved = leaf.astype(complex)
            moved[place] += 1j * _STEP
            changed = [*leaves[:number], moved, *leaves[number + 1 :]]
            found[number][place] = loss(jax.tree.unflatten(tree, changed)).imag / _STEP
    return jax.tree.unflatten(tree, found)


def lightgcn(params, graph, batch, *, layers, weight_decay):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users" and "items".
      graph: L, dense, items after users.
      batch: (user, item, negative) of each example.
    """
    users, items = params["users"], params["items"]
    final_users, final_items = mean_of_layers(graph, users, items, layers)
    bpr = norm = 0.0
    for u, p, n in batch:
        difference = final_users[u] @ final_items[p] - final_users[u] @ final_items[n]
        bpr += np.log(1 + np.exp(-difference)) / len(batch)
        squares = users[u] @ users[u] + items[p] @ items[p] + items[n] @ items[n]
        norm += 0.5 * squares / len(batch)
    return {"bpr": bpr, "rows_norm": norm, "loss": bpr + weight_decay * norm}


def sgl(params, graph, views, batch, *, layers, weight_decay, contrast_weight, temperature):
    """LightGCN's terms and the contrast of all nodes in two views.

    Args:
      params, graph, batch: as for `lightgcn`.
      views: the two graphs without some edges, as `graph`.
    """
    terms = lightgcn(params, graph, batch, layers=layers, weight_decay=weight_decay)
    one, other = (mean_of_layers(view, params["users"], params["items"], layers) for view in views)
    of_users = of_items = 0.0
    for u, p, _ in batch:
        of_users += _info_nce(one[0][u], other[0], u, temperature) / len(batch)
        of_items += _info_nce(one[1][p], other[1], p, temperature) / len(batch)
    loss = terms["loss"] + contrast_weight * (of_users + of_items)
    return terms | {"info_nce_users": of_users, "info_nce_items": of_items, "loss": loss}


def bm3(params, graph, masks, batch, *, layers, dropout, contrast_weight, norm_weight):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users", "items", "predictor", and of each modality m "features_m" and "map_m".
      graph: as for `lightgcn`.
      masks: 0/1 arrays by "users", "items" and modality.
      batch: as for `lightgcn`; negatives are not looked at.
    """
    modalities = [name for name in masks if name not in ("users", "items")]
    users, items = mean_of_layers(graph, params["users"], params["items"], layers)
    items = items + params["items"]
    rows = {"users": users, "items": items}
    for name in modalities:
        rows[name] = _linear(params[f"features_{name}"], params[f"map_{name}"])
    own = {name: _linear(table, params["predictor"]) for name, table in rows.items()}
    target = {name: table.real * masks[name] / (1 - dropout) for name, table in rows.items()}

    def pulled(name, to, side, to_side):
        return sum(
            1 - _cosine(own[name][row[side]], target[to][row[to_side]]) for row in batch
        ) / len(batch)

    terms = {
        "users_to_items": pulled("users", "items", 0, 1),
        "items_to_users": pulled("items", "users", 1, 0),
    }
    loss = sum(terms.values())
    for name in modalities:
        for to, where in (("items", "item"), (name, "itself")):
            terms[f"{name}_to_{where}"] = pulled(name, to, 1, 1)
            loss += contrast_weight * terms[f"{name}_to_{where}"]
    terms["norm"] = (_length(users.ravel()) + _length(items.ravel())) / len(items)
    return terms | {"loss": loss + norm_weight * terms["norm"]}


def mean_of_layers(graph, users, items, layers):
    """The mean of X, L X, ..., L^layers X, as users and items."""
    layer = np.concatenate([users, items])
    total = layer
    for _ in range(layers):
        layer = graph @ layer
        total = total + layer
    return np.split(total / (layers + 1), [len(users)])


def _info_nce(anchor, candidates, own, temperature):
    logits = [_cosine(anchor, candidate) / temperature for candidate in candidates]
    return np.log(sum(np.exp(logit) for logit in logits)) - logits[own]


def _cosine(a, b):
    return a @ b / (_length(a) * _length(b))


def _length(row):
    return np.sqrt(row @ row)


def _linear(rows, linear):
    return rows @ linear["kernel"] + linear["bias"]
