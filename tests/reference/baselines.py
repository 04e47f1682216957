"""EASE and RP3beta as printed in their papers: dense, float64, one loop an item."""

import numpy as np


def ease(interactions, regularisation):
    """B = I - P diag(P)^-1 with P = (R^T R + lambda I)^-1."""
    size = interactions.shape[1]
    inverse = np.linalg.inv(interactions.T @ interactions + regularisation * np.eye(size))
    return np.eye(size) - inverse @ np.diag(1 / np.diag(inverse))


def _power(probability, alpha):
    return probability**alpha if probability else 0.0


def rp3beta(interactions, alpha, beta, prune, neighbours):
    """Transition probabilities to the power of alpha, over d_j^beta, the strongest kept."""
    n_users, n_items = interactions.shape
    of_users, of_items = interactions.sum(axis=1), interactions.sum(axis=0)
    weights = np.zeros((n_items, n_items))
    for i in range(n_items):
        for j in range(n_items):
            if i == j or not of_items[j]:
                continue
            walks = sum(
                _power(interactions[v, i] / of_items[i], alpha)
                * _power(interactions[v, j] / of_users[v], alpha)
                for v in range(n_users)
                if interactions[v, i] and interactions[v, j]
            )
            weights[i, j] = walks / of_items[j] ** beta
    lines = weights if prune == "source" else weights.T.copy()
    for line in lines:
        line[np.argsort(-line, kind="stable")[neighbours:]] = 0
    return lines if prune == "source" else lines.T
