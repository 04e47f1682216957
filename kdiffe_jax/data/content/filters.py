"""Filters: links that cannot help go; each a pure function from relation to relation."""

from __future__ import annotations

import dataclasses

import numpy as np

from kdiffe_jax.data.relation import Relation
from kdiffe_jax.data.rows import position_in_group
from kdiffe_jax.data.settings import FilterSettings


def unique_links(relation: Relation) -> Relation:
    """Each link once, with its largest weight; what is left keeps its order.

    >>> twice = Relation("near", np.array([0, 1, 0]), np.array([2, 0, 2]), space="items")
    >>> unique_links(twice).items.tolist()
    [0, 1]
    """
    pairs = (relation.entities, relation.items)
    order = np.lexsort(pairs if relation.weights is None else (-relation.weights, *pairs))
    items, entities = relation.items[order], relation.entities[order]
    first = np.ones(len(order), bool)
    first[1:] = (items[1:] != items[:-1]) | (entities[1:] != entities[:-1])
    return relation.take(np.sort(order[first]))


def strongest_links(relation: Relation, n_links: int) -> Relation:
    """At most `n_links` links of every item; what is left keeps its order.

    The largest weight comes first. Equal weights, and all links of a relation without
    weights, are ordered by how few links the entity has, then by its index.
    """
    frequency = np.bincount(relation.entities)[relation.entities]
    keys = (relation.entities, frequency)
    if relation.weights is not None:
        keys = (*keys, -relation.weights)
    order = np.lexsort((*keys, relation.items))
    kept = order[position_in_group(relation.items[order]) < n_links]
    return relation.take(np.sort(kept))


def filter_entities(relation: Relation, settings: FilterSettings, n_items: int) -> Relation:
    """Drops repeated links, entities too rare or too common, and links beyond an item's cap.

    Entities that are items are exempt from both bounds. The largest share is one of all
    items: an entity that all items of a thin relation have still tells these from the
    others. Entities that the cap makes too rare go as well.

    Args:
      relation: any; without weights, an item's rarer entities count as the stronger ones.
      n_items: J.

    Returns:
      The relation with fewer links; what went is added to its note.
    """
    fewest, most = settings.min_entity_items, settings.entities_per_item
    share = settings.max_entity_share
    kept = unique_links(relation)
    dropped = {"repeated links": len(relation.items) - len(kept.items)}
    if not relation.links_items:
        kept, common = _without(kept, np.bincount(kept.entities) / n_items > share)
        kept, rare = _without(kept, np.bincount(kept.entities) < fewest)
        dropped[f"entities of more than {100 * share:g}% of the items"] = common
    if most:
        before = len(kept.items)
        kept = strongest_links(kept, most)
        dropped[f"links beyond {most} of an item"] = before - len(kept.items)
    if not relation.links_items:
        kept, rarer = _without(kept, np.bincount(kept.entities) < fewest)
        dropped[f"entities of fewer than {fewest} items"] = rare + rarer
    return _with_note(kept, dropped)


def _without(relation: Relation, gone: np.ndarray) -> tuple[Relation, int]:
    hit = gone[relation.entities]
    return relation.take(~hit), len(np.unique(relation.entities[hit]))


def _with_note(relation: Relation, dropped: dict[str, int]) -> Relation:
    counts = [f"{what} ({number})" for what, number in dropped.items() if number]
    if not counts:
        return relation
    start = f"{relation.note}; " if relation.note else f"{relation.name}: "
    return dataclasses.replace(relation, note=f"{start}dropped {', '.join(counts)}")
