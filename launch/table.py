"""The small table that a run ends with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from kdiffe_jax.recommend.denoiser import held_out_words
from kdiffe_jax.report.page import REPORT
from kdiffe_jax.report.scores import COLUMNS, paired_by_metric
from kdiffe_jax.report.words import chosen, plain, refit_words
from kdiffe_jax.storage.saved_model import MODEL
from kdiffe_jax.studies.tables import aligned, in_blocks
from launch.shown import PLAIN_WIDTH

_SPLITS = {"validation": "valid", "test": "test"}


def result_table(result: dict[str, Any], width: int = PLAIN_WIDTH) -> str:
    """Validation, test and baselines as aligned text, and what else there is to say.

    The table is divided where it is wider than `width`; what follows has a line for each thing.

    Of several seeds validation and test are mean ± standard error, the rest is the mean. Of a
    run that left the test split alone there is validation alone.
    """
    scored = {n: b for n, b in result["baselines"].items() if "left_out" not in b}
    spreads = result.get("over_seeds", {})
    rows = [
        (name, result[split], spreads.get(split))
        for name, split in _SPLITS.items()
        if split in result
    ]
    together = result.get("ensemble")
    if together is not None:
        whose = f"ensemble of {together['models']}"
        rows += [(f"{whose}, {name}", together[s], None) for name, s in _SPLITS.items()]
    rows += [(f"{plain(name)} (test)", found["test"], None) for name, found in scored.items()]
    header = [result.get("shown_as", ""), *COLUMNS]
    cells = [[name, *(_value(of, spread, c) for c in COLUMNS)] for name, of, spread in rows]
    lines = ["\n\n".join(aligned(*block) for block in in_blocks(header, cells, width))]
    lines += [
        f"{plain(name)}: left out: {found['left_out']}"
        for name, found in result["baselines"].items()
        if "left_out" in found
    ]
    if scored:
        lines += _paired_lines(scored)
    if "test" in result:
        lines += [_cold_line(result["cold"]), _lists_line(result["beyond_accuracy"])]
    if together is not None:
        lines.append(_together_line(together))
    if "added_score" in result:
        lines.append(_added_line(together or result, result))
    if "denoiser" in result:
        lines.append(f"denoiser: {held_out_words(result['denoiser'])}")
    lines.append(_run_line(result))
    if "refit" in result:
        lines.append(f"the model in use: {refit_words(result['refit'])}")
    if result["selection"] == "test":
        lines.append("CHOSEN ON THE TEST SET: compare only with tables chosen the same way")
    return "\n".join(lines)


def _together_line(together: dict[str, Any]) -> str:
    tests = together["above_its_seeds"]
    users = next(iter(tests.values()))["users"]
    parts = (f"{metric} {_difference(test)}" for metric, test in tests.items())
    return f"ensemble above the mean of its seeds, paired over {users} users: {'; '.join(parts)}"


def _added_line(scored: dict[str, Any], result: dict[str, Any]) -> str:
    added, metric = scored["added_score"], result["selection_metric"]
    without = f"{result['selection']} {metric} without them {added['selection_score_without']:.4f}"
    if not added["weight"]:
        return f"walks are not added to the score: they do not help; {without}"
    return f"walks are added to the score with weight {added['weight']:g}; {without}"


def _value(metrics: dict[str, float], spread: dict[str, Any] | None, column: str) -> str:
    if spread is None:
        return f"{metrics[column]:.4f}"
    return f"{spread[column]['mean']:.4f} ± {spread[column]['standard_error']:.4f}"


def _paired_lines(baselines: dict[str, Any]) -> list[str]:
    return [_paired_line(metric, tests) for metric, tests in paired_by_metric(baselines).items()]


def _paired_line(metric: str, tests: dict[str, Any]) -> str:
    users = next(iter(tests.values()))["users"]
    parts = (f"{plain(name)} {_difference(test)}" for name, test in tests.items())
    return f"test {metric} above the baselines, paired over {users} users: {'; '.join(parts)}"


def _difference(test: dict[str, Any]) -> str:
    if test["p"] is None:
        return f"{test['difference']:+.4f}"
    return f"{test['difference']:+.4f} ± {test['standard_error']:.4f} (p = {test['p']:.2g})"


def _cold_line(cold: dict[str, Any]) -> str:
    parts = [f"{name} {_cold_split(found)}" for name, found in cold.items()]
    return f"items unseen in training: {'; '.join(parts)}"


def _cold_split(found: dict[str, Any]) -> str:
    if not found["interactions"]:
        return "none"
    return (
        f"{found['interactions']} interactions with {found['items']} items, recall@20 "
        f"{found['among_all']['recall@20']:.4f} among all items, "
        f"{found['among_cold']['recall@20']:.4f} among these {found['candidates']} alone "
        f"(chance {min(1.0, 20 / found['candidates']):.4f})"
    )


def _lists_line(lists: dict[str, float]) -> str:
    return (
        f"first 20 at test: coverage {lists['coverage@20']:.3f}, novelty "
        f"{lists['novelty@20']:.2f} bits, popularity {lists['popularity@20']:.1f}, "
        f"Gini {lists['gini@20']:.3f}"
    )


def _run_line(result: dict[str, Any]) -> str:
    scored = result["users_scored"]
    last = "test" if "test" in scored else "valid"
    left_out = scored["of"] - scored[last]
    return (
        f"{result['model']} on {result['dataset']}: {_chosen(result)}, {result['seconds']:.0f} s; "
        f"{scored[last]} users scored, {left_out} without {last} items left out"
    )


def _chosen(result: dict[str, Any]) -> str:
    by = f"chosen on {result['selection']} {result['selection_metric']}"
    if result["epochs"]:
        return f"{_epochs(result)}, {by}"
    return f"fitted with {chosen(result)}" if chosen(result) else "fitted"


def _epochs(result: dict[str, Any]) -> str:
    if "seeds" not in result:
        return f"epoch {result['best_epoch']} of {result['epochs']}"
    best = [own["best_epoch"] for own in result["seeds"]]
    seeds = [own["seed"] for own in result["seeds"]]
    first, last = min(best), max(best)
    epochs = f"epoch {first}" if first == last else f"epochs {first} to {last}"
    return f"seeds {seeds[0]} to {seeds[-1]}, mean ± standard error, {epochs} of {result['epochs']}"


def planted_lines(result: dict[str, Any]) -> str:
    """What a model found of the truth of planted data, where it tells triples apart."""
    auc = (
        f"an item's relevant triples rank over its irrelevant ones with AUC "
        f"{result['planted']['relation_auc']:.3f} (0.5 is chance)"
    )
    popular = result["baselines"].get("most_popular")
    if popular is None or "test" not in result:
        return f"planted truth: {auc}"
    ratio = result["test"]["recall@20"] / max(popular["test"]["recall@20"], 1e-12)
    return f"planted truth: test recall@20 is {ratio:.1f} x most popular; {auc}"


def next_lines(run: Path) -> str:
    """Where a run's report is, and what may be done with the run; of the files that are there."""
    lines = [f"report: {run / REPORT}"] if (run / REPORT).exists() else []
    if (run / MODEL).exists():
        place = shlex.quote(str(run))
        lines += [
            f"lists:  python -m launch.recommend --workdir={place} --all --output=lists.csv",
            f"browse: python -m launch.serve --workdir={place}",
        ]
    return "\n".join(lines)
