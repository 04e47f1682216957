"""What the diagnosis counts, and when it warns."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.diagnosis.figures import (
    MOST_PANELS,
    draw_figures,
    draw_frequency,
    draw_per_item,
    panels_of,
)
from kdiffe_jax.data.diagnosis.reports import neighbourhood_codes, relation_reports, warnings_of
from kdiffe_jax.data.diagnosis.text import diagnosis_text, item_in_words
from kdiffe_jax.data.prepare import prepare
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.data.sources import read_source
from kdiffe_jax.errors import DataError

SHOP = Dataset(
    name="shop",
    n_users=2,
    n_items=5,
    n_entities=5,
    train=np.array([[0, 0], [1, 1], [1, 2], [1, 3], [1, 4]], np.int32),
    valid=np.array([[0, 1]], np.int32),
    test=np.array([[0, 2]], np.int32),
    triples=np.array(
        [[0, 0, 0], [0, 1, 2], [0, 1, 3], [1, 0, 0], [1, 1, 2], [1, 1, 3], [2, 0, 1], [2, 1, 2]],
        np.int32,
    ),
    relation_names=("brand", "word"),
    entity_names=("Acme", "Zenith", "red", "small", "unused"),
    item_ids=("p1", "p2", "p3", "p4", "p5"),
    item_names=("Red cup", "", "", "", ""),
)


def warnings(dataset):
    return warnings_of(dataset, relation_reports(dataset))


def with_triples(triples, **changes):
    return dataclasses.replace(
        SHOP, triples=sorted_unique(np.array(triples, int).reshape(-1, 3)), **changes
    )


def test_reports_by_hand():
    brand, word = relation_reports(SHOP)
    assert (brand.name, brand.triples, brand.entities, brand.items) == ("brand", 3, 2, 3)
    assert brand.coverage == 3 / 5
    assert brand.items_per_entity == (1, 1, 1, 2, 2)
    assert (brand.most_shared, brand.most_shared_share) == ("Acme", 2 / 5)
    assert (brand.identical, brand.neighbourhoods, brand.alone) == (2 / 3, 2, 0.5)
    assert (word.identical, word.neighbourhoods, word.most_shared) == (2 / 3, 2, "red")
    assert word.items_per_entity == (2, 2, 2, 3, 3)


def test_neighbourhood_codes_equal_sets(rng):
    pairs = np.unique(rng.integers(0, 3, (200, 2)) + [[0, 0]] * 200, axis=0)
    pairs = np.unique(np.concatenate([pairs, rng.integers(0, 40, (90, 2))]), axis=0)
    pairs = pairs[rng.permutation(len(pairs))]
    codes = neighbourhood_codes(*pairs.T)
    items = np.unique(pairs[:, 0])
    sets = [frozenset(pairs[pairs[:, 0] == i, 1].tolist()) for i in items]
    for first, a in enumerate(sets):
        for second, b in enumerate(sets):
            assert (a == b) == bool((codes[first] == codes[second]).all())


def test_neighbourhood_codes_take_memory_for_entities_in_use_alone():
    pairs = np.array([[0, 10**6], [1, 10**6], [2, 3]])
    tracemalloc.start()
    codes = neighbourhood_codes(*pairs.T)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (codes[0] == codes[1]).all() and (codes[0] != codes[2]).any()
    assert most < 10**6


def test_a_healthy_graph_has_only_the_warnings_it_deserves():
    assert warnings(SHOP) == [
        "2 of 5 items (40%) have no triple at all; for them the knowledge layer adds nothing",
    ]


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (
            with_triples([[i, r, r] for i in range(5) for r in range(2)]),
            "relation 'brand' is degenerate: its 5 items all have the same entities",
        ),
        (
            with_triples([[i, 1, 2] for i in range(5)] + [[0, 1, 3]]),
            "relation 'word': 'red' is shared by 100% of all items",
        ),
        (with_triples([]), "the knowledge graph is empty"),
        (with_triples([[0, 1, 0], [1, 1, 1]]), "relation 'brand' has no triples"),
        (with_triples([[0, 0, 0], [1, 0, 0]]), "covers 2 of 5 items (40%)"),
        (with_triples([[i, 0, i] for i in range(5)]), "100% of its entities belong to one item"),
        (
            dataclasses.replace(SHOP, entity_names=("Acme", " acme", "red", "small", "u")),
            "1 entities of relation 'brand' differ from another only in case or blanks, the first "
            "is ' acme' beside 'Acme'",
        ),
        (dataclasses.replace(SHOP, item_ids=("a", "A", "b", "c", "B")), "2 items differ"),
        (dataclasses.replace(SHOP, user_ids=("U", "u")), "1 users differ"),
        (dataclasses.replace(SHOP, train=SHOP.train[:2]), "items in no training interaction: 3"),
        (dataclasses.replace(SHOP, valid=SHOP.valid[:0]), "the valid split is empty: training"),
        (dataclasses.replace(SHOP, test=SHOP.test[:0]), "the test split is empty: training"),
        (dataclasses.replace(SHOP, train=SHOP.train[:1]), "users without training interactions: 1"),
        (
            dataclasses.replace(SHOP, train=SHOP.train[:2]),
            "test interactions with such items: 1",
        ),
    ],
)
def test_warnings_in_words(dataset, expected):
    lines = warnings(dataset)
    assert any(expected in line for line in lines), lines
    assert not any("\n" in line for line in lines)


def test_the_text_holds_the_table_and_the_warnings():
    text = diagnosis_text(SHOP)
    row = next(line for line in text.splitlines() if line.startswith("brand"))
    assert row.split() == "brand 3 2 60.0% 1 / 1 / 1 / 2 / 2 66.7%".split()
    assert text.count("warning: ") == 1 and "items without triples" in text


def test_an_item_in_words():
    assert item_in_words(SHOP, "p1") == "item p1: Red cup\n  brand: Acme\n  word: red; small"
    assert item_in_words(SHOP, "p4") == "item p4\n  no triples"
    with pytest.raises(DataError, match="no item 'p9'; items are called p1, p2, p3, ..."):
        item_in_words(SHOP, "p9")


def test_two_figures_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    for dataset in (SHOP, with_triples([])):
        paths = draw_figures(dataset, tmp_path / "figures")
        assert [p.name for p in paths] == ["entity_frequency.png", "entities_per_item.png"]
        assert all(p.read_bytes().startswith(b"\x89PNG") for p in paths)


def many_relations(number):
    """Relation r has r + 1 triples."""
    triples = [[i, r, r] for r in range(number) for i in range(r + 1)]
    return dataclasses.replace(
        SHOP,
        n_items=max(5, number),
        n_entities=number,
        item_ids=(),
        item_names=(),
        entity_names=tuple(f"e{r}" for r in range(number)),
        relation_names=tuple(f"relation $ {r}" for r in range(number)),
        triples=sorted_unique(np.array(triples)),
    )


@pytest.mark.parametrize("number", [1, 4, MOST_PANELS, MOST_PANELS + 1, 40])
def test_every_relation_is_in_one_panel(number):
    dataset = many_relations(number)
    panels = panels_of(dataset)
    assert len(panels) == min(number, MOST_PANELS)
    found = np.concatenate([panel.triples for panel in panels])
    assert sorted(found.tolist()) == sorted(dataset.triples.tolist())
    own = [panel.name for panel in panels if not panel.several]
    assert own == [f"relation $ {number - 1 - place}" for place in range(len(own))]
    others = number - len(own)
    assert [p.name for p in panels if p.several] == [f"and {others} more together"] * bool(others)


@pytest.mark.parametrize("draw", [draw_frequency, draw_per_item])
@pytest.mark.parametrize(
    "dataset",
    [SHOP, with_triples([]), many_relations(40), with_triples([[0, 0, e] for e in range(5)])],
    ids=["shop", "none", "many", "long"],
)
def test_axes_of_counts_have_whole_ticks(draw, dataset):
    figure = pytest.importorskip("matplotlib.figure").Figure(layout="constrained")
    draw(figure, dataset)
    figure.draw_without_rendering()
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == len(panels_of(dataset))
    axis_of_counts = [axes.xaxis for axes in shown]
    if draw is draw_frequency:
        axis_of_counts += [axes.yaxis for axes in shown]
    for axis in axis_of_counts:
        ticks = [float(tick) for tick in axis.get_ticklocs()]
        assert ticks and all(tick.is_integer() for tick in ticks), ticks
        assert len(axis.get_ticklocs(minor=True)) == 0
    if len(shown) == MOST_PANELS:
        title = " ".join(figure.get_suptitle().split())
        assert title.endswith("the 11 largest of 40 relations, and the others together")


def test_figures_that_cannot_be_written(tmp_path):
    pytest.importorskip("matplotlib")
    (tmp_path / "figures").write_text("a file")
    with pytest.raises(DataError, match="not written"):
        draw_figures(SHOP, tmp_path / "figures")


def test_a_thin_relation_still_tells_its_items_from_the_others():
    lines = warnings(with_triples([[0, 0, 0], [1, 0, 0]]))
    assert not any("degenerate" in line for line in lines)


def test_items_that_only_one_item_is_near_to_are_not_alone():
    near = with_triples([[i, 0, i] for i in range(5)], entity_items=np.array([1, 2, 3, 4, 0]))
    assert not any("belong to one item" in line for line in warnings(near))


def test_relations_of_which_one_would_do_are_named():
    chain = [[i, 0, i] for i in range(5)] + [[i, 1, i] for i in range(5)]
    lines = warnings(with_triples(chain, relation_names=("brand", "maker")))
    assert (
        "relations 'brand' and 'maker' say the same: they share 100% of their links; "
        "--filter=maker:drop leaves one"
    ) in lines
    near = [[i, 0, i] for i in range(5)] + [[(i + 1) % 5, 1, (i - 1) % 5] for i in range(5)]
    linked = with_triples(near, entity_items=np.array([1, 2, 3, 4, 0]))
    assert any("are each other's inverse: they share 100%" in line for line in warnings(linked))


def test_an_unknown_item_gets_the_closest():
    with pytest.raises(DataError, match=r"no item 'P 1'; .*; did you mean 'p1'\?"):
        item_in_words(SHOP, "P 1")


def test_ids_that_collide_are_told_once(tmp_path):
    rows = [f"{'U' if item == 1 else 'u'}{user},i{item}" for user in range(4) for item in range(5)]
    (tmp_path / "interactions.csv").write_text("\n".join(["user_id,item_id", *rows]) + "\n")
    dataset = prepare(read_source(tmp_path, name="shop")[1])
    said = [line for line in (*dataset.notes, *warnings_of(dataset, [])) if "collide" in line]
    assert len(said) == 1 and "8 users have ids that collide" in said[0]
