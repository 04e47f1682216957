"""`Reasons`: an explanation that shows itself."""

from __future__ import annotations

import dataclasses
import html
from typing import Any

from kdiffe_jax.api.frames import beside_ids, frame_of
from kdiffe_jax.api.ids import IdColumn
from kdiffe_jax.recommend.explain import Explanation, in_words


@dataclasses.dataclass(frozen=True, repr=False)
class Reasons:
    """Why a user is given an item.

    Attributes:
      explanation: with text ids.
      items: the column of item ids that came in.
      frame: the kind of frames that are given.
    """

    explanation: Explanation
    items: IdColumn
    frame: str

    @property
    def score(self) -> float:
        """What `own` and the contributions of `past` add up to."""
        return self.explanation.score

    @property
    def own(self) -> float:
        """What the user's own row adds to those of the past items; 0 where there is none."""
        return self.explanation.own

    @property
    def past(self) -> Any:
        """A frame of the user's past items: item, name, contribution, similarity, weight."""
        past = self.explanation.past
        ids = {self.items.name: self.items.restored(one.item for one in past)}
        own = {
            "name": [one.name for one in past],
            "contribution": [one.contribution for one in past],
            "similarity": [one.similarity for one in past],
            "weight": [one.weight for one in past],
        }
        return frame_of(beside_ids(ids, own), self.frame)

    @property
    def entities(self) -> Any:
        """A frame of what the item is made of: relation, entity, attention, status, probability."""
        entities = self.explanation.entities
        names = ("relation", "entity", "attention", "status", "probability")
        columns = {name: [getattr(one, name) for one in entities] for name in names}
        return frame_of(columns, self.frame)

    def __repr__(self) -> str:
        return in_words(self.explanation)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"
