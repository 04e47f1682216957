"""Learning curves of one or more runs as a picture (needs matplotlib).

python -m benchmarks.plot_run OUT.png RUN [RUN ...]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def main(argv: list[str]) -> None:
    figure, (score, terms) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for path in map(Path, argv[2:]):
        history = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
        result = json.loads((path / "result.json").read_text())
        epochs = [record["epoch"] for record in history]
        (line,) = score.plot(epochs, [r["valid"]["recall@20"] for r in history], label=path.name)
        best = result["best_epoch"]
        score.plot(best, history[best]["valid"]["recall@20"], "o", color=line.get_color())
        terms.plot(epochs, [r["bpr"] for r in history], color=line.get_color(), label="BPR")
        elbo = [r["elbo"] / history[0]["elbo"] for r in history]
        terms.plot(epochs, elbo, "--", color=line.get_color(), label="ELBO, share of epoch 0")
    popular = result["baselines"]["most_popular"]["valid"]["recall@20"]
    score.axhline(popular, color="grey", linestyle=":", label="most popular")
    score.set(xlabel="epoch", ylabel="validation recall@20", ylim=(0, None))
    terms.set(xlabel="epoch", ylabel="mean loss", ylim=(0, None))
    score.legend(frameon=False)
    terms.legend(frameon=False)
    for axis in (score, terms):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(argv[1], dpi=110)


if __name__ == "__main__":
    main(sys.argv)
