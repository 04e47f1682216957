"""How much memory and time a table of many interactions takes to become a Dataset.

    python -m benchmarks.prepare_memory --rows=10000000 --out=DIR

Writes DIR/interactions.csv unless it is there (a million users and 200,000 items at ten
million rows, popular items oftener), prepares it in a process of its own, and prints the
rows, the seconds and the peak of the memory that the process held.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

_CHUNK = 500_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default=10_000_000, type=int)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    table = options.out / "interactions.csv"
    if not table.exists():
        options.out.mkdir(parents=True, exist_ok=True)
        write_table(table, options.rows)
    begun = time.perf_counter()
    command = [sys.executable, "-m", "launch.prepare", "--source=tables", f"--input={options.out}"]
    flags = [f"--output={options.out / 'dataset'}", "--k_core=0", "--split=ratio"]
    subprocess.run([*command, *flags], check=True)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    size = table.stat().st_size / 2**20
    print(f"{options.rows:,} rows, {size:.0f} MiB: {seconds:.0f} s, peak {peak:.2f} GiB")


def write_table(path: Path, rows: int) -> None:
    """Writes a synthetic CSV of interactions, a chunk at a time; the name appears when done."""
    rng = np.random.default_rng(0)
    n_users, n_items = max(rows // 10, 1), max(rows // 50, 1)
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write("user_id,item_id,rating,timestamp\n")
        for begin in range(0, rows, _CHUNK):
            size = min(_CHUNK, rows - begin)
            users = rng.integers(n_users, size=size)
            items = (n_items * rng.random(size) ** 3).astype(np.int64)
            ratings = rng.integers(1, 6, size=size)
            times = rng.integers(1_300_000_000, 1_600_000_000, size=size)
            columns = (column.tolist() for column in (users, items, ratings, times))
            lines = (f"user-{u},B{i:09d},{r}.0,{t}\n" for u, i, r, t in zip(*columns, strict=True))
            file.write("".join(lines))
    draft.rename(path)


if __name__ == "__main__":
    main()
