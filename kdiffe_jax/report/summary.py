"""The first screen: what was trained, how well it ranks, and what a reader must know."""

from __future__ import annotations

from typing import Any

from kdiffe_jax.report.gain import gain_of
from kdiffe_jax.report.markup import Markup, details, element, joined, note
from kdiffe_jax.report.run_files import RunFiles
from kdiffe_jax.report.words import SPLITS, duration, plain, refit_words, score, signed


def summary(run: RunFiles) -> Markup:
    """The main figures as tiles, and warnings."""
    result = run.result
    split = "test" if "test" in result else "valid"
    tiles = [_score(result, split, metric) for metric in ("recall@20", "ndcg@20")]
    tiles.append(_gain(result))
    if run.history:
        tiles += [_epochs(result), _time(result)]
    tiles.append(_users(result, split))
    parts = [element("div", *filter(None, tiles), class_="tiles")]
    if result["selection"] == "test":
        said = "The epoch was chosen on the test split: compare only with tables chosen so."
        parts.append(element("p", said, class_="warning"))
    if "refit" in result:
        parts.append(note(f"This model was {refit_words(result['refit'])}."))
    if split == "valid":
        parts.append(note("The test split was left alone: no test scores and no baselines."))
    if result.get("notes"):
        lines = (element("li", line) for line in result["notes"])
        parts.append(details(f"Notes on the data ({len(result['notes'])})", element("ul", *lines)))
    return joined(parts)


def _tile(label: str, value: str, beside: str) -> Markup:
    parts = ((label, "label"), (value, "value"), (beside, "beside"))
    return element("div", *(element("div", said, class_=kind) for said, kind in parts))


def _score(result: dict[str, Any], split: str, metric: str) -> Markup:
    spread = result.get("over_seeds", {}).get(split)
    beside = f"± {score(spread[metric]['standard_error'])} over seeds" if spread else ""
    if "ensemble" in result:
        beside += f", as one {score(result['ensemble'][split][metric])}"
    return _tile(f"{metric} on {SPLITS[split]}", score(result[split][metric]), beside)


def _gain(result: dict[str, Any]) -> Markup | None:
    gain = gain_of(result, "recall@20")
    if gain is None:
        return None
    label = f"{gain.metric} {gain.side} the best baseline"
    beside = f"{plain(gain.baseline)} {score(gain.theirs)}, {gain.chance()}"
    return _tile(label, gain.relative() or signed(gain.difference), beside)


def _epochs(result: dict[str, Any]) -> Markup:
    rule = f"by {result['selection']} {result['selection_metric']}"
    best = [one["best_epoch"] for one in result.get("seeds", [result])]
    shown = f"{min(best)}–{max(best)}" if min(best) < max(best) else str(best[0])
    return _tile(f"chosen epoch, {rule}", shown, f"of {result['epochs']}, counted from 0")


def _time(result: dict[str, Any]) -> Markup:
    epochs = sum(one["epochs"] for one in result.get("seeds", [result]))
    each = result["seconds"] / max(1, epochs)
    return _tile("training", duration(result["seconds"]), f"{each:.2f} s an epoch")


def _users(result: dict[str, Any], split: str) -> Markup:
    scored = result["users_scored"]
    return _tile("users scored", f"{scored[split]:,}", f"of {scored['of']:,}")
