"""Two settings over the same seeds: means, standard errors and paired differences.

    python -m benchmarks.compare FIRST SECOND

FIRST and SECOND are settings of a `launch.study`, such as DIR/full, or run directories of
`--num_seeds`. Prints a table in Markdown; t and p are of the paired t test over seeds. The
last lines are over test users, each user's metric being the mean over the seeds.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy import stats

CELLS = [(split, metric) for split in ("valid", "test") for metric in ("recall@20", "ndcg@20")]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    options = parser.parse_args(argv)
    first, second = _results(options.first), _results(options.second)
    seeds = sorted(first.keys() & second.keys())
    if len(seeds) < 2:
        raise SystemExit("error: fewer than two seeds are finished in both directories")
    print(f"seeds {', '.join(seeds)}: mean ± standard error\n")
    print(f"| | {options.first.name} | {options.second.name} | difference | t | p |")
    print("|---|---|---|---|---|---|")
    for split, metric in CELLS:
        a, b = (np.array([r[s][split][metric] for s in seeds]) for r in (first, second))
        test = stats.ttest_rel(a, b)
        cells = [_mean(a), _mean(b), _mean(a - b), f"{test.statistic:.1f}", f"{test.pvalue:.3f}"]
        print(f"| {split} {metric} | {' | '.join(cells)} |")
    print()
    for metric in dict.fromkeys(metric for _, metric in CELLS):
        a, b = (
            _per_user(directory, seeds, metric) for directory in (options.first, options.second)
        )
        test = stats.ttest_rel(a, b)
        print(
            f"test {metric} over {len(a):,} users: difference {_mean(a - b)}, "
            f"t = {test.statistic:.1f}, p = {test.pvalue:.4f}"
        )


def _results(directory: Path) -> dict[str, dict]:
    if (directory / "result.json").exists():
        members = json.loads((directory / "result.json").read_text()).get("members", [])
        return {str(member["seed"]): member for member in members}
    files = sorted(directory.glob("seed*/result.json"))
    return {file.parent.name.removeprefix("seed"): json.loads(file.read_text()) for file in files}


def _per_user(directory: Path, seeds: list[str], metric: str) -> np.ndarray:
    """Each test user's metric, the mean over the seeds."""
    whole = directory / "test_per_user.npz"
    if whole.exists():
        file = np.load(whole)
        return file[metric][np.isin(file["seeds"], np.array(seeds, np.int64))].mean(axis=0)
    files = [np.load(directory / f"seed{seed}" / "test_per_user.npz") for seed in seeds]
    return np.mean([file[metric] for file in files], axis=0)


def _mean(values: np.ndarray) -> str:
    return f"{values.mean():.4f} ± {values.std(ddof=1) / np.sqrt(len(values)):.4f}"


if __name__ == "__main__":
    main()
