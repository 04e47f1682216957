"""What one pass over the interactions takes, in a process of its own.

    python -m benchmarks.large.one_pass DIRECTORY SIZE MODEL PASS_STEPS STEPS FILE.json

The model has its preset "paper" with `pass_steps`; of the steps of a pass STEPS are run, 0 for
all. They are run once before, which compiles them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.large.stages import name_of
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.models.registry import make_config, preset
from kdiffe_jax.training.environment import peak_of_devices
from kdiffe_jax.training.loop import compile_setup, fresh_start
from kdiffe_jax.training.setup import TrainSetup, build_setup


def measured(setup: TrainSetup) -> dict[str, float | None]:
    """Seconds and core seconds of a pass: its batches, its steps, and the refresh after them."""
    compiled = compile_setup(setup)
    state, carry = fresh_start(setup, compiled)
    found: dict[str, float] = {}
    for number in range(2):
        draw = _Clock(setup.placement.batches, setup.sampler, number)
        steps = _Clock(compiled.epoch, state, draw.result, setup.inputs, carry, setup.traced())
        state = steps.result[0]
        following = state.key, jnp.int32(number + 1)
        again = _Clock(compiled.refresh, state.params, setup.inputs, carry, *following)
        carry = again.result
        times = setup.sampler.steps_of_pass / setup.sampler.steps
        for name in ("seconds", "core_seconds"):
            parts = [getattr(clock, name) for clock in (draw, steps, again)]
            found[name] = parts[0] + times * parts[1] + parts[2]
    return found | {
        "interactions": len(setup.dataset.train),
        "batch": setup.sampler.interactions_of_step,
        "steps": setup.sampler.steps_of_pass,
        "steps_run": setup.sampler.steps,
        "device_gb": peak_of_devices(jax.local_devices()[:1]),
    }


class _Clock:
    """Calls a function, and holds what it gave and took."""

    def __init__(self, function: Callable[..., Any], *arguments: Any):
        wall, cores = time.perf_counter(), time.process_time()
        self.result = jax.block_until_ready(function(*arguments))
        self.seconds = time.perf_counter() - wall
        self.core_seconds = time.process_time() - cores


def main(argv: list[str]) -> None:
    """Measures, and writes what was found."""
    directory, size, model, pass_steps, steps, file = argv[1:]
    data = read_dataset(Path(directory) / "dataset", name=name_of(int(size)))
    cuts = {"pass_steps": int(pass_steps), "epoch_steps": int(steps)}
    config = make_config({"model": model, **preset("paper", model), **cuts})
    setup = build_setup(data, config, cache_dir=Path(directory) / "cache", log=print)
    Path(file).write_text(json.dumps(measured(setup)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv)
