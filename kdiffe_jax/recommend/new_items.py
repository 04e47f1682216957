"""Items that training never saw, by what they are made of.

The model makes their rows of their entities (`Model.rows_of_new_items`); no user passes anything on
to them. Where cold items rank by their nearest trained items, so do new ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from kdiffe_jax.data.content.shared_entities import nearest_by_entities
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import model_class
from kdiffe_jax.models.scoring import with_cold_item_proxies
from kdiffe_jax.ops.sparse import operator_from_entries
from kdiffe_jax.recommend.added import n_trained_items, trained_degrees, with_added
from kdiffe_jax.recommend.entities import entity_triples
from kdiffe_jax.recommend.ids import Ids, by_new_id, listed
from kdiffe_jax.storage.saved_model import SavedModel


def with_items(
    model: SavedModel, trained: SavedModel, entities: Mapping[str, Sequence]
) -> SavedModel:
    """The model with items added after its own, each made of its entities.

    Args:
      trained: as `FoldIn` has it.
      entities: new id -> entities, each a name or (relation, name); a text is one name.

    Raises:
      DataError: an id that exists already, an entity that is not known, no entities.
      ConfigError: the model has no way to make such items, or no dictionary.
    """
    given = by_new_id(entities, "item", "entities of items")
    entities = {item: listed(own) for item, own in given.items()}
    name = model.config["model"]
    kind = model_class(name)
    if "ensemble" in model.about:
        raise ConfigError(
            "an ensemble has no rows for new items; train without --ensemble for a model that has"
        )
    if not hasattr(kind, "rows_of_new_items"):
        raise ConfigError(f"{name} has no rows for new items: it does not make them of entities")
    Ids("item", model.item_ids).refuse_known(entities)
    triples = entity_triples(model, entities)
    new = kind.rows_of_new_items(model, triples, len(entities))
    rows = new.items
    if model.config["cold_items"] == "neighbours":
        rows = _by_nearest_trained(model, trained, triples, rows)
    more = {"messages": new.messages, "attention": new.attention}
    longer = {name: np.concatenate([model.artifacts[name], own]) for name, own in more.items()}
    shifted = triples + np.array([len(model.items), 0, 0], np.int32)
    missing = ("",) * len(entities)
    return model._replace(
        about=with_added(model, items=len(entities)),
        items=np.concatenate([model.items, rows]),
        triples=np.concatenate([model.triples, shifted]),
        artifacts={**model.artifacts, **longer},
        item_ids=(*model.item_ids, *map(str, entities)),
        item_names=model.item_names and (*model.item_names, *missing),
        item_pictures=model.item_pictures and (*model.item_pictures, *missing),
    )


def _by_nearest_trained(
    model: SavedModel, trained: SavedModel, triples: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """f32[n, w]: the rows of new items made of their nearest trained items, as those of cold ones.

    An item that shares no entity with a trained one keeps the row that it has.
    """
    n_items, n_all = len(model.items), len(model.items) + len(rows)
    items, near = _nearest_trained(model, trained, triples, len(rows))
    order = np.lexsort((near, items))
    items, near = items[order], near[order]
    shares = (1.0 / np.bincount(items)[items]).astype(np.float32)
    proxies = operator_from_entries(shares, n_items + items, near, shape=(n_all, n_all))
    everything = jnp.concatenate([model.items, rows])
    return np.asarray(with_cold_item_proxies(everything, proxies)[n_items:])


def _nearest_trained(model: SavedModel, trained: SavedModel, triples: np.ndarray, n_new: int):
    """New items and their nearest items of those with training interactions."""
    n_items = n_trained_items(model)
    chosen = trained_degrees(trained, len(model.items)) > 0
    return nearest_by_entities(
        triples,
        model.triples[chosen[model.triples[:, 0]]],
        model.config["nearest_items"],
        n_wanted=n_new,
        n_items=n_items,
        n_entities=len(model.entity_names),
    )
