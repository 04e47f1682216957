"""`FittedModel`: what `fit` gives: lists, scores and reasons as frames, by the ids that came in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kdiffe_jax.api.asked import asked_for, pairs_of_frame, refuse_other_options
from kdiffe_jax.api.dataset import Data
from kdiffe_jax.api.frames import beside_ids, frame_of
from kdiffe_jax.api.home import Home, path_of
from kdiffe_jax.api.ids import IdColumn, as_text
from kdiffe_jax.api.new_rows import entities_by_item, items_by_user
from kdiffe_jax.api.reasons import Reasons
from kdiffe_jax.api.run_tables import Page, history_columns, result_in_words, score_columns
from kdiffe_jax.api.saved import Saved, read_saved, write_saved
from kdiffe_jax.api.words import spoken_in_python
from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.models.registry import options_of
from kdiffe_jax.recommend.export import export
from kdiffe_jax.recommend.lists import Lists
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.report.page import page_of
from kdiffe_jax.report.run_files import read_history, read_result, read_run
from kdiffe_jax.storage.saved_model import read_titled


@dataclasses.dataclass(frozen=True, repr=False)
class FittedModel:
    """A trained model in use.

    Attributes:
      recommender: lists, scores and explanations by text ids.
      users, items: the columns of ids that came in.
      frame: the kind of frames that are given: pandas, polars or pyarrow.
      directory: of the run.
      data: what it was trained on; None where it was loaded without.
      home: a temporary directory around the run, which lives as long as the model.
      tried: of "auto", the table that the model was chosen from; it is not saved.
    """

    recommender: Recommender
    users: IdColumn
    items: IdColumn
    frame: str
    directory: Path
    data: Data | None = None
    home: Home | None = None
    tried: Any = None

    @classmethod
    def of_run(cls, directory: Path, data: Data, home=None) -> FittedModel:
        """The model of a finished run, its items called as the data call them now.

        Args:
          directory: of the run.
          data: that it was trained on.
          home: a temporary directory around it, which lives as long as the model.
        """
        titles = data.dataset.item_names, data.dataset.item_pictures
        recommender = Recommender(read_titled(directory, *titles))
        return cls(recommender, data.users, data.items, data.frame, directory, data, home)

    @classmethod
    def load(cls, directory: str | Path) -> FittedModel:
        """The model that `save` wrote, or that any run left; in any process.

        Raises:
          RunError: no model there, or a damaged one.
          ConfigError: no path.
        """
        with spoken_in_python():
            directory = path_of(directory)
            saved = read_saved(directory)
            try:
                recommender = Recommender.load(directory)
            except RunError as error:
                if saved.data is None:
                    raise
                what = str(error).rpartition(";")[0]
                raise RunError(f"{what}; save the model again") from error
        return cls(recommender, *saved.columns, directory, saved.data)

    def save(self, directory: str | Path) -> None:
        """Writes the model, its run and the data it was made of, for `load`.

        Raises:
          DataError: the directory exists, or cannot be written.
          ConfigError: no path.
        """
        saved = Saved((self.users, self.items, self.frame), self.data)
        write_saved(saved, self.recommender.model, self.directory, path_of(directory))

    def recommend(self, users: Any = None, k: int = 10, **options: Any) -> Any:
        """The k best items of some users, as a frame: user, item, rank, score.

        Args:
          users: an id, several (a list, a series, an array), or None for all.
          k: length of a list; it is shorter where fewer items remain.
          **options: of `Recommender.recommend`: exclude_seen, candidates (ids of the only items
            to rank), filter (called with an item's id), unknown ("raise", "ignore" or
            "popular": what a user that is not known gets; the column `source` tells).

        Raises:
          DataError: a user or an item that is not known.
          ConfigError: an option with another value.
        """
        refuse_other_options(options)
        if options.get("candidates") is not None:
            options["candidates"] = asked_for(options["candidates"], self.items, "candidates")
        if callable(chosen := options.get("filter")):
            options["filter"] = lambda name: chosen(*self.items.restored([name]))
        with spoken_in_python():
            asked = None if users is None else asked_for(users, self.users, "users")
            lists = self.recommender.recommend(asked, k, **options)
        more = {"source": lists.columns()["source"]} if options.get("unknown") == "popular" else {}
        return self._listed(lists, self.users, more)

    def similar(self, items: Any, k: int = 10) -> Any:
        """The k items most like some items, as a frame: item, similar item, rank, score.

        Raises:
          DataError: an item that is not known.
        """
        with spoken_in_python():
            asked = asked_for(items, self.items, "items")
            lists = self.recommender.similar_items(asked, k)
        return self._listed(lists, self.items, {})

    def score(self, pairs: Any) -> np.ndarray:
        """f32[n]: the score of each (user, item), of a frame or of tuples.

        Raises:
          DataError: an id that is not known, or a frame without the two columns.
        """
        with spoken_in_python():
            return self.recommender.score(pairs_of_frame(pairs, self.users, self.items))

    def explain(self, user: Any, item: Any) -> Reasons:
        """Why this user is given this item: past items and entities, which show themselves.

        Raises:
          DataError: an id that is not known.
          ConfigError: the model has no reasons to give.
        """
        with spoken_in_python():
            found = self.recommender.explain(as_text(user), as_text(item))
        return Reasons(found, self.items, self.frame)

    def with_users(self, histories: Any) -> FittedModel:
        """A model that also knows new users, by what they chose: a frame, or {user: items}.

        Raises:
          DataError: a user that exists, an unknown item, no items; ratings, if some do not count.
          ConfigError: the model has no way to fold users in.
        """
        chosen = items_by_user(histories, self.users, self.items, self.data)
        return self._with(Recommender.with_users, chosen)

    def with_items(self, entities: Any) -> FittedModel:
        """A model that also knows new items, by their entities.

        Args:
          entities: a frame of item, relation and entity, or {item: entities}, each a name or
            (relation, name).

        Raises:
          DataError: an item that exists, an entity that is not known, no entities.
          ConfigError: the model makes no items of entities.
        """
        return self._with(Recommender.with_items, entities_by_item(entities, self.items))

    def update(self, interactions: Any, **more: Any) -> FittedModel:
        """Trains on with new rows, from the parameters that there are; see `api.update.update`."""
        from kdiffe_jax.api.update import update

        return update(self, interactions, **more)

    def refit(self, *, workdir: str | Path | None = None, progress: bool = True) -> FittedModel:
        """The same training on all interactions, for use; see `api.refit.refit`."""
        from kdiffe_jax.api.refit import refit

        return refit(self, workdir=workdir, progress=progress)

    def export(self, directory: str | Path, *, index: str | None = None) -> None:
        """Writes embeddings and a scorer that other programs read; see docs/recommending.md.

        Raises:
          DataError: the directory exists, or a library is missing.
          ConfigError: no path.
        """
        with spoken_in_python():
            export(self.recommender.model, path_of(directory), index=index)

    @property
    def history(self) -> Any:
        """A frame with a row an epoch: losses and validation scores."""
        read_result(self.directory)  # refuses a run that is gone, which would have no epochs
        return frame_of(history_columns(read_history(self.directory)), self.frame)

    @property
    def result(self) -> Mapping[str, Any]:
        """All of result.json."""
        return read_result(self.directory)

    @property
    def valid(self) -> Mapping[str, float]:
        """Scores on validation by metric: of the chosen epoch, of several seeds, of an ensemble."""
        return self.result.get("ensemble", self.result)["valid"]

    @property
    def test(self) -> Mapping[str, float]:
        """Scores on the test split, which was scored once, by metric.

        Raises:
          ConfigError: it was left alone (score_test=False).
        """
        if "test" not in self.result:
            raise ConfigError("the test split was left alone: score_test was False")
        return self.result.get("ensemble", self.result)["test"]

    @property
    def scores(self) -> Any:
        """A frame with a row for the model and one for each baseline beside it."""
        return frame_of(score_columns(self.result), self.frame)

    def report(self) -> Page:
        """The page about the run; a notebook shows it."""
        return Page(page_of(read_run(self.directory), options_of))

    def _listed(self, lists: Lists, asked: IdColumn, more: Mapping[str, Any]) -> Any:
        found = lists.columns("asked", "listed")
        listed = self.items.name if asked is not self.items else f"similar_{self.items.name}"
        ids = {
            asked.name: asked.restored(found["asked"]),
            listed: self.items.restored(found["listed"]),
        }
        own = {"rank": found["rank"], "score": found["score"], **more}
        return frame_of(beside_ids(ids, own), self.frame)

    def _with(self, added: Callable, given: Mapping[str, Any]) -> FittedModel:
        with spoken_in_python():
            return dataclasses.replace(self, recommender=added(self.recommender, given))

    def __repr__(self) -> str:
        return result_in_words(self.result)
