"""Explanations add up to the score and say what the model holds."""

import json

import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.recommend.explain import in_words
from kdiffe_jax.recommend.recommender import Recommender
from tests.small_model import small_saved

VARIANTS = {
    "default": {},
    "all relations": {"layers": 3, "rebuild_from": "all", "top_q": 3, "layer_pooling": "mean"},
    "flat": {"layers": 0},
    "last layer": {"layers": 1, "xi": 0.0, "layer_pooling": "last"},
}


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS)
def any_recommender(request, tmp_path_factory):
    return Recommender(small_saved(tmp_path_factory.mktemp("cache"), **request.param))


def test_contributions_add_up_to_the_score(any_recommender):
    pairs = [(f"ann {u}", f"p{i}") for u, i in zip(range(0, 60, 7), range(0, 48, 5), strict=False)]
    for (user, item), score in zip(pairs, any_recommender.score(pairs), strict=True):
        explained = any_recommender.explain(user, item)
        assert explained.score == pytest.approx(score, rel=1e-5, abs=1e-5)
        total = explained.own + sum(past.contribution for past in explained.past)
        assert total == pytest.approx(explained.score, rel=1e-5, abs=1e-5)


def test_without_one_past_item_its_contribution_is_gone(recommender):
    """The share of an item is what the score loses when its entry of the Laplacian is 0."""
    model = recommender.model
    row = int(np.searchsorted(model.train[:, 0], 4))
    item = model.item_ids[model.train[row, 1]]
    share = {p.item: p for p in recommender.explain("ann 4", "p8").past}[item]
    cut = model.artifacts["laplacian"].copy()
    cut[row] = 0.0
    without = model._replace(artifacts={**model.artifacts, "laplacian": cut})
    without = Recommender(without).explain("ann 4", "p8")
    lost = sum(p.contribution for p in recommender.explain("ann 4", "p8").past) - sum(
        p.contribution for p in without.past
    )
    assert lost == pytest.approx(share.contribution, abs=1e-5)


def test_past_items_are_the_training_items_with_their_s(any_recommender):
    model = any_recommender.model
    rows = np.flatnonzero(model.train[:, 0] == 11)
    past = any_recommender.explain("ann 11", "p0").past
    assert sorted(p.item for p in past) == sorted(f"p{i}" for i in model.train[rows, 1])
    arrays = (
        model.artifacts.get("similarity", [None] * len(model.train)),
        model.artifacts["laplacian"],
    )
    expected = {f"p{model.train[r, 1]}": tuple(array[r] for array in arrays) for r in rows}
    assert all((p.similarity, p.weight) == expected[p.item] for p in past)
    contributions = [p.contribution for p in past]
    assert contributions == sorted(contributions, reverse=True)


def test_entities_say_what_the_denoiser_did(any_recommender):
    model = any_recommender.model
    names = {name: r for r, name in enumerate(model.relation_names)}
    for item in range(0, 48, 5):
        own = set(map(tuple, model.triples[model.triples[:, 0] == item, 1:].tolist()))
        rebuilt = model.artifacts["kept"]
        kept = set(map(tuple, rebuilt[rebuilt[:, 0] == item, 1:].tolist()))
        entities = any_recommender.explain("ann 0", f"p{item}").entities
        found = {
            (names[e.relation], model.entity_names.index(e.entity)): e.status for e in entities
        }
        wanted = dict.fromkeys(own - kept, "left out") | dict.fromkeys(own & kept, "kept")
        assert found == wanted | dict.fromkeys(kept - own, "added")
        assert all(0 <= e.probability <= 1 for e in entities)
        assert all((e.attention is None) == (e.status == "added") for e in entities)
        total = sum(e.attention for e in entities if e.attention is not None)
        assert total == pytest.approx(1.0, abs=1e-5)


def test_json_holds_the_same(recommender):
    explained = recommender.explain("ann 2", "p4")
    plain = json.loads(json.dumps(explained.to_json()))
    assert plain["score"] == explained.score and plain["item"] == "p4"
    assert plain["past"][0] == explained.past[0]._asdict()
    assert plain["entities"][-1] == explained.entities[-1]._asdict()


def test_words_say_every_share_once(recommender):
    explained = recommender.explain("ann 2", "p4")
    words = in_words(explained, most=2)
    assert words.startswith(f"user ann 2, item p4 (Tëa cup 4): score {explained.score:.4f}")
    shares = [float(line.split()[0]) for line in words.splitlines() if line[2:3] in "+- "][:4]
    assert sum(shares) == pytest.approx(explained.score, abs=5e-4)
    assert f"from {len(explained.past) - 2} other items chosen before" in words
    assert "kept by the denoiser, expected of " in words


def test_words_name_a_few_entities_of_each_relation(recommender):
    explained = recommender.explain("ann 2", "p4")
    entity = explained.entities[0]._replace(relation="word")
    others = [entity._replace(entity=f"w{n}") for n in range(40)]
    long = explained._replace(entities=(*others, entity._replace(relation="brand", entity="b")))
    lines = in_words(long, most=3).splitlines()
    assert [line.split("(")[0].strip() for line in lines if line.startswith("  word")] == [
        "word: w0",
        "word: w1",
        "word: w2",
        "word: and 37 more",
    ]
    assert lines[-1].startswith("  brand: b")
    assert "word: and 39 more" in in_words(long, most=0)


def test_new_users_and_items_are_explained(recommender):
    name = recommender.model.entity_names[int(recommender.model.triples[0, 2])]
    more = recommender.with_users({"new": ["p1", "p2"]}).with_items({"fresh": [name]})
    explained = more.explain("new", "fresh")
    assert explained.own == 0 and {p.item for p in explained.past} == {"p1", "p2"}
    assert [(e.status, e.probability) for e in explained.entities] == [("not seen", None)]
    total = sum(p.contribution for p in explained.past)
    assert total == pytest.approx(explained.score, abs=1e-5)


def test_probabilities_are_the_denoised_values_cut_to_0_and_1(recommender):
    model = recommender.model
    names = list(zip(*model.triples[:, 1:].T.tolist(), strict=True))
    mine = np.flatnonzero(model.triples[:, 0] == 4)
    values = np.linspace(-0.2, 1.1, len(mine), dtype=np.float32)
    denoised = model.artifacts["denoised"].copy()
    denoised[mine] = values
    changed = model._replace(artifacts={**model.artifacts, "denoised": denoised})
    entities = Recommender(changed).explain("ann 2", "p4").entities
    found = {(e.relation, e.entity): e.probability for e in entities}
    for place, value in zip(mine, values, strict=True):
        relation, entity = names[place]
        pair = model.relation_names[relation], model.entity_names[entity]
        assert found[pair] == pytest.approx(min(max(value, 0.0), 1.0))


@pytest.mark.parametrize("auc", [None, 0.5, 0.52, 0.3])
def test_nothing_is_said_of_a_denoiser_that_is_no_better_than_chance(recommender, auc):
    about = {name: found for name, found in recommender.model.about.items() if name != "denoiser"}
    if auc is not None:
        about["denoiser"] = {"held_out_auc": auc, "held_out_error": 0.012, "held_out_triples": 90}
    model = recommender.model._replace(about=about)
    explained = Recommender(model).explain("ann 2", "p4")
    assert {(e.status, e.probability) for e in explained.entities} == {("has", None)}
    assert len(explained.entities) == np.count_nonzero(model.triples[:, 0] == 4)
    words = in_words(explained)
    assert "attention" in words and "denoiser" not in words and "expected" not in words


def test_a_model_without_s_attention_and_denoiser_leaves_them_out(lightgcn):
    recommender = Recommender(lightgcn)
    explained = recommender.explain("ann 2", "p4")
    assert {past.similarity for past in explained.past} == {None}
    total = explained.own + sum(past.contribution for past in explained.past)
    assert total == pytest.approx(explained.score, abs=1e-6)
    assert {(e.attention, e.status) for e in explained.entities} == {(None, "has")}
    triples = lightgcn.triples[lightgcn.triples[:, 0] == 4, 1:].tolist()
    names = [(lightgcn.relation_names[r], lightgcn.entity_names[e]) for r, e in triples]
    assert [(e.relation, e.entity) for e in explained.entities] == names
    words = in_words(explained)
    for word in ("(S ", "attention", "denoiser", "None"):
        assert word not in words
    assert words.endswith(": ".join(names[-1])) and "the user's own embedding" in words


def test_an_item_without_entities_and_a_user_without_items(lightgcn):
    bare = lightgcn._replace(
        triples=lightgcn.triples[:0],
        train=lightgcn.train[lightgcn.train[:, 0] > 0],
        artifacts={**lightgcn.artifacts, "own_users": 0 * lightgcn.artifacts["own_users"]},
    )
    words = in_words(Recommender(bare).explain("ann 0", "p4"))
    assert "; the user chose nothing in training" in words
    assert words.endswith("item p4 has no entities")


def test_a_score_that_is_no_sum_has_no_reasons(popular):
    recommender = Recommender(popular)
    assert not recommender.explains
    with pytest.raises(ConfigError, match="^most_popular has no reasons to give for a score$"):
        recommender.explain("ann 0", "p0")


def test_ids_that_are_not_known(recommender):
    with pytest.raises(DataError, match="no user 'x'"):
        recommender.explain("x", "p0")
    with pytest.raises(DataError, match="no item 'x'"):
        recommender.explain("ann 0", "x")
