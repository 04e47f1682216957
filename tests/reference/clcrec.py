"""CLCRec from its equations: dense, float64, one loop a place; see `tests.reference.models`."""

import numpy as np


def clcrec(params, features, swapped, batch, *, temperature, own_share, norm_weight):
    """Every term and their weighted sum, "loss".

    Args:
      params: "users", "items", "hidden", "output", and of each modality "map_m".
      features: f64[J, F] by modality, of any length.
      swapped: bool[B, 1 + K], places that take content.
      batch: (user, item, negatives ...) of each example.
    """
    made, ids = content(params, features), params["items"]
    terms = dict.fromkeys(("own_feature", "user_item", "rows_length"), 0.0)
    for (user, *candidates), places in zip(batch, swapped, strict=True):
        anchor = _unit(ids[candidates[0]])
        own = [anchor @ _unit(made[c]) / temperature for c in candidates]
        rows = [made[c] if swap else ids[c] for c, swap in zip(candidates, places, strict=True)]
        shown = [params["users"][user] @ row / temperature for row in rows]
        lengths = np.mean([_length(ids[c]) for c in candidates])
        terms["own_feature"] += _softmax_loss(own) / len(batch)
        terms["user_item"] += _softmax_loss(shown) / len(batch)
        terms["rows_length"] += 0.5 * (_length(params["users"][user]) + lengths) / len(batch)
    loss = own_share * terms["own_feature"] + (1 - own_share) * terms["user_item"]
    return terms | {"loss": loss + norm_weight * terms["rows_length"]}


def content(params, features):
    """G: f64[J, d]."""
    beside = np.concatenate([_unit_rows(rows) for rows in features.values()], axis=1)
    kernel = np.concatenate([params[f"map_{name}"] for name in features])
    hidden = beside @ kernel + params["hidden"]
    leaky = np.where(hidden.real > 0, hidden, 0.01 * hidden)
    return leaky @ params["output"]["kernel"] + params["output"]["bias"]


def _softmax_loss(logits):
    return np.log(sum(np.exp(logit) for logit in logits)) - logits[0]


def _unit_rows(rows):
    return np.array([_unit(row) for row in rows])


def _unit(row):
    return row / _length(row)


def _length(row):
    return np.sqrt(row @ row)
