"""Named values to entities: single values, lists and category paths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdiffe_jax.data.content.attributes import attribute_relation, list_relation, path_relation
from kdiffe_jax.data.relation import join_relations
from kdiffe_jax.errors import ConfigError


def values_of(relation, n_items) -> list[list[str]]:
    found: list[list[str]] = [[] for _ in range(n_items)]
    for item, entity in zip(relation.items.tolist(), relation.entities.tolist(), strict=True):
        found[item].append(relation.entity_names[entity])
    return found


def test_attribute_values_are_tidied_and_keep_their_case():
    texts = [" Müller  &amp; Söhne\t", "", "graco", "Graco", " \n ", "Müller &amp;\u00a0Söhne"]
    brand = attribute_relation("brand", texts)
    assert brand.entity_names == ("Graco", "Müller &amp; Söhne", "graco")
    assert values_of(brand, 6) == [
        ["Müller &amp; Söhne"],
        [],
        ["graco"],
        ["Graco"],
        [],
        ["Müller &amp; Söhne"],
    ]
    assert brand.items.dtype == brand.entities.dtype == np.int32
    assert brand.weights is None and brand.space == ""
    assert brand.note == "brand: 3 values, 4 of 6 items have one"


def test_an_attribute_is_not_divided():
    assert attribute_relation("brand", ["a|b, c > d"]).entity_names == ("a|b, c > d",)


def test_list_values_count_once():
    colour = list_relation("colour", ["red || blue||red", "", "||", "BLUE"], "||")
    assert values_of(colour, 4) == [["blue", "red"], [], [], ["BLUE"]]
    assert colour.note == "colour: 3 values, 2 of 4 items have one"


@pytest.mark.parametrize("texts", ([], ["", "  "]))
def test_no_values(texts):
    for relation in (
        attribute_relation("a", texts),
        list_relation("a", texts, "|"),
        path_relation("a", texts, "|", ">"),
    ):
        assert relation.entity_names == () and len(relation.items) == 0
        assert relation.note == f"a: 0 values, 0 of {len(texts)} items have one"
        assert join_relations([relation], ()).triples.shape == (0, 3)


def test_every_level_of_a_path_is_an_entity_and_shared_roots_go():
    texts = ["Shop > Baby > Feeding > Bottles", "", "Shop>Baby>Toys", "Shop > Baby >Feeding"]
    kind = path_relation("category", texts, "", ">")
    feeding, toys = "Shop > Baby > Feeding", "Shop > Baby > Toys"
    assert values_of(kind, 4) == [[feeding, feeding + " > Bottles"], [], [toys], [feeding]]
    assert kind.entity_names == (feeding, feeding + " > Bottles", toys)
    assert kind.note == (
        "category: 5 values, 3 of 4 items have one; dropped as shared by all of them: "
        "Shop, Shop > Baby"
    )


def test_a_path_that_all_share_stays_where_there_is_no_other():
    kind = path_relation("category", ["Sale", "", "Sale", ""], "", ">")
    assert values_of(kind, 4) == [["Sale"], [], ["Sale"], []]


def test_levels_of_one_name_below_different_parents_stay_apart():
    kind = path_relation("category", ["Baby/Toys", "Dogs/Toys"], "", "/")
    assert kind.entity_names == ("Baby", "Baby > Toys", "Dogs", "Dogs > Toys")


def test_several_paths_of_an_item():
    texts = ["Baby/Toys|Gifts//Toys/", "Baby/Bath|Baby/Toys", "Gifts| / |Baby"]
    kind = path_relation("category", texts, "|", "/")
    assert values_of(kind, 3) == [
        ["Baby > Toys", "Gifts", "Gifts > Toys"],
        ["Baby > Bath", "Baby > Toys"],
        ["Gifts"],
    ]
    assert kind.note.endswith("dropped as shared by all of them: Baby")


def test_paths_of_a_single_item_are_kept():
    assert path_relation("category", ["", "A/B"], "", "/").entity_names == ("A", "A > B")


def test_one_path_for_all_leaves_nothing():
    kind = path_relation("category", ["A/B", "A/B"], "", "/")
    assert len(kind.items) == 0 and kind.entity_names == ()
    assert kind.note.endswith("dropped as shared by all of them: A, A > B")


@pytest.mark.parametrize(
    "call",
    (
        lambda: list_relation("colour", ["a"], ""),
        lambda: path_relation("colour", ["a"], "|", ""),
        lambda: path_relation("colour", ["a"], "|", "|"),
    ),
)
def test_separators_that_cannot_be(call):
    with pytest.raises(ConfigError, match="^colour: ") as caught:
        call()
    assert "\n" not in str(caught.value)


@given(
    st.lists(st.text("abA |/", max_size=9), max_size=7),
    st.randoms(use_true_random=False),
)
def test_permuted_items_have_the_same_values(texts, random):
    order = list(range(len(texts)))
    random.shuffle(order)
    moved = [texts[i] for i in order]
    for call in (
        lambda texts: attribute_relation("a", texts),
        lambda texts: list_relation("a", texts, "|"),
        lambda texts: path_relation("a", texts, "|", "/"),
    ):
        plain, other = call(texts), call(moved)
        assert plain.entity_names == other.entity_names and plain.note == other.note
        found = values_of(plain, len(texts))
        assert values_of(other, len(texts)) == [found[i] for i in order]


@given(st.lists(st.text("ab |", max_size=9), max_size=7))
def test_list_values_by_hand(texts):
    expected = [sorted({" ".join(v.split()) for v in text.split("|")} - {""}) for text in texts]
    assert values_of(list_relation("a", texts, "|"), len(texts)) == expected
