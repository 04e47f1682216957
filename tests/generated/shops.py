"""Whole data sets as hypothesis draws them, awkward ones first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.tables.columns import TableColumns

SPLITS = ("train", "valid", "test")
_AWKWARD = (
    "'",
    '"',
    '"x',
    "a,b",
    "a;b|c",
    " x",
    "x ",
    "#1",
    "0",
    "00",
    "-1",
    "1e5",
    "nan1",
    "nulls",
    "=1+1",
    "../x",
    "a:token",
    "é",
    "e\u0301",
    "\u202ex",
    "x\u2028y",
    "a\x85b",
    "\ufeffx",
    "日本",
    "👩‍👧",
)
_LETTERS = st.characters(exclude_categories=("Cs", "Cc"))


class Sizes(NamedTuple):
    """How many there are of each; a shop has exactly these."""

    users: int
    items: int
    train: int
    valid: int
    test: int
    triples: int


class Shop(NamedTuple):
    """A data set by name.

    Attributes:
      users, items, relations, entities: names.
      pairs: (user, item, split), indices.
      triples: (item, relation, entity), indices.
      features: modality -> float[J, width].
    """

    users: tuple[str, ...]
    items: tuple[str, ...]
    pairs: tuple[tuple[int, int, int], ...]
    relations: tuple[str, ...]
    entities: tuple[str, ...]
    triples: tuple[tuple[int, int, int], ...]
    features: Mapping[str, np.ndarray]

    def of_split(self, number: int) -> list[tuple[int, int]]:
        """(user, item) pairs of a split."""
        return [(user, item) for user, item, split in self.pairs if split == number]


def content_of(shop: Shop) -> dict[str, Any]:
    """What a shop says, whatever numbers stand for its names."""
    users, items = shop.users, shop.items
    return {
        "items": set(items),
        "pairs": {(users[u], items[i], SPLITS[s]) for u, i, s in shop.pairs},
        "triples": {(items[i], shop.relations[r], shop.entities[e]) for i, r, e in shop.triples},
        "features": _rows_by_item(shop.features, items),
    }


def content_read(catalogue: Catalogue) -> dict[str, Any]:
    """The same of what a reader gave."""
    users, items, rows = catalogue.user_ids, catalogue.item_ids, catalogue.interactions
    splits = np.zeros(len(rows), int) if rows.split is None else rows.split
    told = zip(rows.users.tolist(), rows.items.tolist(), splits.tolist(), strict=True)
    return {
        "items": set(items),
        "pairs": {(users[u], items[i], SPLITS[s]) for u, i, s in told},
        "triples": {
            (items[i], relation.name, (relation.entity_names or items)[e])
            for relation in catalogue.relations
            for i, e in zip(relation.items.tolist(), relation.entities.tolist(), strict=True)
        },
        "features": _rows_by_item(catalogue.features, items),
    }


def _rows_by_item(features: Mapping[str, np.ndarray], items: tuple[str, ...]) -> dict:
    return {
        (item, modality): tuple(row.tolist())
        for modality, rows in features.items()
        for item, row in zip(items, rows, strict=True)
    }


def names(count: int) -> st.SearchStrategy[tuple[str, ...]]:
    """Different names in one line without control characters, none of blanks alone."""
    text = st.sampled_from(_AWKWARD) | st.text(_LETTERS, min_size=1, max_size=6)
    text = text.filter(lambda name: name.strip().lower() not in TableColumns().missing_words)
    fit = text.filter(lambda name: bool(name.strip()))
    return st.lists(fit, min_size=count, max_size=count, unique=True).map(tuple)


@st.composite
def any_sizes(draw) -> Sizes:
    """From a single training interaction to a full matrix."""
    users, items = draw(st.integers(1, 6)), draw(st.integers(1, 7))
    room = users * items
    train = draw(st.integers(1, room))
    valid = draw(st.integers(0, min(4, room - train)))
    test = draw(st.integers(0, min(4, room - train - valid)))
    return Sizes(users, items, train, valid, test, draw(st.integers(0, 2 * items)))


@st.composite
def shops(draw, sizes: st.SearchStrategy[Sizes]) -> Shop:
    """A shop of some shape.

    Who has what is even, left to chance, or as uneven as can be: the first user has every
    item, or the first items have all the users.
    """
    size = draw(sizes)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    relations, entities = _vocabulary(draw, size)
    return Shop(
        users=draw(names(size.users)),
        items=draw(names(size.items)),
        pairs=_pairs(size, draw(st.sampled_from(tuple(_ORDERS))), rng),
        relations=relations,
        entities=entities,
        triples=_triples(size.triples, size.items, len(relations), len(entities), rng),
        features=_features(draw, size.items, rng),
    )


def _vocabulary(draw, size: Sizes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Few enough that every triple can be another one, and each is used."""
    if not size.triples:
        return (), ()
    relations = draw(st.integers(1, min(3, size.triples)))
    fewest = -(-size.triples // (size.items * relations))
    entities = draw(st.integers(fewest, max(fewest, size.triples // 2)))
    return draw(names(relations)), draw(names(entities))


def _pairs(size: Sizes, order: str, rng: np.random.Generator) -> tuple[tuple[int, int, int], ...]:
    users, items = (rows.ravel() for rows in np.indices((size.users, size.items)))
    chosen = _ORDERS[order](users, items, rng)[: size.train + size.valid + size.test]
    splits = rng.permutation(np.repeat([0, 1, 2], [size.train, size.valid, size.test]))
    return tuple(zip(users[chosen].tolist(), items[chosen].tolist(), splits.tolist(), strict=True))


_ORDERS = {
    "chance": lambda users, items, rng: rng.permutation(len(users)),
    "one user has all": lambda users, items, rng: np.lexsort((items, users)),
    "one item has all": lambda users, items, rng: np.lexsort((users, items)),
    "even": lambda users, items, rng: np.lexsort((users, (items - users) % (items.max() + 1))),
}


def _triples(count: int, n_items: int, n_relations: int, n_entities: int, rng: np.random.Generator):
    """Different triples; every relation and every entity occurs."""
    found: dict[tuple[int, int, int], None] = {}
    for number in range(max(n_relations, n_entities) if count else 0):
        item = int(rng.integers(n_items))
        found[item, number % n_relations, number % n_entities] = None
    while len(found) < count:
        triple = rng.integers(n_items), rng.integers(n_relations), rng.integers(n_entities)
        found[tuple(map(int, triple))] = None
    return tuple(found)


def _features(draw, n_items: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    features = {}
    for modality in draw(st.sets(st.sampled_from(("image", "text")))):
        dtype = draw(st.sampled_from((np.float16, np.float32, np.float64)))
        rows = rng.normal(size=(n_items, draw(st.integers(1, 3))))
        kind = draw(st.sampled_from(("any", "constant", "a zero row", "large")))
        if kind == "constant":
            rows[:] = 1.0
        elif kind == "a zero row":
            rows[0] = 0.0
        elif kind == "large":
            rows *= 1e4
        features[modality] = rows.astype(dtype)
    return features
