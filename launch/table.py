"""The small table that a run ends with."""

from __future__ import annotations

from typing import Any

COLUMNS = ("recall@20", "ndcg@20", "precision@20", "hit@20", "mrr@20", "map@20")


def result_table(result: dict[str, Any]) -> str:
    """Validation, test and baselines as aligned text."""
    split = "test" if "test" in result else "valid"
    rows = [("validation", result["valid"])]
    rows += [("test", result["test"])] if split == "test" else []
    rows += [
        (f"{name.replace('_', ' ')} ({split})", m[split]) for name, m in result["baselines"].items()
    ]
    width = max(len(name) for name, _ in rows)
    lines = [" " * width + "".join(f"{column:>14}" for column in COLUMNS)]
    lines += [
        f"{name:<{width}}" + "".join(f"{metrics[column]:>14.4f}" for column in COLUMNS)
        for name, metrics in rows
    ]
    scored = result["users_scored"]
    left_out = scored["of"] - scored[split]
    lines.append(
        f"{result['dataset']}: epoch {result['best_epoch']} of {result['epochs']}, chosen on "
        f"{result['selection']} {result['selection_metric']}, {result['seconds']:.0f} s; "
        f"{scored[split]} users scored, {left_out} without {split} items left out"
    )
    if result["selection"] == "test":
        lines.append("CHOSEN ON THE TEST SET: compare only with tables chosen the same way")
    return "\n".join(lines)


def planted_lines(result: dict[str, Any]) -> str:
    """What a run on planted data found of the truth."""
    split = "test" if "test" in result else "valid"
    ratio = result[split]["recall@20"] / max(
        result["baselines"]["most_popular"][split]["recall@20"], 1e-12
    )
    planted = result["planted"]
    return (
        f"planted truth: {split} recall@20 is {ratio:.1f} x most popular; the denoiser ranks an "
        f"item's relevant triples over its irrelevant ones with AUC "
        f"{planted['relation_auc']:.3f} (0.5 is chance)"
    )
