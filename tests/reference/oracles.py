"""Slow, obvious float64 versions of what the package computes fast."""

import math

import numpy as np


def leaky(x):
    return x if x > 0 else 0.2 * x


def knowledge_layer(items, entities, triples, relations, entity_weight, item_weight):
    """Eq. 1 and 2 as printed: one loop an item, r^T W [z_e || z_j] a triple."""
    weight = np.concatenate([entity_weight, item_weight], axis=1)
    out = np.empty_like(items)
    for j in range(len(items)):
        mine = [(r, e) for i, r, e in triples if i == j]
        logits = np.array(
            [
                leaky(relations[r] @ weight @ np.concatenate([entities[e], items[j]]))
                for r, e in mine
            ]
        )
        total = items[j].copy()
        if mine:
            attention = np.exp(logits - logits.max())
            attention /= attention.sum()
            for a, (_, e) in zip(attention, mine, strict=True):
                total += a * entities[e]
        out[j] = total / max(np.linalg.norm(total), 1e-6)
    return out


def laplacian(pairs, similarity, n_users, n_items, xi, degree_from="adjacency"):
    """Eq. 4, dense."""
    n = n_users + n_items
    a, s = np.zeros((n, n)), np.zeros((n, n))
    for (u, i), value in zip(pairs, similarity, strict=True):
        a[u, n_users + i] = a[n_users + i, u] = 1
        s[u, n_users + i] = s[n_users + i, u] = value
    weighted = a + xi * s
    degree = (a if degree_from == "adjacency" else weighted).sum(axis=1)
    scale = np.array([1 / math.sqrt(d) if d else 0.0 for d in degree])
    return scale[:, None] * weighted * scale[None]


def jaccard(first: set, second: set) -> float:
    union = first | second
    return len(first & second) / len(union) if union else 0.0


def info_nce(anchors, candidates, positive_index, temperature, present=None):
    """Eq. 13, one loop an anchor."""

    def cosine(a, b):
        return a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12)

    losses = []
    for anchor, own in zip(anchors, positive_index, strict=True):
        logits = [cosine(anchor, c) / temperature for c in candidates]
        kept = [x for k, x in enumerate(logits) if present is None or present[k]]
        top = max(kept)
        losses.append(top + math.log(sum(math.exp(x - top) for x in kept)) - logits[own])
    return np.array(losses)
