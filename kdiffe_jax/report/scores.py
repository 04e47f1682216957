"""The scores beside the baselines', with the paired tests, and each seed of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kdiffe_jax.report.gain import gain_of, paired_tests
from kdiffe_jax.report.markup import Markup, details, element, note, section, table
from kdiffe_jax.report.run_files import RunFiles
from kdiffe_jax.report.words import NOTHING, SPLITS, chosen, plain, score, signed

COLUMNS = ("recall@20", "ndcg@20", "precision@20", "hit@20", "mrr@20", "map@20")


class _Shown(NamedTuple):
    """A row of the table; `spread` is that over seeds, by metric."""

    name: str
    metrics: Mapping[str, float]
    split: str
    spread: Mapping[str, Any] | None = None


def scores(run: RunFiles) -> list[Markup]:
    """The sections on scores."""
    parts = [_beside_baselines(run.result)]
    if "seeds" in run.result:
        parts.append(_seeds(run.result))
    return parts


def _beside_baselines(result: dict[str, Any]) -> Markup:
    scored = {n: b for n, b in result["baselines"].items() if "left_out" not in b}
    spreads = result.get("over_seeds", {})
    ours = [
        _Shown(f"this model, {name}", result[s], s, spreads.get(s))
        for s, name in SPLITS.items()
        if s in result
    ]
    if "ensemble" in result:
        all_of_them = result["ensemble"]
        name = f"ensemble of {all_of_them['models']}"
        ours += [
            _Shown(f"{name}, {SPLITS[s]}", all_of_them[s], s) for s in SPLITS if s in all_of_them
        ]
    theirs = [_Shown(f"{plain(n)}, test", b["test"], "test") for n, b in scored.items()]
    best = _best(result, scored)
    rows = [[row.name, *(_cell(row, c, best) for c in COLUMNS)] for row in ours + theirs]
    parts = [table(["", *COLUMNS], rows, strong=[len(ours) - 1])]
    if scored:
        gains = (gain_of(result, metric) for metric in COLUMNS[:2])
        words = " ".join(gain.words() for gain in gains if gain)
        parts += [note(f"Bold figures are the best of the test split. {words}"), *_paired(scored)]
    parts += [
        note(f"{plain(name)} was left out: {found['left_out']}")
        for name, found in result["baselines"].items()
        if "left_out" in found
    ]
    return section("scores", "Scores", *parts, _all_metrics(result, ours, theirs))


def _best(result: dict[str, Any], scored: dict[str, Any]) -> dict[str, float]:
    """The best test score of each metric, where there is something to compare with."""
    if not scored or "test" not in result:
        return {}
    together = [result["ensemble"]["test"]] if "ensemble" in result else []
    rows = [result["test"], *together, *(found["test"] for found in scored.values())]
    return {column: max(row[column] for row in rows) for column in COLUMNS}


def _cell(row: _Shown, column: str, best: dict[str, float]) -> Any:
    said = score(row.metrics[column])
    if row.spread:
        said += f" ± {score(row.spread[column]['standard_error'])}"
    is_best = row.split == "test" and row.metrics[column] == best.get(column)
    return element("b", said) if is_best else said


def paired_by_metric(baselines: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The paired tests of scored baselines: metric -> baseline -> test.

    Args:
      baselines: of result.json, without those left out.

    Returns:
      Under recall@20 alone, where the run is older than tests of several metrics.

    >>> paired_by_metric({"ease": {"paired": {"ndcg@20": {"difference": 0.1}}}})
    {'ndcg@20': {'ease': {'difference': 0.1}}}
    """
    tests = {name: paired_tests(found) for name, found in baselines.items()}
    metrics = dict.fromkeys(metric for test in tests.values() for metric in test)
    return {m: {n: test[m] for n, test in tests.items() if m in test} for m in metrics}


def _paired(scored: dict[str, Any]) -> list[Markup]:
    by_metric = paired_by_metric(scored)
    return [_paired_table(metric, tests, scored) for metric, tests in by_metric.items()]


def _paired_table(metric: str, tests: dict[str, Any], scored: dict[str, Any]) -> Markup:
    rows = [
        [
            plain(name),
            chosen(scored[name]) or NOTHING,
            signed(test["difference"]),
            score(test["standard_error"]),
            NOTHING if test["p"] is None else f"{test['p']:.2g}",
        ]
        for name, test in tests.items()
    ]
    users = next(iter(tests.values()))["users"]
    return table(
        ["against", "tuned on validation", "difference", "standard error", "p"],
        rows,
        texts=2,
        caption=f"Test {metric} above each baseline, paired over {users:,} users (t test); p is "
        "of each test alone",
    )


def _all_metrics(result: dict[str, Any], ours: list, theirs: list) -> Markup:
    names = sorted(ours[0].metrics, key=lambda name: (name.split("@")[0], int(name.split("@")[1])))
    columns = ["metric", *(row.name for row in ours + theirs)]
    rows = [[n, *(score(row.metrics.get(n)) for row in ours + theirs)] for n in names]
    return details("All metrics and cut-offs", table(columns, rows))


def _seeds(result: dict[str, Any]) -> Markup:
    metric = result["selection_metric"]
    shown = list(dict.fromkeys([metric, "recall@20", "ndcg@20"]))
    columns = [("valid", metric)]
    if "test" in result:
        columns += [("test", name) for name in shown]
    rows = [
        [f"seed {o['seed']}", o["best_epoch"], o["epochs"], *(score(o[s][n]) for s, n in columns)]
        for o in result["seeds"]
    ]
    spreads = [result["over_seeds"][s][n] for s, n in columns]
    rows.append(["mean", f"{result['best_epoch']:.1f}", "", *(score(s["mean"]) for s in spreads)])
    rows.append(["standard error", "", "", *(score(s["standard_error"]) for s in spreads)])
    intervals = (" to ".join(map(score, s["interval_95"])) for s in spreads)
    rows.append(["95 % interval", "", "", *intervals])
    if "ensemble" in result:
        together = [score(result["ensemble"][s][n]) for s, n in columns]
        rows.append(["ensemble of them", "", "", *together])
    heads = ["", "chosen epoch", "epochs"]
    heads += [f"{name}, {SPLITS[s]}" for s, name in columns]
    said = "The interval is about seeds only: it does not cover which users are in the split."
    body = table(heads, rows, strong=[len(result["seeds"])])
    return section("seeds", "Seeds", body, note(said))
