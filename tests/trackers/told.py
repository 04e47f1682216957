"""What is told to a tracker: epochs, as the training loop tells them, and a result."""

import json
from pathlib import Path

CONFIG = {"model": "lightgcn", "learning_rate": 0.001, "guidance": True, "warm_start": None}


def record(epoch: int) -> dict:
    """One epoch as metrics.jsonl has it."""
    valid = {"recall@20": 0.1 * epoch, "ndcg@20": float("nan")}
    return {"epoch": epoch, "seconds": 0.5, "bpr": 1 / (epoch + 1), "valid": valid}


def write_history(directory: Path, epochs: int) -> None:
    directory.mkdir(exist_ok=True)
    lines = [json.dumps(record(epoch)) + "\n" for epoch in range(epochs)]
    (directory / "metrics.jsonl").write_text("".join(lines))


def train(tracker, run_dir: Path, epochs: range, seed: int | None = None) -> None:
    """Epochs as the training loop tells them: metrics.jsonl first, then the tracker."""
    for epoch in epochs:
        write_history(run_dir if seed is None else run_dir / f"seed{seed}", epoch + 1)
        tracker.on_epoch(record(epoch) if seed is None else {"seed": seed, **record(epoch)})


RESULT = {"best_epoch": 1, "valid": {"recall@20": 0.25}, "test": {"recall@20": 0.125}}
