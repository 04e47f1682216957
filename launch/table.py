"""The small table that a run ends with."""

from __future__ import annotations

from typing import Any

COLUMNS = ("recall@20", "ndcg@20", "precision@20", "hit@20", "mrr@20", "map@20")


def result_table(result: dict[str, Any]) -> str:
    """Validation, test and baselines as aligned text; of several seeds mean ± standard error."""
    spreads = result.get("over_seeds", {})
    last = "test" if "test" in result else "valid"
    rows = [
        (name, result[split], spreads.get(split))
        for name, split in (("validation", "valid"), ("test", "test"))
        if split in result
    ]
    rows += [
        (f"{name.replace('_', ' ')} ({last})", m[last], None)
        for name, m in result["baselines"].items()
    ]
    width, cell = max(len(name) for name, *_ in rows), 18 if spreads else 14
    lines = [" " * width + "".join(f"{column:>{cell}}" for column in COLUMNS)]
    lines += [
        f"{name:<{width}}" + "".join(f"{_value(metrics, spread, c):>{cell}}" for c in COLUMNS)
        for name, metrics, spread in rows
    ]
    scored = result["users_scored"]
    left_out = scored["of"] - scored[last]
    lines.append(
        f"{result['dataset']}: {_epochs(result)}, chosen on "
        f"{result['selection']} {result['selection_metric']}, {result['seconds']:.0f} s; "
        f"{scored[last]} users scored, {left_out} without {last} items left out"
    )
    if result["selection"] == "test":
        lines.append("CHOSEN ON THE TEST SET: compare only with tables chosen the same way")
    return "\n".join(lines)


def _value(metrics: dict[str, float], spread: dict[str, Any] | None, column: str) -> str:
    if spread is None:
        return f"{metrics[column]:.4f}"
    return f"{spread[column]['mean']:.4f} ± {spread[column]['standard_error']:.4f}"


def _epochs(result: dict[str, Any]) -> str:
    if "members" not in result:
        return f"epoch {result['best_epoch']} of {result['epochs']}"
    best = [member["best_epoch"] for member in result["members"]]
    seeds = [member["seed"] for member in result["members"]]
    return (
        f"seeds {seeds[0]} to {seeds[-1]}, mean ± standard error, "
        f"epochs {min(best)} to {max(best)} of {result['epochs']}"
    )


def planted_lines(result: dict[str, Any]) -> str:
    """What a run on planted data found of the truth."""
    last = "test" if "test" in result else "valid"
    ratio = result[last]["recall@20"] / max(
        result["baselines"]["most_popular"][last]["recall@20"], 1e-12
    )
    planted = result["planted"]
    return (
        f"planted truth: {last} recall@20 is {ratio:.1f} x most popular; the denoiser ranks an "
        f"item's relevant triples over its irrelevant ones with AUC "
        f"{planted['relation_auc']:.3f} (0.5 is chance)"
    )
