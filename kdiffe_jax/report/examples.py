"""A few users: what they chose, what they are given, and why where the model can say."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.recommend.denoiser import expected_words
from kdiffe_jax.recommend.explain import (
    HAS,
    LEFT_OUT,
    UNSEEN,
    Explanation,
    ItemEntity,
    PastItem,
    explain,
)
from kdiffe_jax.recommend.histories import items_of
from kdiffe_jax.recommend.scorers import Scorer, scorer_of
from kdiffe_jax.report.markup import Markup, details, element, joined, note, section
from kdiffe_jax.report.ranked import first_items
from kdiffe_jax.report.run_files import RunFiles
from kdiffe_jax.report.words import item_of, signed, titled
from kdiffe_jax.storage.saved_model import SavedModel

_QUANTILES = (0.1, 0.5, 0.9)
_LISTED, _PAST, _REASONS, _ENTITIES = 5, 8, 3, 12
_WHO = (
    "Users at the 10th, 50th and 90th percentile of training items; nobody picked them by hand. "
    "Training items are left out of the lists."
)
_WHY = " Open an item to see why it is there: the shares add up to the score."


def examples(run: RunFiles) -> Markup:
    """Users with short, middling and long histories, each with a list and its reasons."""
    users, scorer = example_users(run.model, run.scored), scorer_of(run.model)
    said = _WHO + _WHY if scorer.explains else _WHO
    shown = (_user(run.model, scorer, user) for user in users)
    return section("examples", "Examples", note(said), *shown)


def example_users(model: SavedModel, scored: np.ndarray) -> list[int]:
    """Scored users at some quantiles of how many training items they have, each once."""
    counts = np.bincount(model.train[:, 0], minlength=len(model.user_ids))[scored]
    order = scored[np.argsort(counts, kind="stable")]
    places = [round(quantile * (len(order) - 1)) for quantile in _QUANTILES] if len(order) else []
    return list(dict.fromkeys(int(order[place]) for place in places))


def _user(model: SavedModel, scorer: Scorer, user: int) -> Markup:
    rows = first_items(model, np.array([user]), _LISTED)[0]
    rows = rows[rows >= 0]
    scores = scorer.pair_scores(np.full(len(rows), user), rows).tolist()
    chosen = items_of(model.held_out, user)
    entries = []
    for row, score in zip(rows.tolist(), scores, strict=True):
        hit = [" ", element("span", "chosen in validation or test", class_="hit")]
        said = [item_of(model, row), *(hit if row in chosen else [])]
        summary = joined([*said, element("span", f"{score:.4f}")])
        entries.append(_entry(model, scorer, user, row, summary) if scorer.explains else summary)
    return element(
        "article",
        element("h3", f"User {model.user_ids[user]}"),
        _past(model, items_of(model.train, user).tolist()),
        element("ol", *(element("li", entry) for entry in entries)),
    )


def _past(model: SavedModel, items: list[int]) -> Markup:
    if not items:
        return note("Chose nothing in training.")
    shown = [item_of(model, item) for item in items[:_PAST]]
    more = f", and {len(items) - _PAST:,} more" if len(items) > _PAST else ""
    many = f"Chose {len(items):,} item{'s' if len(items) > 1 else ''} in training: "
    return element("p", many, Markup(", ".join(shown)), more, class_="past")


def _entry(model: SavedModel, scorer: Scorer, user: int, row: int, summary: Markup) -> Markup:
    why = explain(model, scorer, user, row)
    entities = [_entities(why)] if len(model.triples) else []
    return details(summary, _reasons(why), *entities)


def _reasons(why: Explanation) -> Markup:
    rows = (
        element("tr", element("td", signed(share), class_="figure"), element("td", _said(what)))
        for share, what in why.shares(_REASONS)
    )
    return element("table", element("tbody", *rows), class_="reasons")


def _said(past: PastItem | str) -> Markup | str:
    if isinstance(past, str):
        return past
    similarity = "" if past.similarity is None else f", S {past.similarity:.3f}"
    return joined(["item ", titled(past.item, past.name), similarity])


def _entities(why: Explanation) -> Markup:
    if not why.entities:
        return note("The item has no entities.")
    order = sorted(why.entities, key=lambda entity: entity.status in (LEFT_OUT, UNSEEN))
    more = f" and {len(order) - _ENTITIES:,} more" if len(order) > _ENTITIES else ""
    listed = (_entity(entity) for entity in order[:_ENTITIES])
    return element("ul", *listed, *([element("li", more)] if more else []), class_="entities")


def _entity(entity: ItemEntity) -> Markup:
    status = "" if entity.status == HAS else f" {entity.status}"
    attention = "" if entity.attention is None else f", attention {entity.attention:.3f}"
    expected = "" if entity.probability is None else f", {expected_words(entity.probability)}"
    kind = "out" if entity.status in (LEFT_OUT, UNSEEN) else "in"
    said = f"{entity.relation}: {entity.entity}"
    return element("li", said, element("small", f"{status}{attention}{expected}"), class_=kind)
