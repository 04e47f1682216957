"""The trained model as one file, for use without the data set."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import kdiffe_jax
from kdiffe_jax.graph.laplacian import entry_weights
from kdiffe_jax.graph.propagate import next_layer
from kdiffe_jax.model.encoder import Encoder
from kdiffe_jax.saved_model import MODEL, SavedModel, write_model
from kdiffe_jax.training.epoch import rebuild_relations
from kdiffe_jax.training.loop import Trained
from kdiffe_jax.training.problem import Problem
from kdiffe_jax.training.run_directory import RunDirectory
from kdiffe_jax.training.state import initial_state
from kdiffe_jax.types import Graphs


def save_model(problem: Problem, trained: Trained, run: RunDirectory) -> None:
    """Writes model.npz into a run directory; an older one is replaced when it is complete.

    Args:
      problem: as trained on.
      trained: one model; of several seeds, the one to be used.
      run: claimed.

    Raises:
      RunError: the file cannot be written.
    """
    write_model(model_of(problem, trained), run.path / MODEL)


def model_of(problem: Problem, trained: Trained) -> SavedModel:
    """All that recommending and explaining need, as arrays on the host."""
    dataset, graphs = problem.dataset, problem.graphs
    table = trained.params["encoder"]
    layers, attention, entities = _inner(problem.parts.encoder, table, graphs)
    passed_on = _passed_on(problem.parts.encoder, table, graphs)
    held_out = np.concatenate([dataset.valid, dataset.test])
    return SavedModel(
        about={
            "program": f"kdiffe_jax {kdiffe_jax.__version__}",
            "dataset": dataset.name,
            "best_epoch": trained.best_epoch,
            "config": problem.parts.config.to_flat(),
        },
        users=np.asarray(trained.view.users),
        items=np.asarray(trained.view.items),
        own_users=np.asarray(table["user_embedding"]),
        item_layers=np.asarray(layers),
        passed_on=np.asarray(passed_on),
        train=dataset.train,
        held_out=held_out[np.lexsort(held_out.T[::-1])],
        laplacian=np.asarray(graphs.laplacian.to_users.values),
        user_loops=_user_loops(graphs, dataset.n_users),
        item_degrees=_item_degrees(problem),
        similarity=np.asarray(problem.similarity, np.float32),
        triples=dataset.triples,
        attention=np.asarray(attention),
        kept=_kept_triples(problem, trained),
        entities=np.asarray(entities),
        relations=np.asarray(table["knowledge"]["relations"]),
        entity_weight=np.asarray(table["knowledge"]["entity_weight"]),
        item_weight=np.asarray(table["knowledge"]["item_weight"]),
        user_ids=dataset.users_by_name(),
        item_ids=dataset.items_by_name(),
        item_names=dataset.item_names,
        item_pictures=dataset.item_pictures,
        entity_names=dataset.entities_by_name(),
        relation_names=dataset.relation_names,
    )


@partial(jax.jit, static_argnums=0)
def _inner(encoder: Encoder, table, graphs: Graphs):
    """Layers 0..L-1 of the items, the attention, and the entities as they are read."""
    apply = partial(encoder.apply, {"params": table})
    users = table["user_embedding"]
    items = apply(graphs.knowledge, graphs.entity_items, graphs.neighbours, method="item_rows")
    layers = [items]
    for _ in range(encoder.layers - 1):
        users, items = next_layer(graphs.laplacian, users, items)
        layers.append(items)
    attention = apply(graphs.knowledge, graphs.entity_items, method="attention")
    return jnp.stack(layers), attention, apply(graphs.entity_items, method="entities")


@partial(jax.jit, static_argnums=0)
def _passed_on(encoder: Encoder, table, graphs: Graphs) -> jax.Array:
    """The items' rows before their nearest items are added to them, at layer 0 and at the end."""
    if graphs.neighbours is None:
        return jnp.zeros((0, encoder.n_items, encoder.dim))
    content = (graphs.knowledge, graphs.entity_items, graphs.neighbours)
    alone, unsmoothed = encoder.clone(neighbour_weight=0.0), encoder.clone(neighbour_smoothing=0.0)
    first = alone.apply({"params": table}, *content, method="item_rows")
    last = unsmoothed.apply({"params": table}, graphs.laplacian, *content).items
    return jnp.stack([first, last])


def _user_loops(graphs: Graphs, n_users: int) -> np.ndarray:
    loops = graphs.laplacian.loops
    return np.zeros(n_users, np.float32) if loops is None else np.asarray(loops[:n_users])


def _item_degrees(problem: Problem) -> np.ndarray:
    graph, dataset = problem.parts.config.graph, problem.dataset
    _, counted = entry_weights(problem.similarity, xi=graph.xi, degree_from=graph.degree_from)
    degrees = np.bincount(dataset.train[:, 1], np.asarray(counted), dataset.n_items)
    return (degrees + graph.self_loops).astype(np.float32)


def _kept_triples(problem: Problem, trained: Trained) -> np.ndarray:
    """int32[p, 3]: the relations that the denoiser keeps after the best epoch."""
    key = initial_state(problem.parts, problem.graphs).key
    rebuild = jax.jit(partial(rebuild_relations, problem.parts))
    kept = rebuild(trained.params, problem.graphs, key, jnp.int32(trained.best_epoch + 1))
    items, places = np.nonzero(np.isfinite(kept.scores))
    relations, entities = np.asarray(kept.relations), np.asarray(kept.entities)
    rows = np.stack([items, relations[items, places], entities[items, places]], axis=1)
    return rows[np.lexsort(rows.T[::-1])].astype(np.int32)
