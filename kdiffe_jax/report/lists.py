"""What is recommended: how popular, how varied, and which items most."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kdiffe_jax.report.charts import Bars, bar_chart
from kdiffe_jax.report.markup import Markup, details, element, note, section, table
from kdiffe_jax.report.ranked import first_items
from kdiffe_jax.report.run_files import RunFiles
from kdiffe_jax.report.words import item_of, percent, plain

LENGTH = 20
_GROUPS = 10
_MOST_SCORES = 1 << 26
_MEASURES = {
    f"coverage@{LENGTH}": percent,
    f"novelty@{LENGTH}": lambda bits: f"{bits:.2f}",
    f"popularity@{LENGTH}": lambda count: f"{count:.1f}",
    f"gini@{LENGTH}": lambda gini: f"{gini:.3f}",
}


class Deciles(NamedTuple):
    """Items in ten groups of one size, the least popular first; f64[10] each."""

    interactions: np.ndarray  # share of the training interactions
    places: np.ndarray  # share of the places of the lists
    covered: np.ndarray  # share of the group's items that are in any list


def deciles(given: np.ndarray, popularity: np.ndarray) -> Deciles:
    """Shares by popularity.

    Args:
      given: int[J], lists that hold each item.
      popularity: int[J], training interactions of each item.
    """
    order = np.argsort(popularity, kind="stable")
    groups = np.array_split(order, min(_GROUPS, len(order)))
    total = max(1, popularity.sum()), max(1, given.sum())
    return Deciles(
        np.array([popularity[group].sum() / total[0] for group in groups]),
        np.array([given[group].sum() / total[1] for group in groups]),
        np.array([(given[group] > 0).mean() for group in groups]),
    )


def lists(run: RunFiles) -> Markup:
    """Popularity and coverage of what the scored users are given."""
    model = run.model
    users = _some(run.scored, most=max(1, _MOST_SCORES // len(model.item_ids)))
    rows = first_items(model, users, LENGTH)
    given = np.bincount(rows[rows >= 0], minlength=len(model.item_ids))
    popularity = model.item_degrees()
    parts = [_measures(run), note(_said(run, len(users))), _charts(deciles(given, popularity))]
    return section("lists", "What is recommended", *parts, _most_given(run, given, popularity))


def _some(users: np.ndarray, *, most: int) -> np.ndarray:
    """All users, or as many as may be, evenly spaced."""
    if len(users) <= most:
        return users
    return users[np.linspace(0, len(users) - 1, most).astype(np.int64)]


def _measures(run: RunFiles) -> Markup:
    result = run.result
    own = "the training before" if "refit" in result else "this model"
    named = {own: result["beyond_accuracy"]}
    theirs = result["baselines"].items()
    named |= {plain(n): b["beyond_accuracy"] for n, b in theirs if "beyond_accuracy" in b}
    rows = [[n, *(words(found[m]) for m, words in _MEASURES.items())] for n, found in named.items()]
    columns = ["first 20 at test", "coverage", "novelty (bits)", "mean popularity", "Gini index"]
    return table(columns, rows, strong=[0])


def _said(run: RunFiles, shown: int) -> str:
    whose = f"the {shown:,} users scored at test"
    if shown < len(run.scored):
        whose = f"{shown:,} of the {len(run.scored):,} users scored at test, evenly spaced"
    seed = ", by the seed with the best selection score" if "seeds" in run.result else ""
    seed = ", by the ensemble" if "ensemble" in run.result else seed
    masked = run.config.get("mask_valid", False)
    also = " (the test score left out validation items too)" if masked else ""
    also = _OF_REFIT if "refit" in run.result else also
    return (
        f"Below: the first {LENGTH} of {whose}{seed}, training items left out{also}. Items are in "
        "ten groups of one size by their training interactions; group 1 is the least popular tenth."
    )


_OF_REFIT = (
    ", by the model trained again: what was validation and test is training now and left out too, "
    "so the table above is not of these lists"
)


def _charts(found: Deciles) -> Markup:
    groups = [str(place + 1) for place in range(len(found.places))]
    shares = [
        Bars("of the training interactions", found.interactions.tolist()),
        Bars("of the recommendations", found.places.tolist()),
    ]
    covered = [Bars("of the group's items", found.covered.tolist())]
    common = dict(label="popularity group", words=lambda share: f"{100 * share:.3g} %")
    charts = [
        bar_chart("Share by popularity", groups, shares, **common),
        bar_chart("Items that are in at least one list", groups, covered, **common),
    ]
    rows = [
        [g, *map(percent, row)] for g, row in zip(groups, zip(*found, strict=True), strict=True)
    ]
    heads = ["popularity group", "training interactions", "recommendations", "items in any list"]
    figures = details("The figures of these charts", table(heads, rows))
    return element("div", element("div", *charts, class_="charts"), figures)


def _most_given(run: RunFiles, given: np.ndarray, popularity: np.ndarray) -> Markup:
    order = np.lexsort((np.arange(len(given)), -given))[:10].tolist()
    rows = [
        [item_of(run.model, row), f"{given[row]:,}", f"{popularity[row]:,}"]
        for row in order
        if given[row]
    ]
    heads = ["item", "lists", "training interactions"]
    return details("The items in most lists", table(heads, rows))
