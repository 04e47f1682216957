"""The compiled calls of an epoch with state, Laplacian and ranking split over many devices."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding

from kdiffe_jax.model.encoder import View
from kdiffe_jax.parallel.batches import split_batches, whole_batch
from kdiffe_jax.parallel.evaluation import padded_rows, view_shardings
from kdiffe_jax.parallel.processes import on_host
from kdiffe_jax.parallel.tables import WHOLE, cut, everywhere, gather, shardings, split
from kdiffe_jax.training.epoch import (
    Compiled,
    compile_parts,
    main_view,
    rebuild_relations,
    run_epoch,
    score_own_triples,
)
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.state import initial_state
from kdiffe_jax.types import Batch


def epoch_batches(problem: Problem, number: int) -> Batch:
    """The batches of an epoch as `compile_problem` takes them, on the problem's devices."""
    if problem.mesh is None:
        return Batch(*map(jnp.asarray, problem.sampler.epoch(number)))
    return split_batches(problem.mesh, problem.sampler, number)


def compile_problem(problem: Problem) -> Compiled:
    """The functions that the loop calls once an epoch, on the problem's devices.

    On a mesh they take and give the state as one device has it, on the host: this is what
    checkpoints hold, so they do not depend on the number of devices.
    """
    parts, mesh = problem.parts, problem.mesh
    if mesh is None:
        return compile_parts(parts)
    like = jax.eval_shape(partial(initial_state, parts), problem.graphs)
    unpadded = partial(cut, like=like.params)
    joined = partial(whole_batch, mesh, problem.sampler)
    on_all = NamedSharding(mesh, WHOLE)
    epoch = jax.jit(
        partial(run_epoch, parts._replace(read=unpadded, read_batch=joined)),
        donate_argnums=0,
        out_shardings=(shardings(mesh, like), on_all),
    )

    def run(state, batches, graphs, kept, strengths):
        kept, strengths = everywhere(mesh, (kept, strengths))
        after, terms = epoch(split(mesh, state), batches, graphs, kept, strengths)
        return gather(after, like), terms

    def of_params(function):
        compiled = jax.jit(
            lambda params, *rest: function(parts, unpadded(params), *rest), out_shardings=on_all
        )

        def call(params, graphs, *rest):
            found = compiled(split(mesh, params), graphs, *everywhere(mesh, rest))
            return jax.tree.map(jnp.asarray, jax.device_get(found))

        return call

    encode = jax.jit(
        lambda params, graphs: padded_rows(mesh, *main_view(parts, unpadded(params), graphs)),
        out_shardings=view_shardings(mesh),
    )
    sizes = parts.encoder.n_users, parts.encoder.n_items

    def whole_view(view):
        return View(*(jnp.asarray(on_host(t)[:n]) for t, n in zip(view, sizes, strict=True)))

    return Compiled(
        epoch=run,
        rebuild=of_params(rebuild_relations),
        encode=lambda params, graphs: View(*encode(split(mesh, params), graphs)),
        score_triples=of_params(score_own_triples),
        whole=whole_view,
    )
