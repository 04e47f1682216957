"""Random triples are new, of the given heads and tails, and as many as the share says."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdiffe_jax.data.added_triples import with_random_triples
from kdiffe_jax.data.data_ablations import ablated
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.knowledge import ensure_knowledge
from kdiffe_jax.data.options import ContentConfig, DataAblationConfig
from kdiffe_jax.data.relation import join_relations
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.models.registry import make_config


@pytest.fixture(scope="module")
def planted():
    return planted_dataset(PlantedSizes(users=60, items=48, topics=4, interactions_per_user=8))


def graph_of(triples, *, n_items=6, n_entities=5, relations=("a", "b"), **fields):
    pairs = [np.array([[0, item]], np.int32) for item in range(3)]
    rows = sorted_unique(np.array(triples))
    return Dataset("any", 1, n_items, n_entities, *pairs, rows, relation_names=relations, **fields)


def as_set(triples):
    return set(map(tuple, triples.tolist()))


@pytest.mark.parametrize("share", (0.25, 0.5, 1.0, 2.0))
def test_every_relation_grows_by_the_share(planted, share):
    noisy = with_random_triples(planted, share, seed=1)
    m = len(planted.triples)
    assert len(noisy.triples) == m + round(share * m)
    assert as_set(planted.triples) < as_set(noisy.triples)
    np.testing.assert_array_equal(noisy.triples, sorted_unique(noisy.triples))
    before, after = planted.triples_per_relation(), noisy.triples_per_relation()
    assert all(abs(after[name] - (1 + share) * before[name]) <= 1 for name in before)
    assert noisy.notes[-1] == f"data ablation: {round(share * m)} random triples are added to {m}"


def test_added_triples_are_of_given_items_and_of_the_entities_of_their_relation(planted):
    rows = planted.triples[planted.triples[:, 0] % 3 > 0]
    some = dataclasses.replace(planted, triples=rows, relevant=None)
    noisy = with_random_triples(some, 2.0, seed=0)
    assert set(noisy.triples[:, 0]) == set(rows[:, 0])
    for relation in range(some.n_relations):
        of = rows[rows[:, 1] == relation], noisy.triples[noisy.triples[:, 1] == relation]
        assert set(of[0][:, 2]) == set(of[1][:, 2])


def test_the_truth_of_given_triples_stays_and_added_ones_are_irrelevant(planted):
    noisy = with_random_triples(planted, 1.0, seed=2)
    truth = dict(zip(map(tuple, noisy.triples.tolist()), noisy.relevant, strict=True))
    known = dict(zip(map(tuple, planted.triples.tolist()), planted.relevant, strict=True))
    assert {triple: truth[triple] for triple in known} == known
    assert not any(truth[triple] for triple in truth.keys() - known.keys())


def test_added_triples_are_a_function_of_the_seed(planted):
    first, again, other = (with_random_triples(planted, 0.5, seed=s).triples for s in (1, 1, 2))
    assert (first == again).all() and as_set(first) != as_set(other)


def test_all_new_pairs_are_as_likely():
    dataset = graph_of([[0, 0, 0], [1, 0, 1], [2, 0, 2], [3, 0, 3]], relations=("a",), n_entities=4)
    counts = np.zeros((4, 4))
    for seed in range(600):
        for head, _, tail in with_random_triples(dataset, 0.5, seed=seed).triples:
            counts[head, tail] += 1
    assert (np.diag(counts) == 600).all()
    drawn = counts[~np.eye(4, dtype=bool)]
    assert drawn.sum() == 1200 and 60 < drawn.min() and drawn.max() < 145


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(2, 40), st.floats(0.1, 4.0))
def test_any_graph_gets_what_there_is_room_for(seed, entities, size, share):
    rng = np.random.default_rng(seed)
    triples = sorted_unique(rng.integers((6, 2, entities), size=(size, 3)))
    of_items = rng.integers(-1, 6, size=entities).astype(np.int32)
    dataset = graph_of(triples, n_entities=entities, entity_items=of_items)
    try:
        noisy = with_random_triples(dataset, share, seed=seed)
    except DataError:
        return
    added = as_set(noisy.triples) - as_set(triples)
    assert len(noisy.triples) == len(triples) + len(added)
    assert all(of_items[tail] != head for head, _, tail in added)
    missing = round(share * len(triples)) - len(added)
    note = f"; there are no {missing} more that would be new"
    assert noisy.notes[-1].endswith(note) == (missing > 0) and missing >= 0


def test_a_full_relation_gets_nothing_and_the_note_says_so():
    full = [[item, 0, entity] for item in range(4) for entity in range(3)]
    noisy = with_random_triples(graph_of([*full, [0, 1, 3], [1, 1, 4]]), 1.0, seed=0)
    assert noisy.triples_per_relation() == {"a": 12, "b": 4}
    assert noisy.notes[-1].endswith("2 random triples are added to 14; there are no 12 more that "
                                    "would be new")  # fmt: skip


def test_the_configuration_chooses(planted):
    noisy = ablated(planted, DataAblationConfig("added:1.5", 3))
    np.testing.assert_array_equal(noisy.triples, with_random_triples(planted, 1.5, seed=3).triples)
    assert ensure_knowledge(noisy, ContentConfig()) is noisy


@pytest.mark.parametrize("share", ("", "0", "-1", "101", "nan", "inf", "many"))
def test_shares_that_cannot_be_meant(planted, share):
    with pytest.raises(ConfigError, match="added:SHARE|above 0 and up to 100") as caught:
        ablated(planted, DataAblationConfig(f"added:{share}"))
    assert "\n" not in str(caught.value)


def test_nothing_is_added_to_a_graph_that_says_nothing(planted):
    empty = planted.with_knowledge(join_relations((), ()), "empty")
    same = graph_of([[item, 0, entity] for item in range(6) for entity in range(2)])
    for dataset in (empty, same):
        with pytest.raises(DataError, match="launch.prepare makes one") as caught:
            with_random_triples(dataset, 1.0, seed=0)
        assert "\n" not in str(caught.value)


def test_nothing_is_added_to_a_graph_that_codes_replace():
    values = {"data_ablation": "added:1", "kg_source": "features"}
    with pytest.raises(ConfigError, match="let launch.prepare make the codes"):
        make_config(values)
    assert make_config(values | {"kg_source": "none"}).content.kg_source == "none"
