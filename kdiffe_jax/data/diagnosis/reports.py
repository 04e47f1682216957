"""What a knowledge graph can tell: figures per relation, and warnings in words."""

from __future__ import annotations

from shlex import quote
from typing import NamedTuple

import numpy as np

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.rows import places_by_relation
from kdiffe_jax.data.same_links import alike_relations
from kdiffe_jax.data.tables.near_twins import COLLIDING

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
ALMOST_ALL = 0.9
_THIN_COVERAGE = 0.5
_MOSTLY_ALONE = 0.5


class RelationReport(NamedTuple):
    """One relation in figures; shares are between 0 and 1.

    Attributes:
      triples, entities, items: how many there are; items are those with a triple.
      coverage: share of all items that have a triple.
      items_per_entity: quantiles at 0, 1/4, 1/2, 3/4 and 1.
      most_shared: name of the entity with most items.
      most_shared_share: share of all items that have it.
      identical: share of the relation's items whose entities are exactly those of
        another item.
      neighbourhoods: number of different sets of entities.
      alone: share of the entities that only one item has, 0 where entities are items.
    """

    name: str
    triples: int
    entities: int
    items: int
    coverage: float
    items_per_entity: tuple[int, ...]
    most_shared: str
    most_shared_share: float
    identical: float
    neighbourhoods: int
    alone: float


def relation_reports(dataset: Dataset) -> list[RelationReport]:
    """A `RelationReport` for each relation, in the order of their ids."""
    names, of_items = dataset.entities_by_name(), dataset.items_of_entities()
    reports = []
    for name, places in places_by_relation(dataset.triples, dataset.relation_names):
        items, _, entities = dataset.triples[places].T
        used, counts = np.unique(entities, return_counts=True)
        sets = neighbourhood_codes(items, entities)
        _, alike = np.unique(sets, axis=0, return_counts=True)
        n_items = max(1, len(sets))
        reports.append(
            RelationReport(
                name=name,
                triples=len(items),
                entities=len(used),
                items=len(sets),
                coverage=len(sets) / dataset.n_items,
                items_per_entity=_quantiles(counts),
                most_shared=names[used[counts.argmax()]] if len(used) else "",
                most_shared_share=counts.max(initial=0) / dataset.n_items,
                identical=alike[alike > 1].sum() / n_items,
                neighbourhoods=len(alike),
                alone=float(((counts == 1) & (of_items[used] < 0)).sum() / max(1, len(used))),
            )
        )
    return reports


def _quantiles(counts: np.ndarray) -> tuple[int, ...]:
    if not len(counts):
        return (0,) * len(QUANTILES)
    return tuple(np.quantile(counts, QUANTILES, method="nearest").tolist())


def neighbourhood_codes(items: np.ndarray, entities: np.ndarray) -> np.ndarray:
    """uint64[m, 2]: one row an item that occurs; equal sets of entities have equal rows.

    A set's code is the sum of 128 random bits an entity, so two different sets agree
    with a chance of about 2^-128.

    Args:
      items, entities: int[n], distinct pairs.
    """
    _, rows = np.unique(items, return_inverse=True)
    used, entities = np.unique(entities, return_inverse=True)
    bits = np.random.default_rng(0).integers(0, 2**64, size=(len(used), 2), dtype=np.uint64)
    codes = np.zeros((int(rows.max(initial=-1)) + 1, 2), np.uint64)
    np.add.at(codes, rows, bits[entities])
    return codes


def warnings_of(dataset: Dataset, reports: list[RelationReport]) -> list[str]:
    """What a person should know before training, one line each."""
    lines = []
    for report in reports:
        lines += _relation_warnings(report, dataset.n_items)
    lines += _alike(dataset)
    uncovered = dataset.n_items - len(np.unique(dataset.triples[:, 0]))
    if not len(dataset.triples):
        lines.append("the knowledge graph is empty: no item has a triple")
    elif uncovered:
        share = uncovered / dataset.n_items
        lines.append(
            f"{uncovered} of {dataset.n_items} items ({share:.0%}) have no triple at all; for them "
            "the knowledge layer adds nothing"
        )
    return lines + _collisions(dataset) + _interaction_warnings(dataset)


def _relation_warnings(report: RelationReport, n_items: int) -> list[str]:
    if not report.triples:
        return [f"relation {report.name!r} has no triples"]
    lines = []
    if report.coverage > ALMOST_ALL and report.items > 1 and report.neighbourhoods == 1:
        lines.append(
            f"relation {report.name!r} is degenerate: its {report.items} items all have the same "
            "entities, so it tells no item from another; drop it"
        )
    elif report.entities > 1 and report.most_shared_share > ALMOST_ALL:
        lines.append(
            f"relation {report.name!r}: {report.most_shared!r} is shared by "
            f"{report.most_shared_share:.0%} of all items; --max_entity_share drops such entities"
        )
    if report.coverage < _THIN_COVERAGE:
        lines.append(
            f"relation {report.name!r} covers {report.items} of {n_items} items "
            f"({report.coverage:.0%})"
        )
    if report.alone > _MOSTLY_ALONE:
        lines.append(
            f"relation {report.name!r}: {report.alone:.0%} of its entities belong to one item "
            "only and relate it to no other; --min_entity_items=2 drops them"
        )
    return lines


def _alike(dataset: Dataset) -> list[str]:
    """Relations of which one would do."""
    if not len(dataset.triples):
        return []
    lines, names = [], dataset.relation_names
    of_items, entities = dataset.items_of_entities(), dataset.entities_by_name()
    for pair in alike_relations(dataset.triples, len(names), of_items, entities):
        what = "are each other's inverse" if pair.inverse else "say the same"
        lines.append(
            f"relations {names[pair.first]!r} and {names[pair.second]!r} {what}: they share "
            f"{pair.share:.0%} of their links; --filter={quote(names[pair.second])}:drop leaves one"
        )
    return lines


def _collisions(dataset: Dataset) -> list[str]:
    """Names that differ only in case or in surrounding blanks are probably one thing.

    Of users and items a note tells where they came from a table.
    """
    lines = []
    for what, names in (("users", dataset.user_ids), ("items", dataset.item_ids)):
        if not any(COLLIDING.format(what) in note for note in dataset.notes):
            lines += _collision_line(what, names)
    names = dataset.entities_by_name()
    for relation, places in places_by_relation(dataset.triples, dataset.relation_names):
        mine = np.unique(dataset.triples[places, 2])
        lines += _collision_line(f"entities of relation {relation!r}", [names[e] for e in mine])
    return lines


def _collision_line(what: str, names) -> list[str]:
    first: dict[str, str] = {}
    pairs = [
        (known, name)
        for name in names
        if (known := first.setdefault(" ".join(name.split()).casefold(), name)) != name
    ]
    if not pairs:
        return []
    known, name = pairs[0]
    return [
        f"ids that collide: {len(pairs)} {what} differ from another only in case or blanks, "
        f"the first is {name!r} beside {known!r}; they stay apart"
    ]


def _interaction_warnings(dataset: Dataset) -> list[str]:
    statistics = dataset.statistics()
    lines = [
        f"the {split} split is empty: training refuses these data, since nothing can be scored; "
        "divide them otherwise, by --split or in the source"
        for split in ("valid", "test")
        if not statistics[split]
    ]
    for key, words in (
        ("users_without_training", "users without training interactions"),
        ("items_unseen_in_training", "items in no training interaction"),
        ("test_interactions_with_unseen_items", "test interactions with such items"),
    ):
        if statistics[key]:
            lines.append(f"{words}: {statistics[key]:,}")
    return lines
