"""One whole epoch as the loop runs it, and where its time goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.harness import Case, Part, Row, Work
from benchmarks.parts import contrast, denoiser, knowledge, propagation, ranking, reverse
from benchmarks.parts.sizes import Sizes, random_dataset
from kdiffe_jax.models.arrays import Batch, View
from kdiffe_jax.models.base import Carry
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.ops.losses import squared_norm
from kdiffe_jax.training.loop import compile_setup, fresh_start, score
from kdiffe_jax.training.setup import TrainSetup, build_setup
from kdiffe_jax.training.step import adam

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
        f"{sizes.entities} entities, {steps} steps, d = {run.setup.config.embedding.dim}",
        cases,
        check=lambda: _check(run),
        remarks=_split,
    )


class _Run:
    """A training whose epochs can be run again and again."""

    def __init__(self, sizes: Sizes, negatives: str):
        self.setup: TrainSetup = build_setup(
            random_dataset(sizes),
            make_config({"negatives": negatives}),
            cache_dir=Path(os.environ["KDIFFE_CACHE"]),
            log=lambda line: None,
        )
        self.compiled = compile_setup(self.setup)
        self.carried = fresh_start(self.setup, self.compiled)
        self.drawn = self.batches()

    def batches(self) -> Batch:
        return self.setup.placement.batches(self.setup.sampler, 0)

    def steps(self) -> Any:
        state, carry = self.carried
        traced = self.setup.traced()
        state, terms = self.compiled.epoch(state, self.drawn, self.setup.inputs, carry, traced)
        self.carried = self.carried._replace(state=state)
        return terms

    def rebuild(self) -> Carry:
        state, carry = self.carried
        inputs, epoch = self.setup.inputs, jnp.int32(0)
        return self.compiled.refresh(state.params, inputs, carry, state.key, epoch)

    def encode(self) -> View:
        state, carry = self.carried
        return self.compiled.view(state.params, self.setup.inputs, carry)

    def validate(self) -> dict[str, float]:
        return score(self.setup, self.encode(), self.setup.valid)

    def epoch(self) -> dict[str, float]:
        self.drawn = self.batches()
        jax.device_get(self.steps())
        self.carried = self.carried._replace(carry=self.rebuild())
        return self.validate()


def _step_pieces(run: _Run, sizes: Sizes) -> list[Case]:
    """Each is called a few times and scaled to all steps; their sum may differ from the steps'
    time, which XLA compiles together."""
    model, inputs = run.setup.model, run.setup.inputs
    params = jax.tree.map(jnp.copy, run.carried.state.params)
    steps = run.setup.sampler.steps

    @jax.jit
    def view_gradient(params, inputs, cotangent):
        _, pull = jax.vjp(lambda p: model.encode(p, inputs, inputs.knowledge), params)
        return pull(cotangent)

    @jax.jit
    def update(params, gradient, opt_state):
        gradient = jax.tree.map(jnp.add, gradient, jax.grad(squared_norm)(params))
        return adam().update(gradient, opt_state, params)

    cotangent = run.encode()
    opt_state = adam().init(params)
    nce = contrast.part(sizes).cases[-1].run
    rows = denoiser.part(sizes).cases[-1].run
    runs = (
        lambda: view_gradient(params, inputs, cotangent),
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
    setup, options = run.setup, run.setup.model.options
    sizes, dim = setup.dataset, setup.config.embedding.dim
    nodes = sizes.n_users + sizes.n_items
    layers, width = options.layers, options.denoiser_width
    batch = setup.config.train.batch_size
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
        setup.model.options.denoiser_width,
        setup.model.options.timesteps,
    )
    ranked = ranking.ranking_work(
        len(setup.valid.users), setup.dataset.n_items, dim=setup.config.embedding.dim
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
