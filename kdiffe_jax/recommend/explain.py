"""Why a user is given an item: contributions that add up to the score, and the entities.

Where a model propagates, the score is z_u . z_v, and z_u is a sum over the user's past items and
the user's own row; a past item's share is L_uj h_j . z_v. Where weights between items score, it is
W_ij scale_j; where both do, a past item's share is the sum. All are exact: the shares add up to
the score but for rounding.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.recommend.denoiser import expected_words, is_trusted, probabilities_of
from kdiffe_jax.recommend.histories import rows_of
from kdiffe_jax.recommend.scorers import Scorer
from kdiffe_jax.recommend.shares import Shares
from kdiffe_jax.storage.saved_model import SavedModel

KEPT, LEFT_OUT, ADDED, UNSEEN, HAS = "kept", "left out", "added", "not seen", "has"


class PastItem(NamedTuple):
    """An item of the user's past and what it adds to the score."""

    item: str
    name: str
    contribution: float
    similarity: float | None  #: S of eq. 5, where the model has it
    weight: float  #: the entry of the Laplacian, eq. 4, or W_ij scale_j


class ItemEntity(NamedTuple):
    """An entity of the recommended item."""

    relation: str
    entity: str
    attention: float | None  #: eq. 2, where the model has it and the item had the entity before
    status: str  #: kept, left out, added or not seen by a trusted denoiser; has, without one
    probability: float | None  #: of a trusted denoiser: the share of items with such users


class Explanation(NamedTuple):
    """`score` = `own` + the sum of `past`'s contributions, but for rounding."""

    user: str
    item: str
    name: str
    score: float
    own: float  #: of the user's own row, which stands for no item; 0 where there is none
    past: tuple[PastItem, ...]  #: the largest contribution first
    entities: tuple[ItemEntity, ...]  #: by relation, the largest attention first

    def shares(self, most: int) -> list[tuple[float, PastItem | str]]:
        """What adds up to the score: past items, the others as one, the user's own row."""
        shares: list[tuple[float, PastItem | str]] = [
            (past.contribution, past) for past in self.past[:most]
        ]
        if others := self.past[most:]:
            rest = sum(past.contribution for past in others)
            shares.append((rest, f"{len(others):,} other items chosen before"))
        if self.own:
            shares.append((self.own, "the user's own embedding"))
        return shares

    def to_json(self) -> dict[str, Any]:
        """Dictionaries, lists, text and numbers only."""
        return self._asdict() | {
            "past": [past._asdict() for past in self.past],
            "entities": [entity._asdict() for entity in self.entities],
        }


def explain(model: SavedModel, scorer: Scorer, user: int, item: int) -> Explanation:
    """The explanation for one user and one item by their rows.

    Args:
      scorer: of the model.

    Raises:
      ConfigError: the model has no reasons to give.
    """
    shares = scorer.shares(user, item)
    return Explanation(
        user=model.user_ids[user],
        item=model.item_ids[item],
        name=model.item_names[item] if model.item_names else "",
        score=shares.score,
        own=shares.own,
        past=_past(model, shares),
        entities=entities_of(model, item),
    )


def _past(model: SavedModel, shares: Shares) -> tuple[PastItem, ...]:
    names, similarity = model.item_names, shares.similarity
    items = shares.items.tolist()
    return tuple(
        PastItem(
            item=model.item_ids[items[i]],
            name=names[items[i]] if names else "",
            contribution=float(shares.contributions[i]),
            similarity=None if similarity is None else float(similarity[i]),
            weight=float(shares.weights[i]),
        )
        for i in np.lexsort((shares.items, -shares.contributions)).tolist()
    )


def entities_of(model: SavedModel, item: int) -> tuple[ItemEntity, ...]:
    """What an item is made of, and what a denoiser did with it where one is better than chance.

    Args:
      model: its triples, and of its artifacts `attention`, `kept`, `denoised`, `kept_denoised`.
    """
    attention, trusted = _attention_of(model, item), is_trusted(model)
    status = _status_of(model, item, set(attention)) if trusted else dict.fromkeys(attention, HAS)
    probabilities = probabilities_of(model, item) if trusted else {}
    order = sorted(status, key=lambda pair: (pair[0], -(attention.get(pair) or 0.0), pair[1]))
    return tuple(
        ItemEntity(
            relation=model.relation_names[relation],
            entity=model.entity_names[entity],
            attention=attention.get((relation, entity)),
            status=status[relation, entity],
            probability=probabilities.get((relation, entity)),
        )
        for relation, entity in order
    )


def _attention_of(model: SavedModel, item: int) -> dict[tuple[int, int], float | None]:
    """The item's (relation, entity) pairs with their attention, None where there is none."""
    mine = rows_of(model.triples, item)
    pairs = map(tuple, model.triples[mine, 1:].tolist())
    if "attention" not in model.artifacts:
        return dict.fromkeys(pairs)
    return dict(zip(pairs, model.artifacts["attention"][mine].tolist(), strict=True))


def _status_of(model: SavedModel, item: int, own: set) -> dict[tuple[int, int], str]:
    rebuilt = model.artifacts["kept"]
    kept = set(map(tuple, rebuilt[rows_of(rebuilt, item), 1:].tolist()))
    status = dict.fromkeys(own, LEFT_OUT if kept else UNSEEN)
    return status | {pair: KEPT if pair in own else ADDED for pair in kept}


def in_words(explanation: Explanation, *, most: int = 5) -> str:
    """The explanation as a few lines.

    Args:
      explanation: of `explain`.
      most: past items by name, the others are one sum; and entities of each relation by name, at
        least one, of the others there is the number.
    """
    e = explanation
    parts = e.shares(most)
    head = f"user {e.user}, item {_titled(e.item, e.name)}: score {e.score:.4f}"
    lines = [f"{head}, of which" if parts else f"{head}; the user chose nothing in training"]
    lines += [f"  {share:+8.4f}  from {_share_words(what)}" for share, what in parts]
    if not e.entities:
        return "\n".join([*lines, f"item {e.item} has no entities"])
    lines.append(f"item {e.item} has the entities")
    for relation, entities in groupby(e.entities, lambda entity: entity.relation):
        mine = list(entities)
        named = mine[: max(1, most)]
        lines += [f"  {_entity_words(entity)}" for entity in named]
        if rest := len(mine) - len(named):
            lines.append(f"  {relation}: and {rest:,} more")
    return "\n".join(lines)


def _share_words(past: PastItem | str) -> str:
    if isinstance(past, str):
        return past
    alike = "" if past.similarity is None else f" (S {past.similarity:.3f})"
    return f"item {_titled(past.item, past.name)}, chosen before{alike}"


def _titled(item: str, name: str) -> str:
    return f"{item} ({name})" if name else item


def _entity_words(entity: ItemEntity) -> str:
    denoiser = {
        KEPT: "kept by the denoiser",
        LEFT_OUT: "left out by the denoiser",
        ADDED: "added by the denoiser",
        UNSEEN: "new, not seen by the denoiser",
    }
    said = [] if entity.attention is None else [f"attention {entity.attention:.3f}"]
    said += [denoiser[entity.status]] if entity.status in denoiser else []
    said += [] if entity.probability is None else [expected_words(entity.probability)]
    name = f"{entity.relation}: {entity.entity}"
    return f"{name} ({', '.join(said)})" if said else name
