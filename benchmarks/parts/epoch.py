"""One whole epoch as the loop runs it, and where its time goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from kdiffe_jax.training.state import TrainState, initial_state, view_of

from benchmarks.harness import Case, Part, Row, Work
from benchmarks.parts import contrast, denoiser, knowledge, propagation, ranking, reverse
from benchmarks.parts.sizes import Sizes, random_dataset
from kdiffe_jax.config import Config
from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.models.kdiffe.rebuild import KeptRelations
from kdiffe_jax.ops.losses import squared_norm
from kdiffe_jax.training.epoch import compile_parts, traced_of
from kdiffe_jax.training.loop import score
from kdiffe_jax.training.setup import TrainSetup, build_setup

_OF_EPOCH = ("batches drawn", "all steps", "rebuild", "encode", "validation ranking")
_OF_STEPS = ("views, forward and backward", "InfoNCE", "denoiser", "norm and Adam")
_CALLS = 10


def part(sizes: Sizes) -> Part:
    """The epoch, its calls, and the pieces of its steps taken alone."""
    run, whole_nce = (_Run(sizes, negatives) for negatives in ("batch", "all"))
    steps = run.setup.sampler.steps
    pieces = {
        "whole epoch": run.epoch,
        "batches drawn": run.batches,
        "all steps": run.steps,
        "rebuild": run.rebuild,
        "encode": run.encode,
        "validation ranking": run.validate,
    }
    works = {"whole epoch": _epoch_work(run), "all steps": _steps_work(run)}
    cases = [
        Case(name, piece, work=works.get(name), memory=name == "whole epoch")
        for name, piece in pieces.items()
    ]
    cases += _step_pieces(run, sizes)
    cases.append(Case("whole epoch, InfoNCE over all nodes", whole_nce.epoch))
    return Part(
        f"one epoch: {sizes.users} users, {sizes.items} items, {sizes.train} interactions, "
        f"{sizes.entities} entities, {steps} steps, d = {run.setup.parts.encoder.dim}",
        cases,
        check=lambda: _check(run),
        remarks=_split,
    )


class _Carried(NamedTuple):
    state: TrainState
    kept: KeptRelations


class _Run:
    """A training whose epochs can be run again and again."""

    def __init__(self, sizes: Sizes, negatives: str):
        config = Config.from_flat({"negatives": negatives})
        self.setup: TrainSetup = build_setup(
            random_dataset(sizes),
            config,
            cache_dir=Path(os.environ["KDIFFE_CACHE"]),
            log=lambda line: None,
        )
        self.compiled = compile_parts(self.setup.parts)
        state = initial_state(self.setup.parts, self.setup.graphs)
        self.carried = _Carried(state, self._rebuilt(state))
        self.drawn = self.batches()

    def batches(self) -> Batch:
        return Batch(*(jnp.asarray(a) for a in self.setup.sampler.epoch(0)))

    def steps(self) -> Any:
        state, kept = self.carried
        state, terms = self.compiled.epoch(
            state, self.drawn, self.setup.graphs, kept, traced_of(self.setup.parts)
        )
        self.carried = _Carried(state, kept)
        return terms

    def rebuild(self) -> KeptRelations:
        return self._rebuilt(self.carried.state)

    def _rebuilt(self, state: TrainState) -> KeptRelations:
        return self.compiled.rebuild(state.params, self.setup.graphs, state.key, jnp.int32(0))

    def encode(self):
        return self.compiled.encode(self.carried.state.params, self.setup.graphs)

    def validate(self) -> dict[str, float]:
        return score(self.setup, self.encode(), self.setup.valid)

    def epoch(self) -> dict[str, float]:
        self.drawn = self.batches()
        jax.device_get(self.steps())
        self.carried = self.carried._replace(kept=self.rebuild())
        return self.validate()


def _step_pieces(run: _Run, sizes: Sizes) -> list[Case]:
    """Each is called a few times and scaled to all steps; their sum may differ from the steps'
    time, which XLA compiles together."""
    parts, graphs = run.setup.parts, run.setup.graphs
    params = run.carried.state.params
    params = jax.tree.map(jnp.copy, params)
    steps = run.setup.sampler.steps

    @jax.jit
    def view_gradient(params, graphs, cotangent):
        _, pull = jax.vjp(lambda p: view_of(parts, p, graphs, graphs.knowledge), params)
        return pull(cotangent)

    @jax.jit
    def update(params, gradient, opt_state):
        gradient = jax.tree.map(jnp.add, gradient, jax.grad(squared_norm)(params))
        return parts.optimizer.update(gradient, opt_state, params)

    cotangent = run.encode()
    opt_state = parts.optimizer.init(params)
    nce = contrast.part(sizes).cases[-1].run
    rows = denoiser.part(sizes).cases[-1].run
    runs = (
        lambda: view_gradient(params, graphs, cotangent),
        nce,
        rows,
        lambda: update(params, params, opt_state),
    )
    scales = (2 * steps, steps, steps, steps)
    return [
        Case(f"{name}, alone", _often(piece), scale=scale / _CALLS, memory=False)
        for name, piece, scale in zip(_OF_STEPS, runs, scales, strict=True)
    ]


def _often(piece):
    def run():
        for _ in range(_CALLS):
            jax.block_until_ready(piece())

    return run


def _steps_work(run: _Run) -> Work:
    setup = run.setup
    sizes, dim = setup.dataset, setup.parts.encoder.dim
    nodes = sizes.n_users + sizes.n_items
    layers, width = setup.parts.encoder.layers, setup.parts.denoiser.width
    batch = setup.parts.config.train.batch_size
    view = propagation.propagation_work(nodes, 2 * len(sizes.train), dim=dim, layers=layers).plus(
        knowledge.knowledge_work(_sizes_of(setup), len(sizes.triples), dim=dim)
    )
    rows = -(-sizes.n_items // setup.sampler.steps)
    step = (
        view.times(2)
        .plus(contrast.contrast_work(batch, 2 * batch, dim=dim))
        .plus(denoiser.denoiser_work(rows, sizes.n_entities, width))
    )
    return step.times(setup.sampler.steps)


def _epoch_work(run: _Run) -> Work:
    setup = run.setup
    rebuild = reverse.reverse_work(
        setup.dataset.n_items,
        setup.dataset.n_entities,
        setup.parts.denoiser.width,
        setup.parts.config.diffusion.timesteps,
    )
    ranked = ranking.ranking_work(
        len(setup.valid.users), setup.dataset.n_items, dim=setup.parts.encoder.dim
    )
    return _steps_work(run).plus(rebuild).plus(ranked)


def _sizes_of(setup: TrainSetup) -> Sizes:
    data = setup.dataset
    return Sizes(data.name, data.n_users, data.n_items, data.n_entities, 0, 0, 0, data.n_relations)


def _check(run: _Run) -> None:
    terms = jax.device_get(run.steps())
    for name, term in terms.items():
        assert (term.total == term.total).all(), f"{name} is not a number"


def _split(rows: list[Row]) -> list[str]:
    found = {row.name: row for row in rows}
    whole, steps = found["whole epoch"], found["all steps"]
    alone = {name: found[f"{name}, alone"].median for name in _OF_STEPS}
    inside = " ".join(f"{name} {_share(ms, steps.median)}," for name, ms in alone.items())
    calls = ", ".join(f"{name} {_share(found[name].median, whole.median)}" for name in _OF_EPOCH)
    return [
        f"The epoch takes {whole.median / 1e3:.2f} s, {whole.cpu / 1e3:.2f} s of CPU. Of it: "
        f"{calls}.",
        f"Of its steps, pieces taken alone: {inside} the rest "
        f"{_share(steps.median - sum(alone.values()), steps.median)}.",
    ]


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"
