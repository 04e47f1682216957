"""What a process with eight fake devices finds: python eight_devices.py DIRECTORY.

The same work on one device and on meshes, left as `found.npz` for the tests beside it.
"""

import dataclasses
import math
import re
import shutil
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.sparse import BCOO
from kdiffe_jax.models.kdiffe.similarity_on_mesh import similarity_on_mesh
from kdiffe_jax.training.on_mesh import epoch_batches
from kdiffe_jax.training.state import initial_state

from kdiffe_jax.data.synthetic import planted_dataset
from kdiffe_jax.evaluation.ranking import evaluate, ranking_task
from kdiffe_jax.graph.laplacian import drop_edges
from kdiffe_jax.models.kdiffe.options import GraphConfig
from kdiffe_jax.models.kdiffe.similarity import attention_similarity
from kdiffe_jax.ops.propagate import propagate, propagate_items
from kdiffe_jax.ops.sparse import laplacian_blocks
from kdiffe_jax.parallel.evaluation import (
    _metrics,
    evaluate_split,
    padded_rows,
    split_task,
    view_shardings,
)
from kdiffe_jax.parallel.mesh import build_mesh, parse_axes
from kdiffe_jax.parallel.row_blocks import Entries, row_blocks
from kdiffe_jax.parallel.tables import bytes_per_device, gather, split
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.loop import train
from kdiffe_jax.training.many_seeds import train_members
from tests.small_model import SIZES, small_problem

GRIDS = ("data:8", "data:4,model:2", "data:4", "data:1")
WIDE = ("data:8", "data:4,model:2")
RANKING = (*WIDE, "data:2,model:4")
N_USERS, N_ITEMS = 13, 11
WIDER = dataclasses.replace(SIZES, users=601, items=397, interactions_per_user=20)
WIDTH = 64
TABLES = [jnp.ones((rows, WIDTH)) for rows in (WIDER.users, WIDER.items)]


def mesh_of(grid):
    return build_mesh(grid, jax.devices()[: math.prod(parse_axes(grid).values())])


def propagated(laplacian, users, items, upstream):
    """Both products over the layers, and the gradients of a weighted sum of them."""

    def total(users, items):
        both = propagate(laplacian, users, items, layers=3)
        alone = propagate_items(laplacian, items, layers=3)
        found = jnp.concatenate([*both, *alone])
        return (found * upstream).sum(), found

    (_, found), gradients = jax.value_and_grad(total, argnums=(0, 1), has_aux=True)(users, items)
    return jnp.concatenate([found, *gradients])


def propagation(rng, *, loops):
    matrix = np.zeros((N_USERS + N_ITEMS,) * 2, np.float32)
    block = rng.random((N_USERS, N_ITEMS)) * (rng.random((N_USERS, N_ITEMS)) < 0.3)
    block[-4:] = 0  # ranges of rows without an entry
    matrix[:N_USERS, N_USERS:] = block
    matrix += matrix.T + loops * np.diag(rng.random(len(matrix))).astype(np.float32)
    laplacian = laplacian_blocks(BCOO.fromdense(matrix).sort_indices(), n_users=N_USERS)
    sizes = (N_USERS, N_ITEMS, 2 * len(matrix))
    dense = [jnp.asarray(rng.normal(size=(rows, 3)), jnp.float32) for rows in sizes]
    with_dropped = jax.jit(lambda laplacian: dropped_too(laplacian, dense))
    yield "one", with_dropped(laplacian)
    for grid in WIDE:
        there = cut(grid, laplacian.to_users, np.arange(block.astype(bool).sum(), dtype=np.int32))
        back = cut(grid, laplacian.to_items, laplacian.to_users.to_transpose)
        yield grid, with_dropped(laplacian._replace(to_users=there, to_items=back))


def cut(grid, operator, edges):
    found = map(np.asarray, (operator.values, operator.rows, operator.columns, edges))
    n_rows, n_entries = len(operator.row_starts) - 1, len(edges)
    return row_blocks(Entries(*found), mesh_of(grid), n_rows=n_rows, n_entries=n_entries)


def dropped_too(laplacian, dense):
    """With all edges, and with 2 of 5 dropped."""
    fewer = drop_edges(laplacian, jax.random.key(3), 0.4)
    return {"all": propagated(laplacian, *dense), "dropped": propagated(fewer, *dense)}


def laid_out(grid, *tables):
    mesh = mesh_of(grid)
    return mesh, jax.jit(partial(padded_rows, mesh), out_shardings=view_shardings(mesh))(*tables)


def evaluation(rng):
    """Few distinct scores, so that many places are decided by item id."""
    tables = [jnp.asarray(rng.integers(-1, 2, (n, 3)), jnp.float32) for n in (N_USERS, N_ITEMS)]
    pairs = np.argwhere(rng.random((N_USERS, N_ITEMS)) < 0.4).astype(np.int32)
    pairs = pairs[pairs[:, 0] != 5]
    sizes = dict(n_users=N_USERS, n_items=N_ITEMS)
    task = ranking_task(pairs[::2], pairs[1::2], **sizes)
    yield "one", evaluate(*tables, task, block=4, cutoffs=(2, 5))
    for grid in RANKING:
        mesh, laid = laid_out(grid, *tables)
        task = split_task(mesh, pairs[::2], pairs[1::2], **sizes)
        yield grid, evaluate_split(mesh, *laid, task, n_items=N_ITEMS, block=4, cutoffs=(2, 5))


def view_bytes():
    for grid in (*RANKING, "data:1"):
        yield grid, np.array(list(bytes_per_device(laid_out(grid, *TABLES)[1]).values()))


def similarity(rng, directory):
    pairs = np.unique(rng.integers(0, [N_USERS, N_ITEMS], (60, 2)), axis=0).astype(np.int32)
    sizes = dict(n_users=N_USERS, n_items=N_ITEMS, config=GraphConfig())
    yield "one", attention_similarity(pairs, **sizes)
    for grid in (*WIDE, "data:4"):
        cache = directory / f"cache of {grid}"
        make = partial(similarity_on_mesh, mesh_of(grid), pairs, directory=cache, **sizes)
        yield grid, make()
        (file,) = cache.iterdir()
        np.save(file, np.full(len(pairs), 0.25, np.float32))
        yield f"{grid}, stored", make()


def shortened(setup, epochs):
    config = setup.parts.config
    train_settings = dataclasses.replace(config.train, epochs=epochs, patience=epochs)
    config = dataclasses.replace(config, train=train_settings)
    return setup._replace(parts=setup.parts._replace(config=config))


def numbers_of(model):
    last = model.history[-1]
    numbers = {f"loss {n}": v for n, v in last.items() if isinstance(v, float) and n != "seconds"}
    params = {jax.tree_util.keystr(p): leaf for p, leaf in jax.tree.leaves_with_path(model.params)}
    tables = {"view users": model.view.users, "view items": model.view.items}
    return numbers | last["valid"] | params | tables


def trained(setup, directory, epochs):
    directory.mkdir(exist_ok=True)
    setup, run = shortened(setup, epochs), RunDirectory(directory)
    if setup.parts.config.train.num_seeds == 1:
        return numbers_of(train(setup, run, on_epoch=lambda r: None, log=print))
    found = train_members(setup, run, on_epoch=lambda r: None, log=print)
    return {
        f"member {place} {name}": value
        for place, model in enumerate(found.models)
        for name, value in numbers_of(model).items()
    }


def training(directory, **changes):
    """Two epochs on one device; one on eight and then one on one or four."""
    sizes = dataclasses.replace(SIZES, users=61, items=47)
    make = partial(small_problem, directory / "cache", planted_dataset(sizes), layers=1, **changes)
    setup = make()
    runs = directory / "-".join(["runs", *changes])
    runs.mkdir()
    yield "one", trained(setup, runs / "one", 2)
    yield "eight", trained(make(mesh=mesh_of("data:4,model:2")), runs / "eight", 1)
    for name, again in {
        "eight, then one": setup,
        "eight, then four": make(mesh=mesh_of("data:4")),
    }.items():
        shutil.copytree(runs / "eight", runs / name)
        yield name, trained(again, runs / name, 2)


def batches(directory):
    """One epoch's arrays as they lie on the mesh, and the bytes of each device."""
    make = partial(small_problem, directory / "cache", planted_dataset(WIDER), batch_size=1022)
    yield "one", epoch_batches(make(), 1)._asdict()
    for grid in GRIDS:
        laid = epoch_batches(make(mesh=mesh_of(grid)), 1)
        held = np.array(list(bytes_per_device(laid).values()))
        yield grid, laid._asdict() | {"bytes": held}


def state_bytes(directory):
    setup = small_problem(directory / "cache")
    state = initial_state(setup.parts, setup.graphs)
    for grid in GRIDS:
        placed = split(mesh_of(grid), state)
        jax.tree.map(
            np.testing.assert_array_equal, gather(placed.params, state.params), state.params
        )
        yield grid, np.array(list(bytes_per_device(placed).values()))


def embeddings_that_travel():
    """How many arrays of a table's width the ranking gathers or adds up over devices."""
    for grid in RANKING:
        mesh, (users, items) = laid_out(grid, *TABLES)
        pairs = np.stack([np.arange(WIDER.users), np.arange(WIDER.users) % WIDER.items], axis=1)
        task = split_task(mesh, pairs, pairs, n_users=WIDER.users, n_items=WIDER.items)
        settings = dict(n_items=WIDER.items, block=64, cutoffs=(5,))
        program = _metrics.lower(mesh, users, items, task.laid, **settings).compile().as_text()
        lines = [line.split(" = ")[-1] for line in program.splitlines()]
        sent = [line for line in lines if re.search(r"(all|collective)-[a-z-]+\(", line)]
        yield grid, np.array([len(sent), sum(f",{WIDTH}]" in line for line in sent)])


def graph_bytes(directory):
    """Of the Laplacian, with the numbers of the edges, which dropping needs; of the guidance."""
    make = partial(small_problem, directory / "cache", planted_dataset(WIDER), contrast="edge_drop")
    for grid in GRIDS:
        graphs = make(mesh=mesh_of(grid)).graphs
        for name in ("laplacian", "item_users"):
            held = bytes_per_device(getattr(graphs, name))
            yield f"{name}/{grid}", np.array(list(held.values()))


def main(directory):
    rng = np.random.default_rng(0)
    found = {
        "propagation": dict(propagation(rng, loops=False)),
        "loops": dict(propagation(rng, loops=True)),
        "similarity": dict(similarity(rng, directory)),
        "evaluation": dict(evaluation(rng)),
        "training": dict(training(directory)),
        "seeds": dict(training(directory, num_seeds=2)),
        "edge_drop": dict(training(directory, contrast="edge_drop")),
        "batches": dict(batches(directory)),
        "bytes": dict(state_bytes(directory)),
        "embeddings that travel": dict(embeddings_that_travel()),
        "view bytes": dict(view_bytes()),
        "graph bytes": dict(graph_bytes(directory)),
    }
    flat = {
        "/".join(str(key.key) for key in path): np.asarray(leaf)
        for path, leaf in jax.tree.leaves_with_path(found)
    }
    np.savez(directory / "found.npz", **flat)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
