"""One flag file with several seeds: mean test scores with their standard error.

    python -m benchmarks.seeds --seeds=0,1,2 --out=DIR -- --flagfile=launch/tiktok.flags

Every seed is a process and a run directory of its own under DIR; finished ones are not
repeated. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

METRICS = ("recall@20", "ndcg@20")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("flags", nargs="+")
    options = parser.parse_args()
    results = [_run(options.out, int(s), options.flags) for s in options.seeds.split(",")]
    print(
        "| seed | best epoch | epochs | valid recall@20 | test recall@20 | test ndcg@20 | wall s |"
    )
    print("|---|---|---|---|---|---|---|")
    for seed, (result, wall) in zip(options.seeds.split(","), results, strict=True):
        print(
            f"| {seed} | {result['best_epoch']} | {result['epochs']} | "
            f"{result['valid']['recall@20']:.4f} | {result['test']['recall@20']:.4f} | "
            f"{result['test']['ndcg@20']:.4f} | {wall:.0f} |"
        )
    for metric in METRICS:
        values = np.array([result["test"][metric] for result, _ in results])
        error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
        print(f"test {metric}: {values.mean():.4f}, standard error {error:.4f}")
    for name, found in results[0][0]["baselines"].items():
        if "test" in found:
            print(f"{name}: {found['test']['recall@20']:.4f} / {found['test']['ndcg@20']:.4f}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"peak memory of a process: {peak:.2f} GiB")


def _run(out: Path, seed: int, flags: list[str]) -> tuple[dict, float]:
    workdir = out / f"seed{seed}"
    begun = time.perf_counter()
    command = [sys.executable, "-m", "launch.main", *flags, f"--seed={seed}"]
    subprocess.run([*command, f"--workdir={workdir}"], check=True, stdout=subprocess.DEVNULL)
    return json.loads((workdir / "result.json").read_text()), time.perf_counter() - begun


if __name__ == "__main__":
    main()
