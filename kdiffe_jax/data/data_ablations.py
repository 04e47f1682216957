"""Data ablations: what a data set loses or gets before training reads it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from kdiffe_jax.data.added_triples import with_random_triples
from kdiffe_jax.data.dataset import SPLITS, Dataset
from kdiffe_jax.data.options import DataAblationConfig
from kdiffe_jax.data.relation import Knowledge
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.errors import ConfigError, DataError

_ROUNDS = 200
_OF_WHAT = ("relation", "users", "items", "added")
_KINDS = ("none", "shuffled", "noise", *_OF_WHAT)
_USES = "none, shuffled, noise, relation:NAME, users:SHARE, items:SHARE or added:SHARE"
_MOST_ADDED = 100.0


def ablated(dataset: Dataset, config: DataAblationConfig) -> Dataset:
    """The data set, as read, changed as `config.data_ablation` says.

    Raises:
      ConfigError: no such data ablation, or no such relation.
      DataError: noise in place of features that are not there, or triples added to a knowledge
        graph that says nothing.
    """
    kind, _, what = config.data_ablation.partition(":")
    if kind not in _KINDS or bool(what) != (kind in _OF_WHAT):
        raise ConfigError(f"data_ablation = {config.data_ablation!r}: choose {_USES}")
    seed = config.data_ablation_seed
    if kind == "shuffled":
        return shuffled(dataset, seed=seed)
    if kind == "noise":
        return noise_features(dataset, seed=seed)
    if kind == "users":
        return some_users(dataset, _share(kind, what), seed=seed)
    if kind == "items":
        return untrained_items(dataset, _share(kind, what), seed=seed)
    if kind == "added":
        return with_random_triples(dataset, _share(kind, what, most=_MOST_ADDED), seed=seed)
    return without_relation(dataset, what) if kind == "relation" else dataset


def _share(kind: str, text: str, *, most: float = 1.0) -> float:
    try:
        share = float(text)
    except ValueError:
        share = np.nan
    if not 0 < share <= most:
        raise ConfigError(
            f"data_ablation = '{kind}:{text}': a share above 0 and up to {most:g} is needed"
        )
    return share


def shuffled(dataset: Dataset, *, seed: int) -> Dataset:
    """Gives every item the content of others: items and entities keep their degrees.

    Within each relation the entities are permuted over the triples, within each modality the
    rows of features over the items. A permutation that gives an item the same entity twice
    is mended by swaps with other triples of the relation. Where none is left to swap with,
    the second one goes, and the note says how many did.
    """
    rng = np.random.default_rng(seed)
    rows = _shuffled_tails(dataset, range(dataset.n_relations), rng)
    lost = len(dataset.triples) - len(rows)
    note = "data ablation: the knowledge graph is shuffled within relations, features over items"
    note += f"; {lost} triples that no swap could tell apart are gone" if lost else ""
    features = {
        modality: dataset.features[modality][rng.permutation(dataset.n_items)]
        for modality in sorted(dataset.features)
    }
    return dataclasses.replace(
        dataset, triples=rows, relevant=None, features=features, notes=(*dataset.notes, note)
    )


def _shuffled_tails(dataset: Dataset, relations: Iterable[int], rng) -> np.ndarray:
    triples = dataset.triples.astype(np.int64)
    for relation in relations:
        mine = triples[:, 1] == relation
        triples[mine, 2] = _permuted(triples[mine, 0], triples[mine, 2], dataset.n_entities, rng)
    return sorted_unique(triples)


def _permuted(heads, tails, n_entities: int, rng) -> np.ndarray:
    """The tails in another order, with as few equal (head, tail) pairs as swaps can reach."""
    tails = rng.permutation(tails)
    for _ in range(_ROUNDS):
        codes = heads * n_entities + tails
        order = np.argsort(codes, kind="stable")
        again = np.flatnonzero(codes[order][1:] == codes[order][:-1]) + 1
        if not len(again):
            break
        twice = order[again]
        others = rng.permutation(np.setdiff1d(np.arange(len(codes)), twice))[: len(twice)]
        twice = twice[: len(others)]
        first = heads[twice] * n_entities + tails[others]
        second = heads[others] * n_entities + tails[twice]
        proposed = np.concatenate([first, second])
        _, place, counts = np.unique(proposed, return_inverse=True, return_counts=True)
        fine = ((counts[place] == 1) & ~np.isin(proposed, codes)).reshape(2, -1).all(axis=0)
        a, b = twice[fine], others[fine]
        tails[a], tails[b] = tails[b], tails[a]
    return tails


def without_relation(dataset: Dataset, name: str) -> Dataset:
    """Removes a relation, the entities that then have no triple, and features of its name.

    Raises:
      ConfigError: there is no relation and no modality of that name.
    """
    names = dataset.relation_names
    known = dict.fromkeys((*names, *sorted(dataset.features)))
    if name not in known:
        there = f"the relations of {dataset.name} are {', '.join(known)}"
        raise ConfigError(f"data_ablation = 'relation:{name}': {there}")
    note = f"data ablation: the relation {name!r} is removed"
    features = {modality: rows for modality, rows in dataset.features.items() if modality != name}
    dataset = dataclasses.replace(dataset, features=features)
    if name not in names:
        return dataclasses.replace(dataset, notes=(*dataset.notes, note))
    number = names.index(name)
    keep = dataset.triples[:, 1] != number
    heads, relations, tails = dataset.triples[keep].T
    used, tails = np.unique(tails, return_inverse=True)
    rows = np.stack([heads, relations - (relations > number), tails.ravel()], axis=1)
    entity_names = dataset.entities_by_name()
    entity_items = dataset.items_of_entities()[used]
    knowledge = Knowledge(
        np.ascontiguousarray(rows, np.int32),
        tuple(n for n in names if n != name),
        tuple(entity_names[e] for e in used),
        entity_items if (entity_items >= 0).any() else None,
    )
    rest = dataset.with_knowledge(knowledge, note)
    if dataset.relevant is None:
        return rest
    return dataclasses.replace(rest, relevant=dataset.relevant[keep])


def noise_features(dataset: Dataset, *, seed: int) -> Dataset:
    """Replaces every modality by standard normal noise of the same shape.

    Relations that preparation made of a modality, and which have its name, are shuffled:
    codes of noise say as little of an item. Neighbours of that name are not such codes.

    Raises:
      DataError: there are no features.
    """
    if not dataset.features:
        raise DataError(f"{dataset.name}: --data_ablation=noise, but there are no features")
    rng = np.random.default_rng(seed)
    noise = {
        modality: rng.standard_normal(dataset.features[modality].shape, np.float32)
        for modality in sorted(dataset.features)
    }
    to_items = dataset.items_of_entities()[dataset.triples[:, 2]] >= 0
    lists = set(dataset.triples[to_items, 1].tolist())
    named = {n for n, name in enumerate(dataset.relation_names) if name in noise}
    return dataclasses.replace(
        dataset,
        triples=_shuffled_tails(dataset, sorted(named - lists), rng),
        relevant=None,
        features=noise,
        notes=(*dataset.notes, "data ablation: the features are noise"),
    )


def some_users(dataset: Dataset, share: float, *, seed: int) -> Dataset:
    """Keeps a random share of the users, at least one; all items stay."""
    size = max(1, round(share * dataset.n_users))
    kept = np.sort(np.random.default_rng(seed).permutation(dataset.n_users)[:size])
    number = np.full(dataset.n_users, -1, np.int32)
    number[kept] = np.arange(size)

    def of_kept(pairs: np.ndarray) -> np.ndarray:
        users = number[pairs[:, 0]]
        return np.stack([users, pairs[:, 1]], axis=1)[users >= 0]

    note = f"data ablation: {size:,} of {dataset.n_users:,} users are kept"
    return dataclasses.replace(
        dataset,
        n_users=size,
        **{split: of_kept(getattr(dataset, split)) for split in SPLITS},
        user_ids=tuple(dataset.user_ids[u] for u in kept) if dataset.user_ids else (),
        notes=(*dataset.notes, note),
    )


def untrained_items(dataset: Dataset, share: float, *, seed: int) -> Dataset:
    """Takes a random share of the trained items out of the training split.

    They keep their content and their places in validation and test, so they are cold items
    whose users are known.

    Raises:
      DataError: no training interaction would be left.
    """
    degrees = dataset.item_degrees()
    trained = np.flatnonzero(degrees)
    size = max(1, round(share * len(trained)))
    out = np.random.default_rng(seed).permutation(trained)[:size]
    train = dataset.train[~np.isin(dataset.train[:, 1], out)]
    if size == len(trained):
        raise DataError(f"{dataset.name}: --data_ablation=items:{share} leaves nothing to train on")
    note = (
        f"data ablation: {size:,} of {len(trained):,} trained items lose their training "
        f"interactions, {degrees[out].sum():,} in all"
    )
    return dataclasses.replace(dataset, train=train, notes=(*dataset.notes, note))
