"""What a rebuilt knowledge graph kept of the given one, left out and added, by relation."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kdiffe_jax.report.charts import meter
from kdiffe_jax.report.markup import Markup, element, joined, note, section, table
from kdiffe_jax.report.run_files import RunFiles
from kdiffe_jax.report.words import item_of, percent
from kdiffe_jax.storage.saved_model import SavedModel

_EXAMPLES = 3


class Changes(NamedTuple):
    """Triples as rows of (item, relation, entity); `attention` belongs to `given`."""

    given: np.ndarray  # i32[m, 3]
    attention: np.ndarray  # f32[m]
    is_kept: np.ndarray  # bool[m]
    added: np.ndarray  # i32[a, 3]

    def counts(self, relation: int) -> dict[str, int]:
        """How many triples of a relation were given, kept, left out and added."""
        own = self.given[:, 1] == relation
        given, kept = int(own.sum()), int((own & self.is_kept).sum())
        added = int((self.added[:, 1] == relation).sum())
        return {"given": given, "kept": kept, "left out": given - kept, "added": added}


def changes_of(model: SavedModel) -> Changes:
    """The given triples against those of the rebuilt graph; `model` has "kept" and "attention"."""
    kept, attention = model.artifacts["kept"], model.artifacts["attention"]
    given, rebuilt = _keys(model, model.triples), _keys(model, kept)
    is_kept, is_old = np.isin(given, rebuilt), np.isin(rebuilt, given)
    return Changes(model.triples, attention, is_kept, kept[~is_old])


def relations(run: RunFiles) -> Markup | None:
    """Counts and examples of each relation; None where the model rebuilt no graph."""
    model = run.model
    if not len(model.triples) or not {"kept", "attention"} <= model.artifacts.keys():
        return None
    changes = changes_of(model)
    counts = [changes.counts(relation) for relation in range(len(model.relation_names))]
    rows = [[name, *_row(c)] for name, c in zip(model.relation_names, counts, strict=True)]
    total = {name: sum(c[name] for c in counts) for name in counts[0]}
    if len(rows) > 1:
        rows.append(["all", *_row(total)])
    columns = ["relation", *total, "share kept", ""]
    body = table(columns, rows, strong=[len(counts)])
    parts = [note(_said(run)), body, _planted(run), _examples(run, changes)]
    return section("relations", "Rebuilt knowledge graph", *parts)


def _row(counts: dict[str, int]) -> list:
    share = counts["kept"] / max(1, counts["given"])
    said = f"{counts['kept']:,} of {counts['given']:,} kept"
    return [*(f"{count:,}" for count in counts.values()), percent(share), meter(share, said)]


def _said(run: RunFiles) -> str:
    q, source = run.config["top_q"], run.config["rebuild_from"]
    which = "own relations" if source == "own" else "relations, its own or new,"
    seed = " of the seed with the best selection score" if "seeds" in run.result else ""
    what = "one" if q == 1 else f"{q}"
    return (
        f"After the chosen epoch{seed}, each item keeps of its {which} the {what} that the "
        "denoiser finds most likely (top-q). What is kept is the contrastive view's graph."
    )


def _planted(run: RunFiles) -> Markup:
    planted = run.result.get("planted")
    if planted is None:
        return joined([])
    return note(
        f"Planted truth: {percent(planted['relevant_share'])} of the given triples are relevant, "
        f"and of the kept ones {percent(planted['kept_relevant_share'])}; AUC of relevant over "
        f"irrelevant triples within an item {planted['relation_auc']:.3f} (0.5 is chance)."
    )


def _examples(run: RunFiles, changes: Changes) -> Markup:
    model = run.model
    rows = []
    for relation, name in enumerate(model.relation_names):
        own = np.flatnonzero(changes.given[:, 1] == relation)
        own = own[np.argsort(-changes.attention[own], kind="stable")]
        kept, left = own[changes.is_kept[own]], own[~changes.is_kept[own]]
        added = changes.added[changes.added[:, 1] == relation]
        rows.append(
            [
                name,
                _listed(model, changes.given[kept], changes.attention[kept].__getitem__),
                _listed(model, changes.given[left], changes.attention[left].__getitem__),
                _listed(model, added, None),
            ]
        )
    heads = ["relation", "kept", "left out", "added"]
    if not len(changes.added):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    said = "Examples: entity, item and attention (eq. 2), the largest attention first"
    return table(heads, rows, texts=len(heads), caption=said)


def _listed(
    model: SavedModel, triples: np.ndarray, attention: Callable[[int], float] | None
) -> Markup:
    """The first few triples with an entity and an item of their own each."""
    lines, entities, items = [], set(), set()
    for place, (item, _, entity) in enumerate(triples[: 100 * _EXAMPLES].tolist()):
        if entity in entities or item in items or len(lines) == _EXAMPLES:
            continue
        entities.add(entity)
        items.add(item)
        tail = "" if attention is None else f", {attention(place):.3f}"
        name = element("b", model.entity_names[entity])
        lines.append(element("li", name, " of item ", item_of(model, item), tail))
    return element("ul", *lines, class_="plain") if lines else element("small", "none")


def _keys(model: SavedModel, triples: np.ndarray) -> np.ndarray:
    """i64[m]: one number a triple."""
    items, links, entities = triples.astype(np.int64).T
    sizes = max(1, len(model.relation_names)), max(1, len(model.entity_names))
    return (items * sizes[0] + links) * sizes[1] + entities
