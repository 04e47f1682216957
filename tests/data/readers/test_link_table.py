"""Tables of links: triples and neighbours join a catalogue, unknown items are counted."""

import numpy as np
import pytest

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.readers.link_table import add_neighbours, add_triples
from kdiffe_jax.data.relation import ITEMS
from kdiffe_jax.errors import DataError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

SHOP = Catalogue(
    name="shop",
    user_ids=("ann",),
    item_ids=("pen", "ink", "пар", "4"),
    interactions=Interactions(np.zeros(1, np.int32), np.zeros(1, np.int32)),
)


@pytest.fixture
def write(tmp_path):
    def write(text, name="side.csv"):
        (tmp_path / name).write_bytes(text.encode())
        return tmp_path / name

    return write


def refusal(function, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        function(SHOP, *arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def links(relation) -> list[tuple]:
    names = SHOP.item_ids if relation.links_items else relation.entity_names
    pairs = zip(relation.items.tolist(), relation.entities.tolist(), strict=True)
    return [(SHOP.item_ids[item], names[entity]) for item, entity in pairs]


# Triples


@pytest.mark.parametrize(
    "text",
    [
        "subject,predicate,object\npen,by,Acme\nink,by,Bic\npen,made in,France\n4,by,Acme\n",
        "head,relation,tail\npen,by,Acme\nink,by,Bic\npen,made in,France\n4,by,Acme\n",
        "pen,by,Acme\nink,by,Bic\npen,made in,France\n4,by,Acme\n",
        "Entity,x,Relation,Item ID\nAcme,,by,pen\nBic,,by,ink\nFrance,,made in,pen\nAcme,,by,4\n",
    ],
)
def test_triples(write, text):
    shop = add_triples(SHOP, write(text))
    by, made = shop.relations
    assert (by.name, made.name) == ("by", "made in") and by.space == made.space == ""
    assert links(by) == [("pen", "Acme"), ("ink", "Bic"), ("4", "Acme")]
    assert links(made) == [("pen", "France")] and made.entity_names == ("France",)
    assert by.items.dtype == by.entities.dtype == np.int32 and by.weights is None
    assert shop.notes == (("side.csv: ignored columns x",) if "x" in text else ())


@pytest.mark.parametrize("header", ("", "item\tentity\tweight\n"))
def test_triples_of_one_relation_with_weights(write, header):
    text = header + "pen\tred\t0.5\nink\tblue\t2\nnail\tgrey\t1\nnail\tred\t1\n"
    shop = add_triples(SHOP, write(text, "side.tsv"), "colour")
    (colour,) = shop.relations
    assert colour.name == "colour" and links(colour) == [("pen", "red"), ("ink", "blue")]
    assert colour.weights.tolist() == [0.5, 2] and colour.weights.dtype == np.float32
    assert "grey" not in colour.entity_names
    assert shop.notes[0].startswith("side.tsv: 1 of 3 item ids are unknown")
    assert shop.notes[0].endswith("'nail' (2 rows)")


def test_triples_from_parquet_by_position(tmp_path):
    pq.write_table(pa.table({"a": [4, 4], "b": ["x", "y"]}), tmp_path / "t.parquet")
    (relation,) = add_triples(SHOP, tmp_path / "t.parquet", "tag").relations
    assert links(relation) == [("4", "x"), ("4", "y")]


def test_entities_that_collide_are_noted(write):
    shop = add_triples(SHOP, write("pen,by,Acme\nink,by,acme\n"))
    assert shop.notes[0].startswith("2 entities of side.csv have ids that collide")
    assert shop.relations[0].entity_names == ("Acme", "acme")


@pytest.mark.parametrize(
    ("text", "relation", "expected"),
    [
        ("pen,by\n", "", "2 columns, expected item, relation, entity and perhaps weight"),
        ("pen,by,Acme,1,2\n", "", "5 columns, expected item, relation, entity"),
        ("pen\n", "by", "1 columns, expected item, entity"),
        ("pen,by,Acme\n", "by", "row 1: weight 'Acme' is not a finite number; columns are item, e"),
        ("item,relation,entity\npen,by,Acme\n", "by", "it has a column of relations; give no"),
        ("pen,by,Acme\nink,by,\n", "", "row 2: the entity id is empty"),
        ("pen,by,Acme\nink,,Bic\n", "", "row 2: the relation id is empty"),
        ("pen,by,Acme,1\nink,by,Bic,\n", "", "row 2: the weight is missing; fill it in"),
        ("item,relation,entity,weight\npen,by,Acme,inf\n", "", "row 2: weight 'inf' is not"),
        ("Pen,by,Acme\n", "", "none of its 1 item ids is known; it has 'Pen', but"),
        ("item,relation,entity\n", "", "it has no row"),
        ("pen,by,Acme\nink,by\n", "", "row 2: 2 columns, expected 3"),
    ],
)
def test_malformed_triples(write, text, relation, expected):
    message = refusal(add_triples, write(text), relation)
    assert "side.csv" in message and expected in message


# Neighbours


def test_neighbours(write):
    text = "item,neighbour,cosine\npen,ink,0.9\npen,pen,1\n4,nail,0.5\nnail,4,0.5\nink,4,0.25\n"
    shop = add_neighbours(SHOP, write(text), "looks like")
    (near,) = shop.relations
    assert near.name == "looks like" and near.space == ITEMS and near.entity_names == ()
    assert links(near) == [("pen", "ink"), ("ink", "4")]
    assert near.weights.tolist() == np.array([0.9, 0.25], np.float32).tolist()
    assert near.entities.dtype == np.int32
    assert shop.notes == (
        "side.csv: 1 of 4 item ids are unknown and their rows were dropped, "
        "the first is 'nail' (1 rows)",
        "side.csv: 1 links of items with themselves dropped",
        "side.csv: 1 of 4 neighbour ids are unknown and their rows were dropped, "
        "the first is 'nail' (1 rows)",
    )


def test_neighbours_without_header_and_weights(write):
    shop = add_neighbours(SHOP, write("pen\tink\nink\tпар\n", "side.tsv"), "near")
    assert links(shop.relations[0]) == [("pen", "ink"), ("ink", "пар")]
    assert shop.relations[0].weights is None and shop.notes == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0,1\n1,0\n", "none of its 2 item ids is known; it has '0', but"),
        ("pen,1\nink,0\n", "none of its 2 neighbour ids is known; it has '1', but"),
        ("pen,ink,near\n", "row 1: weight 'near' is not a finite number; columns are item, neig"),
        ("pen,\n", "row 1: the neighbour id is empty"),
        ("pen,ink,1,1\n", "4 columns, expected item, neighbour"),
    ],
)
def test_malformed_neighbours(write, text, expected):
    message = refusal(add_neighbours, write(text), "near")
    assert "side.csv" in message and expected in message


# Entities that are items

BOTH = "pen,goes with,ink\nink,goes with,Acme\nAcme,makes,4\nx,y,z\npen,goes with,pen\n"


def test_entities_called_as_items_stay_apart_and_are_counted(write):
    shop = add_triples(SHOP, write(BOTH))
    assert [links(relation) for relation in shop.relations] == [
        [("pen", "ink"), ("ink", "Acme"), ("pen", "pen")]
    ]
    assert (
        "side.csv: in 3 of 5 triples the entity is called as an item is, and they stay apart; if "
        "they are one, --kg_ids=shared makes them so"
    ) in shop.notes


def test_shared_ids_make_them_these_items(write):
    shop = add_triples(SHOP, write(BOTH), shared_ids=True)
    assert {(one.name, one.space): links(one) for one in shop.relations} == {
        ("goes with", ITEMS): [("pen", "ink")],
        ("goes with", "entities"): [("ink", "Acme")],
        ("makes (inverse)", "entities"): [("4", "Acme")],
    }
    assert shop.notes == (
        "side.csv: 1 of 5 triples touch no item and were left out",
        "side.csv: 1 triples link an item to itself and were left out",
    )


def test_shared_ids_of_one_relation_with_weights(write):
    shop = add_triples(SHOP, write("pen,ink,0.5\nAcme,ink,1\n"), "near", shared_ids=True)
    assert [(one.name, links(one)) for one in shop.relations] == [
        ("near", [("pen", "ink")]),
        ("near (inverse)", [("ink", "Acme")]),
    ]
    assert shop.notes == ("side.csv: weights are not used with --kg_ids=shared",)


def test_shared_ids_of_which_none_is_an_item(write):
    with pytest.raises(DataError) as caught:
        add_triples(SHOP, write("a,b,c\nd,b,e\n"), shared_ids=True)
    assert "side.csv: none of its 2 triples touches an item, the first is 'a' 'b' 'c'; use" in str(
        caught.value
    )
    with pytest.raises(DataError, match="it has no row"):
        add_triples(SHOP, write("head,relation,tail\n"), shared_ids=True)
