"""Trials of one shape in one process, for `launch.sweep --vmap`: --group=FILE lists them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags as absl_flags

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.studies.plan import changed
from kdiffe_jax.studies.search import DIVERGED, DONE, PRUNED, Trial, should_prune
from kdiffe_jax.studies.sweep_file import Pruning
from kdiffe_jax.training import trials as together
from kdiffe_jax.training.loop import check_selection_metric
from kdiffe_jax.training.problem import build_problem
from kdiffe_jax.training.run_directory import RunDirectory
from launch import flags
from launch.command import guarded
from launch.compiled import keep_compiled

FLAGS = absl_flags.FLAGS


def main(argv: Sequence[str]) -> int:
    """Trains the trials of a file; see `guarded` for the exit status."""
    return guarded(lambda: _command(argv), FLAGS, interrupted="stopped")


def _command(argv: Sequence[str]) -> None:
    flags.define(FLAGS)
    absl_flags.DEFINE_string("group", None, "JSON: trials, pruning, peers", flag_values=FLAGS)
    flags.parse(argv, FLAGS)
    keep_compiled(flags.cache_dir(FLAGS))
    try:
        group = json.loads(Path(FLAGS.group).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"--group={FLAGS.group}: not readable: {error}") from error
    _train(group)


def _train(group: dict[str, Any]) -> None:
    config, dataset = flags.config(FLAGS), flags.load(FLAGS)
    check_selection_metric(config)
    metric = config.eval.selection_metric
    peers = [Trial(n, {}, DONE, tuple(curve)) for n, curve in enumerate(group["peers"])]
    rule = Pruning(*group["pruning"]) if group["pruning"] else None

    def goes_on(curve: tuple[float, ...]) -> bool:
        return not should_prune(Trial(len(peers), {}, curve=curve), peers, rule)

    run = RunDirectory(flags.workdir(FLAGS))
    identity = {**flags.data_identity(FLAGS), "data_sha256": dataset.fingerprint()}
    with run.claim({**identity, **config.to_flat(), "group": group}):
        problem = build_problem(
            dataset,
            config,
            cache_dir=flags.cache_dir(FLAGS),
            say=print,
            limits=flags.limits(FLAGS),
        )
        configs = [changed(config, values) for values in group["trials"]]
        trials = together.trials_of(problem, configs)
        history = together.train_trials(
            problem, trials, run, goes_on=goes_on, on_epoch=_say_epoch, say=print
        )
        ended = []
        for trial in range(len(configs)):
            curve = together.curve_of(history, trial, metric)
            state = DONE if goes_on(curve) else PRUNED
            state = DIVERGED if together.has_diverged(history, trial) else state
            ended.append({"state": state, "curve": curve})
        run.write_result({"selection_metric": metric, "trials": ended})


def _say_epoch(record: dict[str, Any]) -> None:
    training = len(record["members"])
    print(f"epoch {record['epoch']:3d}  {training} trials  {record['seconds']:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
