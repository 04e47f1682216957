"""What the API answers, from the recommender; no HTTP here."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from kdiffe_jax.recommend.explain import Explanation, entities_of
from kdiffe_jax.recommend.histories import items_of
from kdiffe_jax.recommend.lists import MODEL, POPULAR
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.serve import schemas
from kdiffe_jax.serve.search import Search

_NEW = "new user"


class Answers:
    """The recommender's answers as the API gives them.

    All lists are ranked at one length and cut, and only one thread ranks at a time. So
    what is compiled does not depend on the k of a request (`warm_up.py`).

    Args:
      longest: length at which lists are ranked, at least that of any request.
      pictures: whether to give the addresses of pictures.

    All methods raise DataError for an id that is not known.
    """

    def __init__(self, recommender: Recommender, *, longest: int, pictures: bool = True):
        self.recommender = recommender
        self._longest = longest
        model = recommender.model
        self._names = model.item_names
        self._pictures = tuple(map(web_address, model.item_pictures)) if pictures else ()
        self._user_counts = np.bincount(model.train[:, 0], minlength=len(model.user_ids))
        self._item_counts = np.bincount(model.train[:, 1], minlength=len(model.item_ids))
        self._user_search = Search(model.user_ids)
        self._item_search = Search(model.item_ids, model.item_names)
        self._ranking = threading.Lock()

    def find_users(self, text: str, k: int) -> schemas.FoundUsers:
        """The first k users that fit."""
        rows, total = self._user_search.find(text, k)
        return schemas.FoundUsers(total=total, users=[schemas.User(**self._user(r)) for r in rows])

    def find_items(self, text: str, k: int) -> schemas.FoundItems:
        """The first k items that fit."""
        rows, total = self._item_search.find(text, k)
        return schemas.FoundItems(total=total, items=[schemas.Item(**self._item(r)) for r in rows])

    def user(self, user: str, k: int) -> schemas.UserInfo:
        """A user and the first k items of their history."""
        (row,) = self.recommender.users.numbers([user]).tolist()
        model = self.recommender.model
        splits = {"training": model.train, "held out": model.held_out}
        chosen = [
            schemas.HistoryItem(**self._item(item), split=split)
            for split, pairs in splits.items()
            for item in items_of(pairs, row).tolist()[:k]
        ]
        held_out = len(items_of(model.held_out, row))
        return schemas.UserInfo(**self._user(row), held_out=held_out, history=chosen[:k])

    def item(self, item: str) -> schemas.ItemInfo:
        """An item and its entities."""
        (row,) = self.recommender.items.numbers([item]).tolist()
        return schemas.ItemInfo(
            **self._item(row),
            interactions=int(self._item_counts[row]),
            entities=_entities(entities_of(self.recommender.model, row)),
        )

    def recommend(
        self, user: str, k: int, *, exclude_seen: str = "all", unknown: str = "raise"
    ) -> schemas.Recommendations:
        """A list for a user; options as in `Recommender.recommend`."""
        with self._ranking:
            lists = self.recommender.recommend(
                user, self._longest, exclude_seen=exclude_seen, unknown=unknown
            )
        if not len(lists):
            return schemas.Recommendations(user=user, source="none", items=[])
        source = POPULAR if lists.popular[0] else MODEL
        items = self._ranked_items(lists[user][:k])
        return schemas.Recommendations(user=user, source=source, items=items)

    def similar_items(self, item: str, k: int) -> schemas.SimilarItems:
        """The k items most like one."""
        with self._ranking:
            lists = self.recommender.similar_items(item, self._longest)
        (row,) = self.recommender.items.numbers([item]).tolist()
        items = self._ranked_items(lists[item][:k])
        return schemas.SimilarItems(item=schemas.Item(**self._item(row)), items=items)

    def similar_users(self, user: str, k: int) -> schemas.SimilarUsers:
        """The k users most like one."""
        with self._ranking:
            best = self.recommender.similar_users(user, self._longest)[user][:k]
        row, *rows = self.recommender.users.numbers([user, *(name for name, _ in best)]).tolist()
        users = [
            schemas.RankedUser(**self._user(found), score=score)
            for found, (_, score) in zip(rows, best, strict=True)
        ]
        return schemas.SimilarUsers(user=schemas.User(**self._user(row)), users=users)

    def score(self, pairs: Sequence[tuple[str, str]]) -> schemas.Scores:
        """The scores of (user, item) pairs."""
        return schemas.Scores(scores=self.recommender.score(pairs).tolist())

    def explain(self, user: str, item: str, k: int) -> schemas.Reasons:
        """Why a user is given an item; the k largest contributions one by one."""
        return self._reasons(self.recommender.explain(user, item), user, k)

    def fold_in(
        self, items: Sequence[str], k: int, *, exclude_seen: bool = True
    ) -> schemas.Recommendations:
        """A list for a new user who has chosen these items."""
        somebody = self.recommender.of_new_users({_NEW: items})
        with self._ranking:
            lists = somebody.recommend(_NEW, self._longest, exclude_seen=exclude_seen)
        ranked = self._ranked_items(lists[_NEW][:k])
        return schemas.Recommendations(user=None, source=MODEL, items=ranked)

    def explain_fold_in(self, items: Sequence[str], item: str, k: int) -> schemas.Reasons:
        """Why a new user who has chosen these items is given an item."""
        somebody = self.recommender.of_new_users({_NEW: items})
        return self._reasons(somebody.explain(_NEW, item), None, k)

    def _reasons(self, explanation: Explanation, user: str | None, k: int) -> schemas.Reasons:
        e = explanation
        named, others = e.past[:k], e.past[k:]
        (row, *rows) = self.recommender.items.numbers([e.item, *(p.item for p in named)]).tolist()
        past = [
            schemas.PastItem(
                **self._item(item),
                contribution=p.contribution,
                similarity=p.similarity,
                weight=p.weight,
            )
            for item, p in zip(rows, named, strict=True)
        ]
        rest = schemas.Rest(items=len(others), contribution=sum(p.contribution for p in others))
        return schemas.Reasons(
            user=user,
            item=schemas.Item(**self._item(row)),
            score=e.score,
            own=e.own,
            past=past,
            rest=rest,
            entities=_entities(e.entities),
        )

    def _ranked_items(self, best) -> list[schemas.RankedItem]:
        rows = self.recommender.items.numbers([name for name, _ in best]).tolist()
        scores = [score for _, score in best]
        return [
            schemas.RankedItem(**self._item(row), score=score)
            for row, score in zip(rows, scores, strict=True)
        ]

    def _user(self, row: int) -> dict:
        return {"id": self.recommender.users.ids[row], "interactions": int(self._user_counts[row])}

    def _item(self, row: int) -> dict:
        return {
            "id": self.recommender.items.ids[row],
            "name": (self._names[row] or None) if self._names else None,
            "picture": self._pictures[row] if self._pictures else None,
        }


def web_address(picture: str) -> str | None:
    """The address of a picture where a browser may fetch it.

    >>> web_address("https://example.org/a.jpg"), web_address("javascript:alert(1)")
    ('https://example.org/a.jpg', None)
    """
    return picture if picture.lower().startswith(("https://", "http://")) else None


def _entities(entities) -> list[schemas.ItemEntity]:
    return [schemas.ItemEntity(**entity._asdict()) for entity in entities]
