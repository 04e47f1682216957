"""How items that training never saw are ranked."""

from __future__ import annotations

from typing import Any

from kdiffe_jax.report.markup import Markup, note, section, table
from kdiffe_jax.report.run_files import RunFiles
from kdiffe_jax.report.words import SPLITS, plain, score


def cold_items(run: RunFiles) -> Markup | None:
    """Recall and ndcg on interactions with items unseen in training; None where not scored."""
    cold = run.result.get("cold")
    if cold is None:
        return None
    if not any(found["interactions"] for found in cold.values()):
        said = "Every item of validation and test occurs in training."
        return section("cold", "Cold items", note(said))
    named = {"this model": cold}
    named |= {plain(n): b["cold"] for n, b in run.result["baselines"].items() if "cold" in b}
    rows = [
        [f"{name}, {SPLITS[split]}", *_scores(found)]
        for name, splits in named.items()
        for split, found in splits.items()
        if found["interactions"]
    ]
    columns = ["", "recall@20", "ndcg@20", "recall@20 among cold", "ndcg@20 among cold"]
    body = table(columns, rows, strong=[0, 1] if len(rows) > 2 else [])
    return section("cold", "Cold items", note(_counts(cold)), body)


def _scores(found: dict[str, Any]) -> list[str]:
    among = found["among_all"], found["among_cold"]
    return [score(metrics[name]) for metrics in among for name in ("recall@20", "ndcg@20")]


def _counts(cold: dict[str, Any]) -> str:
    parts = [
        f"{found['interactions']:,} interactions of {SPLITS[s]} are with "
        f"{found['items']:,} items that training never saw"
        for s, found in cold.items()
        if found["interactions"]
    ]
    candidates = max(found["candidates"] for found in cold.values())
    return (
        f"{'; '.join(parts)}. “Among cold” ranks the {candidates:,} cold items alone, "
        f"where chance finds {score(min(1.0, 20 / candidates))} at 20."
    )
