"""The stages of a large data set, from raw tables to an evaluation, each a command.

Stages that no command of the program is alone are functions here, which a process of their
own calls: `python -m benchmarks.large.stages STAGE DIRECTORY SIZE`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.large.tables import write_tables
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.models.kdiffe.similarity_cache import cached_similarity
from kdiffe_jax.models.registry import make_config, options_of
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.loop import load_best, score
from kdiffe_jax.training.setup import build_setup

STAGES = ("tables", "prepare", "S", "train", "evaluate")
STEPS = 50
_TRAIN = ("--preset=paper", "--epochs=1", f"--epoch_steps={STEPS}", "--score_test=False")


def command_of(stage: str, directory: Path, size: int) -> list[str]:
    """The command of a stage; it reads what the stages before it left in the directory."""
    raw, dataset, run = (directory / name for name in ("raw", "dataset", "run"))
    python = [sys.executable, "-m"]
    if stage == "prepare":
        flags = [f"--input={raw}", f"--output={dataset}", "--split=given"]
        return [*python, "launch.prepare", "--source=tables", *flags]
    if stage == "train":
        where = [f"--data_dir={dataset}", f"--cache_dir={directory / 'cache'}", f"--workdir={run}"]
        return [*python, "launch.main", f"--dataset={name_of(size)}", *where, *_TRAIN]
    return [*python, "benchmarks.large.stages", stage, str(directory), str(size)]


def found_in(stage: str, directory: Path) -> dict[str, float]:
    """What a finished stage measured itself: seconds of the epoch, or of the evaluation."""
    if stage == "train":
        lines = (directory / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        return {"epoch_seconds": json.loads(lines[0])["seconds"]}
    own = directory / f"{stage}.json"
    return json.loads(own.read_text(encoding="utf-8")) if own.exists() else {}


def similarity(directory: Path, size: int) -> dict[str, float]:
    """Walks and Jaccard index, into the cache that the training reads."""
    data = read_dataset(directory / "dataset", name=name_of(size))
    begun = time.perf_counter()
    sizes = dict(n_users=data.n_users, n_items=data.n_items)
    options = make_config().options
    cached_similarity(data.train, options=options, directory=directory / "cache", **sizes)
    return {"work_seconds": time.perf_counter() - begun}


def evaluate(directory: Path, size: int) -> dict[str, float]:
    """Ranks all items for the users of the validation split, by the trained run."""
    run = RunDirectory(directory / "run")
    stored = run.config()
    names = ["model", *options_of(stored["model"])]
    config = make_config({name: stored[name] for name in names})
    data = read_dataset(directory / "dataset", name=name_of(size))
    setup = build_setup(data, config, cache_dir=directory / "cache", log=print)
    view = load_best(setup, run, log=print).view
    begun = time.perf_counter()
    metrics = score(setup, view, setup.valid)
    seconds = time.perf_counter() - begun
    return {"work_seconds": seconds, "users": len(setup.valid.users)} | {
        name: metrics[name] for name in ("recall@20",)
    }


def name_of(size: int) -> str:
    """The name of the data set of a size."""
    return f"large-{size}"


def main(argv: list[str]) -> None:
    """Runs one stage."""
    stage, directory, size = argv[1], Path(argv[2]), int(argv[3])
    if stage == "tables":
        write_tables(directory / "raw", size)
        return
    found = {"S": similarity, "evaluate": evaluate}[stage](directory, size)
    (directory / f"{stage}.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv)
