"""A trained model in use: `Recommender.load(run_dir).recommend("ann", 20)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from kdiffe_jax.recommend.added import trained_degrees
from kdiffe_jax.recommend.blocks import Best, block_size
from kdiffe_jax.recommend.candidates import allowed_items, among
from kdiffe_jax.recommend.choices import SEEN, check_choices
from kdiffe_jax.recommend.entities import items_with
from kdiffe_jax.recommend.explain import Explanation, explain
from kdiffe_jax.recommend.fold_in import FoldIn, with_users
from kdiffe_jax.recommend.histories import pairs_of
from kdiffe_jax.recommend.ids import Ids, length_of_lists, listed, pair_of
from kdiffe_jax.recommend.lists import Lists, alike, joined
from kdiffe_jax.recommend.new_items import with_items
from kdiffe_jax.recommend.scorers import Scorer, scorer_of
from kdiffe_jax.storage.saved_model import SavedModel, read_model


class Recommender:
    """Lists, scores and explanations by the source's own ids.

    Nothing is trained and nothing is written. Users are ranked in blocks, so memory does
    not grow with their number.

    Args:
      model: what a run leaves in model.npz; see `load`.
      items, scorer: of the model, where they are made already.
      trained: the model that this one was made from, whose trained graph stays; see `FoldIn`.
    """

    def __init__(
        self,
        model: SavedModel,
        *,
        items: Ids | None = None,
        scorer: Scorer | None = None,
        trained: SavedModel | None = None,
    ):
        self.model, self._trained_model = model, trained or model
        self.users = Ids("user", model.user_ids)
        self.items = items or Ids("item", model.item_ids)
        self._scorer = scorer or scorer_of(model)

    @classmethod
    def load(cls, run_dir: str | Path) -> Recommender:
        """The model of a finished run; the data set is not needed.

        Raises:
          RunError: no run there, or its model file is missing or damaged.
        """
        return cls(read_model(run_dir))

    def recommend(self, users=None, k: int = 20, **options) -> Lists:
        """The k best items of some users, all at once; options as in `recommend_in_blocks`."""
        blocks = list(self.recommend_in_blocks(users, k, **options))
        return joined(blocks, self.items.ids, k=min(k, len(self.items)))

    def recommend_in_blocks(
        self,
        users=None,
        k: int = 20,
        *,
        exclude_seen: bool | str = True,
        candidates: Iterable | None = None,
        filter: Callable[[str], bool] | None = None,
        unknown: str = "raise",
    ) -> Iterator[Lists]:
        """The k best items of some users, a block of users after another.

        Equal scores are ordered by item, as the data set numbers them. A list is shorter
        than k where fewer items remain.

        Args:
          users: an id, several, or None for all.
          k: length of the lists.
          exclude_seen: True leaves out all items that the data set holds for the user;
            "train" only the training items, as the test score does where validation items
            are not masked; False none.
          candidates: ids of the only items to rank.
          filter: called with an item's id; items for which it is false are left out.
          unknown: what a user that is not known gets: "raise" a DataError, "ignore" no
            list, "popular" the most popular items. With "popular" so do users of whom the
            model knows nothing: without training interactions, or with scores of 0
            for all items. Such lists are labelled.

        Raises:
          DataError: a user or candidate that is not known.
          ConfigError: an option with another value than listed here.
        """
        k = length_of_lists(k)
        check_choices(unknown, exclude_seen, filter)
        allowed = allowed_items(self.items, candidates, filter)
        asked = self.users.ids if users is None else tuple(map(str, listed(users)))
        rows = self.users.numbers(asked) if unknown == "raise" else self.users.find(asked)
        if unknown == "ignore":
            asked = tuple(name for name, row in zip(asked, rows.tolist(), strict=True) if row >= 0)
            rows = rows[rows >= 0]
        seen = self._seen(SEEN[exclude_seen])
        size = block_size(len(self.items))
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            best, popular = self._ranked(rows[part], seen, allowed, k, unknown == "popular")
            yield Lists(asked[part], *best, popular, self.items.ids)

    def similar_items(self, items, k: int = 20) -> Lists:
        """The k items most like some items; an item is not its own.

        By the cosine of embeddings; where weights between items score, by the weight from the
        item asked for.
        """
        rows = self.items.numbers(listed(items))
        return alike(self.items.ids, rows, self._scorer.similar_items(rows, length_of_lists(k)))

    def similar_users(self, users, k: int = 20) -> Lists:
        """The k users most like some users; a user is not their own.

        By the cosine of embeddings; where weights between items score, by that of histories.
        """
        rows = self.users.numbers(listed(users))
        return alike(self.users.ids, rows, self._scorer.similar_users(rows, length_of_lists(k)))

    def score(self, pairs: Iterable[tuple]) -> np.ndarray:
        """f32[n]: the scores of (user, item) pairs (eq. 7).

        Raises:
          DataError: an id that is not known, or what is no pair.
        """
        given = [pair_of(pair) for pair in pairs]
        users, items = zip(*given, strict=True) if given else ((), ())
        return self._scorer.pair_scores(self.users.numbers(users), self.items.numbers(items))

    @property
    def explains(self) -> bool:
        """Whether the model has reasons to give for a score."""
        return self._scorer.explains

    @property
    def folds_in(self) -> bool:
        """Whether the model takes users that training never saw."""
        return self._fold_in.is_possible

    def explain(self, user, item) -> Explanation:
        """Why this user is given this item; see `kdiffe_jax.recommend.explain`."""
        (row,) = self.users.numbers([user]).tolist()
        (column,) = self.items.numbers([item]).tolist()
        return explain(self.model, self._scorer, row, column)

    def with_users(self, histories: Mapping[str, Sequence]) -> Recommender:
        """A recommender that also knows new users, by the items they have chosen.

        Raises:
          DataError: an id that exists already, an item that is not known, no items.
          ConfigError: the model has no way to fold users in.
        """
        model = with_users(self.model, self._trained_model, histories)
        return Recommender(model, items=self.items, trained=self._trained_model)

    def of_new_users(self, histories: Mapping[str, Sequence]) -> Recommender:
        """A recommender of new users alone; its cost does not grow with the users known.

        Raises:
          DataError: an item that is not known, no items.
          ConfigError: the model has no way to fold users in.
        """
        model = self._fold_in.alone(histories)
        scorer = self._scorer.of_users(model)
        alone = Recommender(model, items=self.items, scorer=scorer, trained=self._trained_model)
        alone._popularity = self._popularity
        return alone

    def with_items(self, entities: Mapping[str, Sequence]) -> Recommender:
        """A recommender that also knows new items, by their entities.

        An entity is a name, or (relation, name) where one name stands in several
        relations. No user passes anything on to a new item, so by the inner product it is
        shorter than an item with users: compare new items with each other, by `candidates`.
        Where training adds nearest items, it has those of training that share its entities;
        where cold items rank by their nearest trained items, so does it, among all items.

        Raises:
          DataError: an id that exists already, an entity that is not known, no entities.
          ConfigError: the model makes no items of entities.
        """
        model = with_items(self.model, self._trained_model, entities)
        return Recommender(model, trained=self._trained_model)

    def items_with(self, entity: str, relation: str | None = None) -> list[str]:
        """Ids of the items that have an entity.

        Raises:
          DataError: no such entity or relation, or a name that stands in several.
        """
        return [self.items.ids[row] for row in items_with(self.model, entity, relation).tolist()]

    def _ranked(self, rows, seen, allowed, k: int, fall_back: bool) -> tuple[Best, np.ndarray]:
        """Lists, and which are of popular items: by `fall_back` also of users without a score."""
        k = min(k, len(self.items))
        found, scores = self._scorer.best(rows, pairs_of(rows, seen), allowed, k)
        popular = rows < 0
        if fall_back:
            popular |= self._trained[rows] == 0
            silent = np.flatnonzero(~popular & ~np.nan_to_num(scores).any(axis=1))
            popular[silent] = ~self._scorer.has_scores(rows[silent])
        if popular.any():
            places = np.flatnonzero(popular)
            excluded = pairs_of(rows[places], seen)
            ones = np.ones((len(places), 1), np.float32)
            found[places], scores[places] = among(allowed, ones, self._popularity, excluded, k)
        return Best(found, scores), popular

    def _seen(self, which: bool | str) -> np.ndarray:
        """int[n, 2] of (user, item) that are left out, sorted."""
        if not which:
            return np.zeros((0, 2), np.int32)
        return self.model.train if which == "train" else self._all_seen

    @cached_property
    def _fold_in(self) -> FoldIn:
        return FoldIn(self.model, self._trained_model)

    @cached_property
    def _all_seen(self) -> np.ndarray:
        pairs = np.concatenate([self.model.train, self.model.held_out])
        return pairs[np.lexsort(pairs.T[::-1])]

    @cached_property
    def _trained(self) -> np.ndarray:
        return np.bincount(self.model.train[:, 0], minlength=len(self.users))

    @cached_property
    def _popularity(self) -> jax.Array:
        degrees = trained_degrees(self._trained_model, len(self.items))
        return jnp.asarray(degrees[:, None], jnp.float32)
