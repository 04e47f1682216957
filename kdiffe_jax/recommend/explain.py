"""Why a user is given an item: contributions that add up to the score, and the entities.

The score is z_u . z_v, and z_u is a sum over the user's past items and the user's own
layer 0 (`messages.py`). So each past item's share, L_uj h_j . z_v, is exact; all shares
and the user's own add up to the score but for rounding.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.recommend.ids import Ids
from kdiffe_jax.recommend.messages import messages, own_factor, past_rows
from kdiffe_jax.saved_model import SavedModel

KEPT, LEFT_OUT, ADDED, UNSEEN = "kept", "left out", "added", "not seen"


class PastItem(NamedTuple):
    """An item of the user's past and what it adds to the score."""

    item: str
    name: str
    contribution: float
    similarity: float  #: S of eq. 5
    weight: float  #: the entry of the Laplacian, eq. 4


class ItemEntity(NamedTuple):
    """An entity of the recommended item; `attention` is None for one that was added."""

    relation: str
    entity: str
    attention: float | None
    status: str  #: kept, left out or added by the denoiser, or not seen where the item is new


class Explanation(NamedTuple):
    """`score` = `own` + the sum of `past`'s contributions, but for rounding."""

    user: str
    item: str
    name: str
    score: float
    own: float  #: of the user's own embedding, which stands for no item
    past: tuple[PastItem, ...]  #: the largest contribution first
    entities: tuple[ItemEntity, ...]  #: by relation, the largest attention first

    def to_json(self) -> dict[str, Any]:
        """Dictionaries, lists, text and numbers only."""
        return self._asdict() | {
            "past": [past._asdict() for past in self.past],
            "entities": [entity._asdict() for entity in self.entities],
        }


def explain(model: SavedModel, user, item) -> Explanation:
    """The explanation for one user and one item by their ids.

    Raises:
      DataError: an id that is not known.
    """
    (row,) = Ids("user", model.user_ids).numbers([user])
    (column,) = Ids("item", model.item_ids).numbers([item])
    target = model.items[column].astype(np.float64)
    loop = model.user_loops[row]
    own = own_factor(model, loop) * (model.own_users[row] @ target)
    return Explanation(
        user=str(user),
        item=str(item),
        name=model.item_names[column] if model.item_names else "",
        score=float(model.users[row].astype(np.float64) @ target),
        own=float(own),
        past=_past(model, int(row), target),
        entities=entities_of(model, int(column)),
    )


def _past(model: SavedModel, user: int, target: np.ndarray) -> tuple[PastItem, ...]:
    rows = past_rows(model, user)
    items, weights = model.train[rows, 1], model.laplacian[rows]
    loops = np.full(len(items), model.user_loops[user])
    contributions = weights * (messages(model, items, loops) @ target)
    names = model.item_names
    return tuple(
        PastItem(
            item=model.item_ids[items[i]],
            name=names[items[i]] if names else "",
            contribution=float(contributions[i]),
            similarity=float(model.similarity[rows][i]),
            weight=float(weights[i]),
        )
        for i in np.lexsort((items, -contributions)).tolist()
    )


def entities_of(model: SavedModel, item: int) -> tuple[ItemEntity, ...]:
    """What an item is made of and what the denoiser did with it.

    Args:
      model: its triples, their attention, and the triples that the denoiser keeps.
      item: its row.
    """
    mine = slice(*np.searchsorted(model.triples[:, 0], [item, item + 1]))
    own = dict(
        zip(map(tuple, model.triples[mine, 1:].tolist()), model.attention[mine], strict=True)
    )
    seen = slice(*np.searchsorted(model.kept[:, 0], [item, item + 1]))
    kept = set(map(tuple, model.kept[seen, 1:].tolist()))
    status = dict.fromkeys(own, LEFT_OUT if kept else UNSEEN)
    status |= {pair: KEPT if pair in own else ADDED for pair in kept}
    order = sorted(status, key=lambda pair: (pair[0], -own.get(pair, 0.0), pair[1]))
    return tuple(
        ItemEntity(
            relation=model.relation_names[relation],
            entity=model.entity_names[entity],
            attention=float(own[relation, entity]) if (relation, entity) in own else None,
            status=status[relation, entity],
        )
        for relation, entity in order
    )


def in_words(explanation: Explanation, *, most: int = 5) -> str:
    """The explanation as a few lines; `most` past items by name, the others as one sum."""
    e = explanation
    lines = [f"user {e.user}, item {_titled(e.item, e.name)}: score {e.score:.4f}, of which"]
    lines += [
        f"  {past.contribution:+8.4f}  from item {_titled(past.item, past.name)}, "
        f"chosen before (S {past.similarity:.3f})"
        for past in e.past[:most]
    ]
    others = e.past[most:]
    if others:
        rest = sum(past.contribution for past in others)
        lines.append(f"  {rest:+8.4f}  from {len(others)} other items chosen before")
    lines.append(f"  {e.own:+8.4f}  from the user's own embedding")
    if not e.entities:
        return "\n".join([*lines, f"item {e.item} has no entities"])
    lines.append(f"item {e.item} has the entities")
    lines += [f"  {_entity(entity)}" for entity in e.entities]
    return "\n".join(lines)


def _titled(item: str, name: str) -> str:
    return f"{item} ({name})" if name else item


def _entity(entity: ItemEntity) -> str:
    words = {
        KEPT: "kept by the denoiser",
        LEFT_OUT: "left out by the denoiser",
        ADDED: "added by the denoiser",
        UNSEEN: "new, not seen by the denoiser",
    }[entity.status]
    attention = "" if entity.attention is None else f"attention {entity.attention:.3f}, "
    return f"{entity.relation}: {entity.entity} ({attention}{words})"
