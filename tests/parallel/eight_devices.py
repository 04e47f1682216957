"""What a process with eight fake devices finds: python eight_devices.py DIRECTORY.

The same work on one device and on meshes, left as `found.npz` for the tests beside it.
"""

import dataclasses
import math
import re
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.sparse import BCOO
from jax.sharding import NamedSharding, PartitionSpec

from kdiffe_jax.data.synthetic import planted_dataset
from kdiffe_jax.evaluation.ranking import evaluate, ranking_task
from kdiffe_jax.graph.drop_edges import drop_edges, drop_nodes
from kdiffe_jax.graph.drop_entries import thinned
from kdiffe_jax.graph.knowledge import knowledge_graph
from kdiffe_jax.models.kdiffe.graphs import weighted_by
from kdiffe_jax.models.kdiffe.knowledge_layer import KnowledgeLayer
from kdiffe_jax.models.kdiffe.options import WalkOptions
from kdiffe_jax.models.kdiffe.similarity_cache import cached_similarity
from kdiffe_jax.models.registry import MODELS, model_class, options_of
from kdiffe_jax.ops.k_means import k_means
from kdiffe_jax.ops.propagate import propagate, propagate_items
from kdiffe_jax.ops.sparse import laplacian_blocks
from kdiffe_jax.parallel.evaluation import (
    _ranks,
    evaluate_sharded,
    padded_rows,
    sharded_task,
    view_shardings,
)
from kdiffe_jax.parallel.mesh import build_mesh, parse_axes
from kdiffe_jax.parallel.row_blocks import Entries, row_blocks
from kdiffe_jax.parallel.tables import bytes_per_device, gather, replicate, shard, unpad
from kdiffe_jax.parallel.triples import split_triples
from kdiffe_jax.report.run_files import losses_of
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.loop import compile_setup, train
from kdiffe_jax.training.placement_on_mesh import OnMesh
from kdiffe_jax.training.step import initial_state
from tests.apart import MESHED
from tests.small_model import SIZES, small_problem

GRIDS = ("data:8", "data:4,model:2", "data:4", "data:1")
WIDE = ("data:8", "data:4,model:2")
RANKING = (*WIDE, "data:2,model:4")
HELD = ("data:1", "data:4")
TRAINED = tuple(n for n in MODELS if n in MESHED and not model_class(n).one_device)
RESUMED = {"kdiffe": "one", "lightgcn": "data:4"}  #: where a second epoch goes on
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


def propagation(rng):
    block = rng.random((N_USERS, N_ITEMS)) * (rng.random((N_USERS, N_ITEMS)) < 0.3)
    block[-4:] = 0  # ranges of rows without an entry
    matrix = np.zeros((N_USERS + N_ITEMS,) * 2, np.float32)
    matrix[:N_USERS, N_USERS:] = block
    matrix += matrix.T
    laplacian = laplacian_blocks(BCOO.fromdense(matrix).sort_indices(), n_users=N_USERS)
    sizes = (N_USERS, N_ITEMS, 2 * len(matrix))
    dense = [jnp.asarray(rng.normal(size=(rows, 3)), jnp.float32) for rows in sizes]
    with_dropped = jax.jit(lambda laplacian: dropped_too(laplacian, dense))
    yield "one", with_dropped(laplacian)
    for grid in WIDE:
        edges = np.arange(block.astype(bool).sum(), dtype=np.int32)
        to_users = by_rows(grid, laplacian.to_users, edges)
        to_items = by_rows(grid, laplacian.to_items, laplacian.to_users.to_transpose)
        yield grid, with_dropped(laplacian._replace(to_users=to_users, to_items=to_items))


def by_rows(grid, operator, edges):
    found = map(np.asarray, (operator.values, operator.rows, operator.columns, edges))
    n_rows, n_entries = len(operator.row_starts) - 1, len(edges)
    return row_blocks(Entries(*found), mesh_of(grid), n_rows=n_rows, n_entries=n_entries)


def dropped_too(laplacian, dense):
    """With all edges, and with 2 of 5 edges, nodes or entries dropped."""
    key, share = jax.random.key(3), 0.4
    graphs = {
        "all": laplacian,
        "dropped": drop_edges(laplacian, key, share),
        "without nodes": drop_nodes(laplacian, key, share),
        "thinned": thinned(*laplacian, key, share),
    }
    return {name: propagated(graph, *dense) for name, graph in graphs.items()}


def knowledge(rng):
    """The knowledge layer and its gradients, 23 triples, as given and weighted."""
    items, entities = np.divmod(rng.permutation(10 * 5)[:18], 5)
    items, entities = (np.append(a, b) for a, b in ((items, [10] * 5), (entities, range(5))))
    order, relations = np.lexsort((entities, items)), rng.integers(0, 2, 23)
    triples = items[order], relations, entities[order], np.ones(23, np.float32)
    graph = knowledge_graph(*map(jnp.asarray, triples), n_items=N_ITEMS, n_entities=5)
    own = jnp.asarray(rng.random(23), jnp.float32)
    tables = [jnp.asarray(rng.normal(size=(n, 3)), jnp.float32) for n in (N_ITEMS, 5)]
    layer = KnowledgeLayer(2, 3)
    params, upstream = layer.init(jax.random.key(0), *tables, graph), rng.normal(size=(N_ITEMS, 3))

    def total(arguments, graph):
        rows = layer.apply(*arguments, graph)
        return (rows * upstream).sum(), rows

    @jax.jit
    def found(graph):
        graphs = {"given": graph, "weighted": weighted_by(own, graph, 2.0)}
        of = jax.value_and_grad(total, has_aux=True)
        return {name: of((params, *tables), one) for name, one in graphs.items()}

    yield "one", found(graph)
    for grid in WIDE:
        yield grid, found(split_triples(mesh_of(grid), jax.device_get(graph)))


def clusters(rng):
    """k-means of a table whose rows do not divide, taken off its padding on the mesh."""
    table, key = jnp.asarray(rng.normal(size=(61, 3)), jnp.float32), jax.random.key(5)
    found = jax.jit(lambda rows, key: k_means(rows, key, clusters=7, block=20)._asdict())
    yield "one", found(table, key)
    for grid in WIDE:
        mesh = mesh_of(grid)
        whole = NamedSharding(mesh, PartitionSpec())
        on_mesh = jax.jit(lambda rows, key: found(unpad(rows, table), key), out_shardings=whole)
        yield grid, on_mesh(shard(mesh, table), replicate(mesh, key))


def laid_out(grid, *tables):
    mesh = mesh_of(grid)
    return mesh, jax.jit(partial(padded_rows, mesh), out_shardings=view_shardings(mesh))(*tables)


def evaluation(rng):
    """Few distinct scores, so that many ranks are decided by item id."""
    tables = [jnp.asarray(rng.integers(-1, 2, (n, 3)), jnp.float32) for n in (N_USERS, N_ITEMS)]
    pairs = np.argwhere(rng.random((N_USERS, N_ITEMS)) < 0.4).astype(np.int32)
    pairs = pairs[pairs[:, 0] != 5]
    sizes = dict(n_users=N_USERS, n_items=N_ITEMS)
    task = ranking_task(pairs[::2], pairs[1::2], n_users=N_USERS)
    yield "one", evaluate(*tables, task, block=4, cutoffs=(2, 5))
    for grid in RANKING:
        mesh, laid = laid_out(grid, *tables)
        task = sharded_task(mesh, pairs[::2], pairs[1::2], **sizes)
        yield grid, evaluate_sharded(mesh, *laid, task, block=4, cutoffs=(2, 5))


def view_bytes():
    for grid in (*RANKING, "data:1"):
        yield grid, np.array(list(bytes_per_device(laid_out(grid, *TABLES)[1]).values()))


def similarity(rng, directory):
    pairs = np.unique(rng.integers(0, [N_USERS, N_ITEMS], (60, 2)), axis=0).astype(np.int32)
    sizes = dict(n_users=N_USERS, n_items=N_ITEMS, options=WalkOptions())
    for name, devices in {"one": 1, "four": 4, "eight": 8}.items():
        cache = directory / f"cache of {name}"
        own = dict(directory=cache, devices=jax.devices()[:devices])
        yield name, cached_similarity(pairs, **sizes, **own)[0]
        (file,) = cache.iterdir()
        np.save(file, np.full(len(pairs), 0.25, np.float32))
        yield f"{name}, stored", cached_similarity(pairs, **sizes, **own)[0]


def numbers_of(trained):
    last = trained.history[-1]
    numbers = {f"loss {name}": value for name, value in losses_of(last).items()}
    leaves = jax.tree.leaves_with_path(trained.params)
    params = {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
    tables = {"view users": trained.view.users, "view items": trained.view.items}
    return numbers | last["valid"] | params | tables


def training(directory, model):
    """An epoch on one device and on eight; two models go on for another one elsewhere."""
    sizes = dataclasses.replace(SIZES, users=61, items=47)
    make = partial(small_problem, directory / "cache", planted_dataset(sizes), model=model)
    runs = directory / f"runs of {model}"

    def trained(name, epochs, setup, compiled=None):
        (runs / name).mkdir(parents=True, exist_ok=True)
        settings = dataclasses.replace(setup.config.train, epochs=epochs, patience=epochs)
        setup = setup._replace(config=dataclasses.replace(setup.config, train=settings))
        run = RunDirectory(runs / name)
        return numbers_of(train(setup, run, on_epoch=lambda r: None, log=print, compiled=compiled))

    fewer = {"layers": 1} if "layers" in options_of(model) else {}
    alone = make(**fewer)
    compiled = compile_setup(alone)
    yield "one", trained("one", 2 if model in RESUMED else 1, alone, compiled)
    eight = trained("eight", 1, make(**fewer, placement=OnMesh(mesh_of("data:4,model:2"))))
    if RESUMED.get(model) == "one":
        eight = trained("eight", 2, alone, compiled)
    elif model in RESUMED:
        eight = trained("eight", 2, make(**fewer, placement=OnMesh(mesh_of(RESUMED[model]))))
    yield "many", eight


def batches(directory):
    """One epoch's arrays as they lie on the mesh, and the bytes of each device."""
    make = partial(small_problem, directory / "cache", planted_dataset(WIDER), batch_size=1022)
    setup = make()
    yield "one", setup.placement.batches(setup.sampler, 1)._asdict()
    for grid in GRIDS:
        laid = OnMesh(mesh_of(grid)).batches(setup.sampler, 1)
        held = np.array(list(bytes_per_device(laid).values()))
        yield grid, laid._asdict() | {"bytes": held}


def state_bytes(directory):
    setup = small_problem(directory / "cache")
    state = initial_state(setup.model, setup.inputs, 0)
    for grid in GRIDS:
        placed = shard(mesh_of(grid), state)
        jax.tree.map(
            np.testing.assert_array_equal, gather(placed.params, state.params), state.params
        )
        yield grid, np.array(list(bytes_per_device(placed).values()))


def embeddings_that_travel():
    """How many arrays of a table's width the ranking gathers or adds up over devices."""
    for grid in RANKING:
        mesh, (users, items) = laid_out(grid, *TABLES)
        pairs = np.stack([np.arange(WIDER.users), np.arange(WIDER.users) % WIDER.items], axis=1)
        task = sharded_task(mesh, pairs, pairs, n_users=WIDER.users, n_items=WIDER.items)
        settings = dict(n_items=WIDER.items, block=64, first=5)
        program = _ranks.lower(mesh, users, items, task.laid, **settings).compile().as_text()
        lines = [line.split(" = ")[-1] for line in program.splitlines()]
        sent = [line for line in lines if re.search(r"(all|collective)-[a-z-]+\(", line)]
        yield grid, np.array([len(sent), sum(f",{WIDTH}]" in line for line in sent)])


def graph_bytes(directory):
    """Of the Laplacian, with the numbers of the edges, which dropping needs; of the guidance."""
    make = partial(small_problem, directory / "cache", planted_dataset(WIDER), contrast="edge_drop")
    for grid in GRIDS:
        inputs = make(placement=OnMesh(mesh_of(grid))).inputs
        for name in ("laplacian", "item_users"):
            held = bytes_per_device(getattr(inputs, name))
            yield f"{name}/{grid}", np.array(list(held.values()))


def epoch_bytes(directory):
    """A fresh state of KDiffE as it lies; what the program of an epoch reads and holds beside."""
    sizes = dataclasses.replace(WIDER, users=2401, items=1597)
    make = partial(small_problem, directory / "cache", planted_dataset(sizes), dim=WIDTH)
    for grid in HELD:
        setup = make(placement=OnMesh(mesh_of(grid)))
        compiled, inputs = compile_setup(setup), setup.inputs
        state, batches = compiled.initial(inputs, 0), setup.placement.batches(setup.sampler, 0)
        rest = batches, inputs, setup.model.first_carry(inputs), setup.traced()
        program = jax.jit(compiled.epoch).lower(state, *rest).compile().memory_analysis()
        yield f"state/{grid}", np.array(list(bytes_per_device(state).values()))
        yield grid, np.array([program.argument_size_in_bytes, program.temp_size_in_bytes])


def main(directory):
    rng = np.random.default_rng(0)
    found = {
        "propagation": dict(propagation(rng)),
        "knowledge": dict(knowledge(np.random.default_rng(2))),
        "clusters": dict(clusters(np.random.default_rng(1))),
        "similarity": dict(similarity(rng, directory)),
        "evaluation": dict(evaluation(rng)),
        **{f"training {name}": dict(training(directory, name)) for name in TRAINED},
        "batches": dict(batches(directory)),
        "bytes": dict(state_bytes(directory)),
        "embeddings that travel": dict(embeddings_that_travel()),
        "view bytes": dict(view_bytes()),
        "graph bytes": dict(graph_bytes(directory)),
        "epoch bytes": dict(epoch_bytes(directory)),
    }
    flat = {
        "/".join(str(getattr(key, "key", key)) for key in path): np.asarray(leaf)
        for path, leaf in jax.tree.leaves_with_path(found)
    }
    np.savez(directory / "found.npz", **flat)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
