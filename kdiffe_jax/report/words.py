"""How figures and names are written on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kdiffe_jax.report.markup import Markup, element, joined
from kdiffe_jax.storage.saved_model import SavedModel

NOTHING = "–"
SPLITS = {"valid": "validation", "test": "test"}  #: as the page calls them


def score(value: float | None) -> str:
    """A metric.

    >>> score(0.12345), score(float("nan"))
    ('0.1235', '–')
    """
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.4f}"


def signed(value: float) -> str:
    """A difference.

    >>> signed(-0.0123), signed(0.5)
    ('−0.0123', '+0.5000')
    """
    return f"{value:+.4f}".replace("-", "−")


def percent(share: float) -> str:
    r"""A share, in one line of text.

    >>> percent(0.1234)
    '12.3\xa0%'
    """
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """Seconds, or minutes where there are many.

    >>> duration(12.3), duration(125)
    ('12 s', '2 min 5 s')
    """
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"


def plain(name: str) -> str:
    """A name of the program in words."""
    return name.replace("_", " ")


def setting(value: Any) -> str:
    """The value of an option."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def chosen(result: Mapping[str, Any]) -> str:
    """The hyper-parameters that validation chose for a model that is fitted.

    >>> chosen({"hyper_parameters": {"alpha": 0.6, "prune": "source"}}), chosen({})
    ('alpha 0.6, prune source', '')
    """
    values = result.get("hyper_parameters", {}).items()
    return ", ".join(f"{name} {setting(value)}" for name, value in values)


def refit_words(refit: Mapping[str, Any]) -> str:
    """What a model has learned from that its scores are not of.

    >>> refit_words({"interactions": 1200, "epochs": 9})  # doctest: +NORMALIZE_WHITESPACE
    'trained again on all 1,200 interactions for 9 epochs; its scores are of the training before
     that, which held some out'
    """
    epochs = refit["epochs"]
    length = f" for {epochs} epoch{'s' if epochs > 1 else ''}" if epochs else ""
    made = f"trained again on all {refit['interactions']:,} interactions{length}"
    return f"{made}; its scores are of the training before that, which held some out"


def titled(item: str, name: str) -> Markup:
    """An item by its id, with its title where it has one."""
    if not name or name == item:
        return element("b", item)
    return joined([element("b", name), " ", element("small", item)])


def item_of(model: SavedModel, row: int) -> Markup:
    """An item by its row."""
    return titled(model.item_ids[row], model.item_names[row] if model.item_names else "")
