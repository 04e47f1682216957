"""`Catalogue` -> `Dataset`: clean, split, turn content into triples, filter, join."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from kdiffe_jax.data.catalogue import Catalogue
from kdiffe_jax.data.clean import are_labels, clean
from kdiffe_jax.data.content.attributes import attribute_relation, list_relation, path_relation
from kdiffe_jax.data.content.codebooks import codebook_relation
from kdiffe_jax.data.content.neighbours import cap_neighbours, feature_neighbours
from kdiffe_jax.data.content.words import word_relation
from kdiffe_jax.data.dataset import SPLITS, Dataset
from kdiffe_jax.data.kept_relations import as_one_space, kept_relations
from kdiffe_jax.data.no_effect import refuse_without_features
from kdiffe_jax.data.numbering import numbered_by_neighbourhood
from kdiffe_jax.data.relation import Relation, join_relations, united
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.data.settings import FilterSettings, PrepareConfig
from kdiffe_jax.data.splits import Labels, split_catalogue
from kdiffe_jax.data.splits_after import split_after
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.errors import ConfigError, DataError

_LABELLED = "labels"  #: in the provenance: ratings were 0 and 1, and those of 0 did not count


def prepare(
    catalogue: Catalogue,
    config: PrepareConfig | None = None,
    columns: TableColumns | None = None,
    *,
    earlier: Dataset | None = None,
    filters: Mapping[str, FilterSettings | None] | None = None,
    provenance: dict[str, Any] | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> Dataset:
    """A validated data set with the knowledge graph that its content allows.

    Args:
      config: which interactions count, how they are split, how content becomes triples.
      columns: which columns of the catalogue are text, attributes, lists and paths.
      earlier: the data set that a model was trained on which is to be trained further; no
        interaction of its training is held out (`split_after`).
      filters: relation -> limits in place of those of `config`, None drops the relation.
      provenance: kept in the data set as it is, beside the fingerprint of `earlier`.
      log: receives a line when a step begins.

    Returns:
      A `Dataset` whose notes say everything that was decided or dropped.

    Raises:
      DataError: what the steps find; their messages name it.
      ConfigError: limits for a relation that there is not; an option that nothing is read by.
    """
    config, columns = config or PrepareConfig(), columns or TableColumns()
    refuse_without_features(catalogue, config)
    log("cleaning interactions")
    labelled = are_labels(catalogue.interactions.ratings) or bool(
        earlier and counts_labels(earlier)
    )
    catalogue = clean(catalogue, config.interactions, labelled=labelled)
    log("splitting")
    labels, split_notes = _labels(catalogue, config, earlier)
    if config.interactions.numbering == "neighbourhood":
        catalogue = numbered_by_neighbourhood(catalogue, labels == SPLITS.index("train"))
    content_notes = [*_unused(catalogue, columns), *_of_one_name(catalogue, config, columns)]
    relations, more = kept_relations(
        content_relations(catalogue, config, columns),
        config.filters,
        filters or {},
        catalogue.n_items,
        log=log,
    )
    content_notes += more
    relations = as_one_space(relations, config.entities.same_names)
    knowledge = join_relations(relations, catalogue.items_in_words())
    pairs = np.stack([catalogue.interactions.users, catalogue.interactions.items], axis=1)
    parts = {name: sorted_unique(pairs[labels == i]) for i, name in enumerate(SPLITS)}
    return Dataset(
        name=catalogue.name,
        n_users=catalogue.n_users,
        n_items=catalogue.n_items,
        n_entities=len(knowledge.entity_names),
        **parts,
        **knowledge._asdict(),
        features=catalogue.features,
        notes=(*catalogue.notes, *split_notes, *content_notes),
        user_ids=catalogue.user_ids,
        item_ids=catalogue.item_ids,
        item_names=catalogue.item_names,
        item_pictures=catalogue.item_pictures,
        provenance=(provenance or {})
        | ({"earlier": earlier.fingerprint()} if earlier else {})
        | ({_LABELLED: True} if labelled else {}),
    )


def counts_labels(dataset: Dataset) -> bool:
    """Whether ratings were 0 and 1, and those of 0 did not count."""
    return bool(dataset.provenance.get(_LABELLED))


def _labels(catalogue: Catalogue, config: PrepareConfig, earlier: Dataset | None) -> Labels:
    try:
        if earlier is not None:
            return split_after(catalogue, config.split, earlier)
        return split_catalogue(catalogue, config.split)
    except DataError as error:
        raise DataError(f"{catalogue.name}: {error}") from error


def content_relations(
    catalogue: Catalogue, config: PrepareConfig, columns: TableColumns
) -> Iterator[Relation]:
    """Every relation, given or made, before the filters.

    Given ones come first, then columns, codebooks of the features, and neighbours by
    features. `kg_source` leaves out the given ones ("features") or the codebooks
    ("triples").

    Raises:
      ConfigError: `kg_source` is "none".
    """
    source = config.codebooks.kg_source
    if source == "none":
        raise ConfigError(
            "--kg_source=none: prepare with a knowledge graph, and leave it out in training"
        )
    if source != "features":
        for relation in united(catalogue.relations, by_weights=True):
            linked = relation.links_items and relation.weights is not None
            yield cap_neighbours(relation, config.neighbours) if linked else relation
    yield from _column_relations(catalogue, config, columns)
    given = {relation.name for relation in catalogue.relations}
    for modality, rows in sorted(catalogue.features.items()):
        if source != "triples" and modality not in given:
            yield codebook_relation(modality, rows, config.codebooks)
        if near := config.neighbours.feature_neighbours:
            relation = feature_neighbours(f"{modality} neighbour", rows, near)
            limits = dataclasses.replace(config.neighbours, neighbours_per_item=near)
            yield cap_neighbours(relation, limits)


def _column_relations(
    catalogue: Catalogue, config: PrepareConfig, columns: TableColumns
) -> Iterator[Relation]:
    makers = {
        "text_columns": lambda name, texts: word_relation(name, texts, config.words),
        "attribute_columns": attribute_relation,
        "list_columns": lambda name, texts: list_relation(name, texts, columns.list_separator),
        "path_columns": lambda name, texts: path_relation(
            name, texts, columns.list_separator, columns.path_separator
        ),
    }
    for role, names in columns.content(catalogue.columns).items():
        for name in names:
            yield makers[role](name, catalogue.columns[name])


def _unused(catalogue: Catalogue, columns: TableColumns) -> list[str]:
    """A line on what is given and not used."""
    known = tuple(catalogue.columns)
    used = {name for names in columns.content(known).values() for name in names}
    used |= {columns.find("item_name", known), columns.find("item_picture", known)}
    unused = [name for name in known if name not in used]
    lines = []
    if unused:
        lines.append(
            f"columns of items that are not used: {', '.join(unused)}; --text_columns, "
            "--attribute_columns, --list_columns and --path_columns use them"
        )
    given = {relation.name for relation in catalogue.relations}
    lines += [
        f"relation {name!r} is given and stands in place of codes of the features {name!r}; "
        "models that read features have their rows"
        for name in sorted(given & set(catalogue.features))
    ]
    return lines


def _of_one_name(
    catalogue: Catalogue, config: PrepareConfig, columns: TableColumns
) -> Iterator[str]:
    """A line on each column that shares its name, and so its relation, with codes of features."""
    if config.codebooks.kg_source == "triples":
        return
    coded = catalogue.features.keys() - {relation.name for relation in catalogue.relations}
    chosen = columns.content(tuple(catalogue.columns)).values()
    for name in sorted(coded & {name for names in chosen for name in names}):
        yield (
            f"relation {name!r} holds the column and codes of the features {name!r}; name the "
            "features otherwise to have two"
        )


def described(config: PrepareConfig, columns: TableColumns) -> dict[str, Any]:
    """Every option that differs from its default, for the provenance."""
    options = config.to_flat() | dataclasses.asdict(columns)
    defaults = PrepareConfig().to_flat() | dataclasses.asdict(TableColumns())
    return {name: value for name, value in options.items() if value != defaults[name]}
