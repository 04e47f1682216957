"""Ids as people give them: a text is one id, and what is none is refused in one line."""

import re

import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.recommend.ids import Ids, length_of_lists, listed
from kdiffe_jax.recommend.recommender import Recommender


@pytest.fixture
def numbered(model):
    """The items are called 0, 1, 2, ..., so that a text of digits has letters that are items."""
    return Recommender(model._replace(item_ids=tuple(map(str, range(len(model.item_ids))))))


def test_a_text_is_one_id_wherever_ids_are_asked_for(numbered):
    alone = numbered.with_users({"zoe": ["12"]}).recommend("zoe", 5)["zoe"]
    assert numbered.with_users({"zoe": "12"}).recommend("zoe", 5)["zoe"] == alone
    ranked = numbered.recommend("ann 1", 5, candidates="12", exclude_seen=False)["ann 1"]
    assert [item for item, _ in ranked] == ["12"]
    assert numbered.similar_items("12", 2)["12"]


def test_a_text_is_one_entity(model):
    recommender = Recommender(model)
    name = model.entity_names[model.triples[0, 2]]
    one, other = (recommender.with_items({"new": given}).model for given in (name, [name]))
    np.testing.assert_array_equal(one.items[-1], other.items[-1])


@pytest.mark.parametrize("given", (["12"], "12", None))
def test_what_is_no_dictionary_is_refused(numbered, given):
    with pytest.raises(ConfigError, match="give the items of users as a dictionary by new id"):
        numbered.with_users(given)
    with pytest.raises(ConfigError, match="give entities of items as a dictionary by new id"):
        numbered.with_items(given)


def test_two_new_ids_of_one_text_are_refused(numbered):
    name = numbered.model.entity_names[numbered.model.triples[0, 2]]
    for add in (numbered.with_users, numbered.of_new_users):
        with pytest.raises(DataError, match="^new user '1' stands there twice"):
            add({1: ["12"], "1": ["13"]})
    with pytest.raises(DataError, match="^new item '100' stands there twice"):
        numbered.with_items({100: [name], "100": [name]})


@pytest.mark.parametrize("pair", ("ab", ("ann 1",), 7, ("ann 1", "1", "2")))
def test_what_is_no_pair_is_refused(numbered, pair):
    with pytest.raises(DataError, match=r"is no pair; give \(user, item\)"):
        numbered.score([pair])


def test_what_is_no_entity_is_refused(numbered):
    with pytest.raises(DataError, match="entity 7: give a name"):
        numbered.with_items({"new": [7]})


@pytest.mark.parametrize("k", ("5", 2.0, None, True, [3]))
def test_a_length_that_is_no_whole_number(numbered, k):
    for call in (numbered.recommend, numbered.similar_users):
        with pytest.raises(ConfigError, match="give a whole number, the length of a list"):
            call("ann 1", k)
    with pytest.raises(ConfigError, match="give a whole number"):
        numbered.similar_items("1", k)


def test_lengths_that_are_whole_numbers():
    assert length_of_lists(np.int32(4)) == 4
    with pytest.raises(ConfigError, match="k = 0: a list has at least 1 place"):
        length_of_lists(0)


def test_listed_takes_what_has_no_parts_as_one():
    assert listed(2.5) == [2.5] and listed(b"12") == [b"12"] and listed(("a",)) == ["a"]


def test_an_unknown_id_gets_the_closest():
    ids = Ids("item", ("cup-red", "hat"))
    with pytest.raises(DataError, match=r"no item 'cup-rde'; .*; did you mean 'cup-red'\?"):
        ids.numbers(["cup-rde"])


def test_an_unknown_entity_or_relation_gets_the_closest(model):
    recommender = Recommender(model)
    relation = model.relation_names[0]
    name = model.entity_names[model.triples[0, 2]]
    with pytest.raises(DataError, match=re.escape(f"did you mean {name!r}?")):
        recommender.items_with(f" {name.upper()}")
    with pytest.raises(DataError, match=re.escape(f"did you mean {relation!r}?")):
        recommender.items_with(name, relation.upper())
