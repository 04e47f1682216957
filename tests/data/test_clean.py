"""What counts: ratings, repeats, the k-core and unused users and items; each said aloud."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kdiffe_jax.data.catalogue import Catalogue, Interactions
from kdiffe_jax.data.clean import clean, k_core
from kdiffe_jax.data.settings import InteractionSettings
from kdiffe_jax.errors import ConfigError, DataError


def shop(pairs, n_users=4, n_items=5, **columns) -> Catalogue:
    users, items = np.array(pairs, np.int32).reshape(-1, 2).T
    return Catalogue(
        name="shop",
        user_ids=tuple("ABCDEFGH"[:n_users]),
        item_ids=tuple("vwxyz"[:n_items]),
        interactions=Interactions(users, items, **columns),
        columns={"title": tuple(f"title of {i}" for i in "vwxyz"[:n_items])},
        notes=("read",),
    )


def pairs_of(catalogue) -> list[tuple[str, str]]:
    rows = catalogue.interactions
    return [
        (catalogue.user_ids[u], catalogue.item_ids[i])
        for u, i in zip(rows.users.tolist(), rows.items.tolist(), strict=True)
    ]


def refusal(catalogue, **settings) -> str:
    with pytest.raises(DataError) as caught:
        clean(catalogue, InteractionSettings(**settings))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_needs_nothing_stays_as_it_is():
    whole = shop([(1, 0), (0, 1)], n_users=2, n_items=2, times=np.array([5, 4]))
    cleaned = clean(whole, InteractionSettings())
    assert cleaned.interactions.users.tolist() == [1, 0]
    assert cleaned.interactions.times.tolist() == [5, 4]
    assert (cleaned.user_ids, cleaned.item_ids, cleaned.notes) == (
        ("A", "B"),
        ("v", "w"),
        ("read",),
    )


def test_low_ratings_go_and_no_rating_stays():
    ratings = np.array([4.0, 3.9, np.nan, 5.0], np.float32)
    rated = shop([(0, 0), (0, 1), (1, 1), (1, 2)], n_users=2, n_items=3, ratings=ratings)
    cleaned = clean(rated, InteractionSettings(min_rating=4.0))
    assert pairs_of(cleaned) == [("A", "v"), ("B", "w"), ("B", "x")]
    assert cleaned.interactions.ratings[[0, 2]].tolist() == [4.0, 5.0]
    line = "rated below min_rating=4: 1 of 4 interactions dropped, 3 left"
    assert cleaned.notes == (
        "read",
        line,
        "ratings of 4 to 5 all count the same; --min_rating drops low ones",
    )


@pytest.mark.parametrize("ratings", [[0, 1, 1, np.nan], [0, 1, 1, 2], [1, 1, 1, 1], [0, 0, 0, 0]])
def test_of_labels_those_of_zero_are_no_interactions(ratings):
    rated = shop([(0, 1), (1, 2), (2, 3), (3, 4)], ratings=np.array(ratings, np.float32))
    found = clean(rated, InteractionSettings())
    labels = sorted({0, 1} & set(ratings)) == [0, 1] and 2 not in ratings
    assert len(found.interactions) == (3 if labels else 4)
    assert any("labelled 0, not 1 (--rating_column=none" in note for note in found.notes) is labels
    assert any("count the same" in note for note in found.notes) is (2 in ratings)


def test_a_threshold_on_the_float32_value_itself_keeps_it():
    rated = shop([(0, 0)], ratings=np.array([4.1], np.float32))
    assert len(clean(rated, InteractionSettings(min_rating=4.1)).interactions) == 1


def test_a_threshold_without_ratings_is_refused():
    with pytest.raises(ConfigError, match="--min_rating=3 has no effect: shop has no ratings"):
        clean(shop([(0, 0)], 1, 1), InteractionSettings(min_rating=3.0))


REPEATED = [(0, 0), (1, 1), (0, 0), (1, 1), (0, 0)]


@pytest.mark.parametrize(
    ("which", "times", "expected"),
    [
        ("first", None, [0, 1]),
        ("last", None, [3, 4]),
        ("first", [9, 1, 7, 1, 8], [1, 2]),
        ("last", [9, 1, 7, 1, 8], [0, 3]),
    ],
)
def test_repeated_pairs_count_once(which, times, expected):
    ratings = np.arange(5, dtype=np.float32)
    times = None if times is None else np.array(times)
    repeated = shop(REPEATED, 2, 2, ratings=ratings, times=times)
    cleaned = clean(repeated, InteractionSettings(duplicates=which))
    assert cleaned.interactions.ratings.tolist() == expected
    assert cleaned.notes[-1] == (
        f"repeated pairs, duplicates={which}: 3 of 5 interactions dropped, 2 left"
    )


def test_repeated_pairs_are_refused_by_the_rows_of_the_source():
    ratings = np.array([5, 1, 5, 5, 5], np.float32)
    message = refusal(shop(REPEATED, ratings=ratings), min_rating=2.0, duplicates="refuse")
    assert message == (
        "shop, interaction 1 (counted from 1): user 'A', item 'v' stands again in "
        "interaction 3; keep one, or use --duplicates=first"
    )
    only_second = np.array([5, 5, 1, 5, 1], np.float32)
    message = refusal(shop(REPEATED, ratings=only_second), min_rating=2.0, duplicates="refuse")
    assert "interaction 2 (counted from 1): user 'B', item 'w'" in message
    assert "interaction 4" in message


def test_a_pair_in_two_given_splits_is_refused():
    split = np.array([0, 2, 0, 0, 1], np.int8)
    message = refusal(shop([(0, 1), (2, 3), (1, 1), (2, 4), (2, 3)], split=split))
    assert message == (
        "shop, interaction 2 (counted from 1): user 'C', item 'y' and interaction 5 are one "
        "pair in valid and test; remove it from one of the two, or "
        "choose --overlap=earlier or later"
    )


def test_a_pair_repeated_in_one_given_split_is_a_repeat():
    split = np.array([0, 1, 0], np.int8)
    cleaned = clean(shop([(0, 1), (2, 3), (0, 1)], split=split), InteractionSettings())
    assert cleaned.interactions.split.tolist() == [0, 1]


def test_the_core_is_peeled_until_it_is_stable():
    chain = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 3)]
    cleaned = clean(shop(chain), InteractionSettings(k_core=2))
    assert pairs_of(cleaned) == [("A", "v"), ("A", "w"), ("B", "v"), ("B", "w")]
    assert cleaned.user_ids == ("A", "B")
    assert cleaned.columns["title"] == ("title of v", "title of w")
    assert cleaned.notes[1:] == (
        "outside k_core=2: 4 of 8 interactions dropped, 4 left",
        "users without interactions: 2 of 4 dropped, 2 left",
        "items without interactions: 3 of 5 dropped, 2 left",
    )


def test_repeats_do_not_help_into_the_core():
    square = [(0, 0), (0, 1), (1, 0), (1, 1)]
    cleaned = clean(shop([*square, (2, 0), (2, 0)]), InteractionSettings(k_core=2))
    assert pairs_of(cleaned) == [("A", "v"), ("A", "w"), ("B", "v"), ("B", "w")]


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12), st.integers(0, 4))
def test_the_core_is_what_peeling_one_by_one_leaves(pairs, k):
    users, items = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    inside = k_core(users, items, k)
    left = set(pairs)
    while loose := [
        (u, i)
        for u, i in left
        if sum(u == other for other, _ in left) < k or sum(i == other for _, other in left) < k
    ]:
        left.remove(loose[0])
    assert {pair for pair, kept in zip(sorted(pairs), inside, strict=True) if kept} == left


@pytest.mark.parametrize(
    ("keep_items", "left"), [("interacted", ("w", "y")), ("all", tuple("vwxyz"))]
)
def test_unused_items_go_or_stay_and_unused_users_go(keep_items, left):
    cleaned = clean(shop([(3, 3), (1, 1)]), InteractionSettings(keep_items=keep_items))
    assert cleaned.item_ids == left
    assert cleaned.user_ids == ("B", "D")
    assert pairs_of(cleaned) == [("D", "y"), ("B", "w")]


def test_a_given_split_keeps_every_number_unless_a_core_is_asked_for():
    given_split = shop([(3, 3), (1, 1)], split=np.array([0, 2], np.int8))
    cleaned = clean(given_split, InteractionSettings())
    assert (cleaned.n_users, cleaned.n_items, cleaned.notes) == (4, 5, ("read",))
    cleaned = clean(given_split, InteractionSettings(k_core=1))
    assert (cleaned.user_ids, cleaned.item_ids) == (("B", "D"), ("w", "y"))
    cleaned = clean(given_split, InteractionSettings(k_core=1, keep_items="all"))
    assert (cleaned.user_ids, cleaned.n_items) == (("B", "D"), 5)


def test_the_core_counts_over_all_splits():
    square = [(0, 0), (0, 1), (1, 0), (1, 1)]
    split = np.array([0, 2, 1, 0], np.int8)
    cleaned = clean(shop(square, split=split), InteractionSettings(k_core=2))
    assert cleaned.interactions.split.tolist() == [0, 2, 1, 0]


def test_the_step_that_leaves_nothing_is_named():
    assert refusal(shop([])) == "shop: the source has no interactions"
    rated = shop([(0, 0), (1, 1)], ratings=np.array([1, 2], np.float32))
    assert refusal(rated, min_rating=2.5) == (
        "shop: no interaction is left: all 2 are rated below min_rating=2.5; ask for less"
    )
    assert refusal(rated, k_core=2) == (
        "shop: no interaction is left: all 2 are outside k_core=2; ask for less"
    )
