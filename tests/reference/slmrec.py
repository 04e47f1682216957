"""SLMRec's loss from its equations, as the models of `tests/reference/models.py`."""

import numpy as np

from tests.reference.models import mean_of_layers


def slmrec(
    params,
    graph,
    features,
    batch,
    *,
    layers,
    temperature,
    contrast_weight,
    contrast_temperature,
    weight_decay,
):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users", "items", and linear maps: of each modality m "map_m", "onto_m" and "of_m";
        "read_users" and "read_items"; of two modalities "between".
      graph: L, dense, items after users.
      features: rows of each modality, in the order of the chain.
      batch: (user, item, negative) of each example; negatives are not looked at.
    """
    ids, *contents = final_streams(params, graph, features, layers)
    users, items = read(params, [ids, *contents])
    chosen_users = [unit(users[u]) for u, _, _ in batch]
    chosen_items = [unit(items[p]) for _, p, _ in batch]
    terms = {"batch_softmax": softmax(chosen_users, chosen_items, temperature)}
    loss = terms["batch_softmax"]
    reached = [ids[1][p] for _, p, _ in batch]
    for number, (name, (_, rows)) in enumerate(zip(features, contents, strict=True)):
        if number and "between" in params:
            reached = [linear(row, params["between"]) for row in reached]
        reached = [linear(row, params[f"onto_{name}"]) for row in reached]
        own = [linear(rows[p], params[f"of_{name}"]) for _, p, _ in batch]
        terms[f"chain_{name}"] = softmax(reached, own, contrast_temperature)
        loss += contrast_weight * terms[f"chain_{name}"]
    terms["parameters_norm"] = half_squares(params)
    return terms | {"loss": loss + weight_decay * terms["parameters_norm"]}


def layer_zero(params, features):
    """The items of each stream: the table, then what is made of each modality's features."""
    made = [linear(rows, params[f"map_{name}"]) for name, rows in features.items()]
    return [params["items"], *made]


def final_streams(params, graph, features, layers):
    """Users and items of each stream, the mean of layers."""
    tables = layer_zero(params, features)
    return [mean_of_layers(graph, params["users"], items, layers) for items in tables]


def read(params, streams):
    """Users and items as both linear maps make them of all streams."""
    sides = (np.concatenate(rows, axis=1) for rows in zip(*streams, strict=True))
    users, items = sides
    return linear(users, params["read_users"]), linear(items, params["read_items"])


def softmax(anchors, candidates, temperature):
    """The mean of -log softmax of inner products, each anchor's own candidate in its place."""
    total = 0.0
    for place, anchor in enumerate(anchors):
        logits = [anchor @ candidate / temperature for candidate in candidates]
        total += np.log(sum(np.exp(logit) for logit in logits)) - logits[place]
    return total / len(anchors)


def half_squares(params):
    """Half the sum of squares of every parameter."""
    tables = (t for p in params.values() for t in (p.values() if isinstance(p, dict) else [p]))
    return 0.5 * sum(np.sum(table * table) for table in tables)


def linear(rows, by):
    """Rows through a linear map."""
    return rows @ by["kernel"] + by["bias"]


def unit(row):
    """A row of length 1."""
    return row / np.sqrt(row @ row)
