"""DiffMM's loss from its equations: dense, float64, holomorphic as in `tests.reference.models`."""

from itertools import combinations

import numpy as np

from tests.reference import row_denoiser


def diffmm(params, adjacency, features, chosen, entries, rows, batch, **options):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users", "items", "modality_weights", and of each modality m "map_m", "denoiser_m".
      adjacency: 0/1, users by items.
      features: by modality, in the order of the weights.
      chosen: by modality, each user's item in the generated graph.
      entries: by modality, 0/1, users and then items by the same: which entries stay.
      rows: what is denoised: "users", and by modality "timesteps", "noise", "kept".
      batch: (user, item, negative) of each example.
      options: by their names.
    """
    tables = np.concatenate([params["users"], params["items"]])
    n_users = len(params["users"])
    graph = with_loops(adjacency)
    shares = np.exp(params["modality_weights"])
    content, mixed, views = {}, 0.0, []
    for share, (name, rows_of) in zip(shares / shares.sum(), features.items(), strict=True):
        content[name] = _content(params[f"map_{name}"], rows_of)
        own = np.zeros(adjacency.shape)
        own[np.arange(n_users), chosen[name]] = 1.0
        made = with_loops(own) * entries[name] / (1 - options["edge_drop"])
        start = np.concatenate([params["users"], _unit(content[name])])
        first = graph @ start
        second = graph @ np.concatenate([first[:n_users], params["items"]])
        mixed = mixed + share * (first + second + options["generated_weight"] * made @ tables)
        views.append(np.split(_layers(graph, made @ start, options["layers"]), [n_users]))
    final = _layers(graph, mixed, options["layers"]) + options["residual"] * _unit(mixed)
    main = np.split(final, [n_users])
    terms = {"bpr": 0.0, "info_nce_users": 0.0, "info_nce_items": 0.0}
    pairs = [(main, view) for view in views]
    if options["contrast_with"] == "modalities":
        pairs = list(combinations(views, 2))
    for u, p, n in batch:
        difference = main[0][u] @ main[1][p] - main[0][u] @ main[1][n]
        terms["bpr"] += np.log(1 + np.exp(-difference)) / len(batch)
        for one, other in pairs:
            for name, side, node in (("info_nce_users", 0, u), ("info_nce_items", 1, p)):
                logits = _unit(other[side]) @ _unit(one[side])[node] / options["temperature"]
                terms[name] += (np.log(np.exp(logits).sum()) - logits[node]) / len(batch)
    terms["squared_norm"] = (tables**2).sum()
    loss = terms["bpr"] + options["norm_weight"] * terms["squared_norm"]
    contrast = terms["info_nce_users"] + terms["info_nce_items"]
    loss = loss + options["contrast_weight"] * contrast
    x_start = adjacency[rows["users"]]
    for name, own in content.items():
        of_denoiser = (params[f"denoiser_{name}"], x_start, rows[name])
        found, elbo = row_denoiser.denoised(*of_denoiser, of_unit_rows=False, **options)
        told = found @ own.real - x_start @ params["items"].real
        terms |= {f"elbo_{name}": elbo, f"guidance_{name}": (told**2).mean()}
        loss = loss + elbo + options["guidance_weight"] * terms[f"guidance_{name}"]
    return terms | {"loss": loss}


def _content(linear, rows):
    mapped = rows @ linear["kernel"]
    if "bias" in linear:
        return mapped + linear["bias"]
    return np.where(mapped.real > 0, mapped, 0.2 * mapped)


def with_loops(adjacency):
    n_users, n_items = adjacency.shape
    graph = np.eye(n_users + n_items)
    graph[:n_users, n_users:] = adjacency
    graph[n_users:, :n_users] = adjacency.T
    scale = graph.sum(axis=1) ** -0.5
    return scale[:, None] * graph * scale


def _layers(graph, layer, layers):
    total = layer
    for _ in range(layers):
        layer = graph @ layer
        total = total + layer
    return total


def _unit(rows):
    return rows / np.sqrt((rows**2).sum(axis=1, keepdims=True))
