"""A few users: what they chose, what they are given, and why."""

from __future__ import annotations

import numpy as np

from kdiffe_jax.recommend.explain import ADDED, KEPT, Explanation, ItemEntity, PastItem, explain
from kdiffe_jax.report.markup import Markup, details, element, joined, note, section
from kdiffe_jax.report.ranked import first_items, items_of
from kdiffe_jax.report.run_files import RunFiles
from kdiffe_jax.report.words import item_of, signed, titled
from kdiffe_jax.saved_model import SavedModel

_QUANTILES = (0.1, 0.5, 0.9)
_LISTED, _PAST, _REASONS, _ENTITIES = 5, 8, 3, 12


def examples(run: RunFiles) -> Markup:
    """Users with short, middling and long histories, each with a list and its reasons."""
    users = example_users(run.model, run.scored)
    said = (
        "Users at the 10th, 50th and 90th percentile of training items; nobody picked them by "
        "hand. Training items are left out of the lists. Open an item to see why it is there: "
        "the shares of the past items and of the user's own embedding add up to the score."
    )
    return section("examples", "Examples", note(said), *(_user(run.model, user) for user in users))


def example_users(model: SavedModel, scored: np.ndarray) -> list[int]:
    """Scored users at some quantiles of how many training items they have, each once."""
    counts = np.bincount(model.train[:, 0], minlength=len(model.user_ids))[scored]
    order = scored[np.argsort(counts, kind="stable")]
    places = [round(quantile * (len(order) - 1)) for quantile in _QUANTILES] if len(order) else []
    return list(dict.fromkeys(int(order[place]) for place in places))


def _user(model: SavedModel, user: int) -> Markup:
    name = model.user_ids[user]
    rows = first_items(model, np.array([user]), _LISTED)[0]
    chosen = items_of(model.held_out, user)
    entries = (_entry(model, name, row, later=row in chosen) for row in rows[rows >= 0].tolist())
    return element(
        "article",
        element("h3", f"User {name}"),
        _past(model, items_of(model.train, user).tolist()),
        element("ol", *entries),
    )


def _past(model: SavedModel, items: list[int]) -> Markup:
    if not items:
        return note("Chose nothing in training: the list comes from the user's embedding alone.")
    shown = [item_of(model, item) for item in items[:_PAST]]
    more = f", and {len(items) - _PAST:,} more" if len(items) > _PAST else ""
    many = f"Chose {len(items):,} item{'s' if len(items) > 1 else ''} in training: "
    return element("p", many, Markup(", ".join(shown)), more, class_="past")


def _entry(model: SavedModel, user: str, row: int, *, later: bool) -> Markup:
    why = explain(model, user, model.item_ids[row])
    hit = [" ", element("span", "chosen in validation or test", class_="hit")] if later else []
    summary = joined([item_of(model, row), *hit, element("span", f"{why.score:.4f}")])
    return element("li", details(summary, _reasons(why), _entities(why)))


def _reasons(why: Explanation) -> Markup:
    lines = [(past.contribution, _past_item(past)) for past in why.past[:_REASONS]]
    others = why.past[_REASONS:]
    if others:
        rest = sum(past.contribution for past in others)
        lines.append((rest, f"{len(others):,} other items chosen before"))
    lines.append((why.own, "the user's own embedding"))
    rows = (
        element("tr", element("td", signed(share), class_="figure"), element("td", said))
        for share, said in lines
    )
    return element("table", element("tbody", *rows), class_="reasons")


def _past_item(past: PastItem) -> Markup:
    return joined(["item ", titled(past.item, past.name), f", S {past.similarity:.3f}"])


def _entities(why: Explanation) -> Markup:
    if not why.entities:
        return note("The item has no entities.")
    order = sorted(why.entities, key=lambda entity: entity.status not in (KEPT, ADDED))
    more = f" and {len(order) - _ENTITIES:,} more" if len(order) > _ENTITIES else ""
    listed = (_entity(entity) for entity in order[:_ENTITIES])
    return element("ul", *listed, *([element("li", more)] if more else []), class_="entities")


def _entity(entity: ItemEntity) -> Markup:
    attention = "" if entity.attention is None else f", attention {entity.attention:.3f}"
    kind = "in" if entity.status in (KEPT, ADDED) else "out"
    said = f"{entity.relation}: {entity.entity}"
    return element("li", said, element("small", f" {entity.status}{attention}"), class_=kind)
