"""Runs on planted data side by side: python -m launch.planted RUN [RUN ...]."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags as absl_flags
from absl.flags import FlagValues

from kdiffe_jax.errors import RunError
from kdiffe_jax.report.words import plain
from kdiffe_jax.storage.run_directory import RunDirectory
from launch.command import Command

_METRICS = ("recall@20", "ndcg@20")


def compare(results: dict[str, dict[str, Any]]) -> str:
    """The first run beside its baselines, and what each run found of the planted truth.

    Args:
      results: what result.json holds, by the name of the run.
    """
    name, first = next(iter(results.items()))
    beside = {plain(n): found["test"] for n, found in first["baselines"].items() if "test" in found}
    lines = ["planted data, test split", *_table({name: first["test"]} | beside), ""]
    lines += ["what the knowledge graph is worth, and what the denoiser finds of its truth"]
    return "\n".join(lines + _truths(results))


def _table(rows: dict[str, dict[str, float]]) -> list[str]:
    width = max(map(len, rows))
    head = " " * width + "".join(f"{metric:>12}" for metric in _METRICS)
    return [head] + [
        f"{name:<{width}}" + "".join(f"{found[metric]:12.4f}" for metric in _METRICS)
        for name, found in rows.items()
    ]


def _truths(results: dict[str, dict[str, Any]]) -> list[str]:
    """A line a run; the AUC is of relevant over irrelevant triples within an item."""
    table = _table({name: result["test"] for name, result in results.items()})
    found = [result.get("planted", {}) for result in results.values()]
    told = [
        f"{1 - planted['relevant_share']:12.0%}{planted['relation_auc']:8.3f}" if planted else ""
        for planted in found
    ]
    lines = [f"{table[0]}{'irrelevant':>12}{'AUC':>8}"]
    lines += [f"{line}{more}" for line, more in zip(table[1:], told, strict=True)]
    if any(found):
        lines.append("AUC: of relevant over irrelevant triples within an item; 0.5 is chance")
    return lines


def define(values: FlagValues) -> None:
    """Registers every flag of the command."""
    absl_flags.DEFINE_bool("debug", False, "show the traceback of an error", flag_values=values)


def _work(_: FlagValues, runs: Sequence[str]) -> None:
    if not runs:
        raise RunError("no runs to compare; usage: python -m launch.planted RUN [RUN ...]")
    names = [Path(path).name for path in runs]
    unique = len({*names}) == len(names)
    print(compare(dict(zip(names if unique else runs, map(_result, runs), strict=True))))


def _result(path: str) -> dict[str, Any]:
    run = RunDirectory(path)
    result, config = run.result(), run.config() or {}
    if result is None or config.get("dataset") != "synthetic" or "test" not in result:
        raise RunError(
            f"{path}: no finished run on planted data; train it with --dataset=synthetic"
        )
    return result


_COMMAND = Command(
    __doc__, lambda argv, values: define(values), _work, "stopped; run it again", takes_words=True
)
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
