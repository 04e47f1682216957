"""What a rebuilt knowledge graph kept of the given one, left out and added, by relation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.recommend.denoiser import expected_share, held_out_words, is_trusted
from kdiffe_jax.report.charts import meter
from kdiffe_jax.report.markup import Markup, element, joined, note, section, table
from kdiffe_jax.report.run_files import RunFiles
from kdiffe_jax.report.words import item_of, percent
from kdiffe_jax.storage.saved_model import SavedModel

_EXAMPLES = 3
_WEIGHTED = (
    " The main view's graph has all given triples, each weighted by a power of its denoised value."
)


class Changes(NamedTuple):
    """Triples as rows of (item, relation, entity); `attention` belongs to `given`."""

    given: np.ndarray  # i32[m, 3]
    attention: np.ndarray  # f32[m]
    is_kept: np.ndarray  # bool[m]
    added: np.ndarray  # i32[a, 3]
    expected: np.ndarray  # f32[m], denoised probabilities; none of a denoiser that is not trusted
    added_expected: np.ndarray  # f32[a]

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
    none = np.zeros(0, np.float32)
    expected = (none, none)
    if is_trusted(model):
        values = model.artifacts["denoised"], model.artifacts["kept_denoised"][~is_old]
        expected = tuple(np.clip(own, 0.0, 1.0) for own in values)
    return Changes(model.triples, attention, is_kept, kept[~is_old], *expected)


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
    parts = [note(_said(run)), body, _held_out(model), _planted(run)]
    parts += [_examples(run, changes)] if is_trusted(model) else []
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
        f"denoiser finds most likely (top-q). {_read_by(run.config)}"
    )


def _read_by(config: Mapping[str, Any]) -> str:
    """Which view's graph is what is kept, and what the main view reads where it is weighted."""
    if config["main_graph"] == "rebuilt":
        return "What is kept is the main view's graph."
    kept = "No view reads what is kept."
    if config["theta_1"] > 0 and config["contrast"] == "knowledge":
        kept = "What is kept is the contrastive view's graph."
    return kept + (_WEIGHTED if config["main_graph"] == "weighted" else "")


def _held_out(model: SavedModel) -> Markup:
    found = model.about.get("denoiser")
    if found is None:
        return note("Whether the denoiser is better than chance on hidden triples is not measured.")
    return note(
        f"Denoiser: {held_out_words(found)}. A tenth of the triples was hidden, and "
        f"{found['held_out_triples']:,} were compared with other entities of their relation."
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
    rows, given = [], (changes.attention, changes.expected)
    for relation, name in enumerate(model.relation_names):
        own = np.flatnonzero(changes.given[:, 1] == relation)
        own = own[np.argsort(-changes.attention[own], kind="stable")]
        kept, left = own[changes.is_kept[own]], own[~changes.is_kept[own]]
        added = changes.added[:, 1] == relation
        rows.append(
            [
                name,
                _listed(model, changes.given[kept], *(values[kept] for values in given)),
                _listed(model, changes.given[left], *(values[left] for values in given)),
                _listed(model, changes.added[added], None, changes.added_expected[added]),
            ]
        )
    heads = ["relation", "kept", "left out", "added"]
    if not len(changes.added):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    said = (
        "Examples: entity, item, attention (eq. 2), and of which share of items with such users "
        "the entity is expected; the largest attention first"
    )
    return table(heads, rows, texts=len(heads), caption=said)


def _listed(
    model: SavedModel, triples: np.ndarray, attention: np.ndarray | None, expected: np.ndarray
) -> Markup:
    """The first few triples with an entity and an item of their own each."""
    lines, entities, items = [], set(), set()
    for place, (item, _, entity) in enumerate(triples[: 100 * _EXAMPLES].tolist()):
        if entity in entities or item in items or len(lines) == _EXAMPLES:
            continue
        entities.add(entity)
        items.add(item)
        tail = "" if attention is None else f", {attention[place]:.3f}"
        tail += f", {expected_share(float(expected[place]))}"
        name = element("b", model.entity_names[entity])
        lines.append(element("li", name, " of item ", item_of(model, item), tail))
    return element("ul", *lines, class_="plain") if lines else element("small", "none")


def _keys(model: SavedModel, triples: np.ndarray) -> np.ndarray:
    """i64[m]: one number a triple."""
    items, links, entities = triples.astype(np.int64).T
    sizes = max(1, len(model.relation_names)), max(1, len(model.entity_names))
    return (items * sizes[0] + links) * sizes[1] + entities
