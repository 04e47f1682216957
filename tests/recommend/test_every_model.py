"""What happens after training, for every model that there is, through its file."""

import json

import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import MODELS, is_trained
from kdiffe_jax.recommend.export import export
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.storage.saved_model import MODEL, write_model
from tests.apart import APART
from tests.small_model import small_saved

# Their users are no sum over past items.
BY_USER_ALONE = {"hccf", "clcrec", "mgcl", "mhgcf", "diffkg", "diffmm", "mgcn"}
REASONLESS = {"most_popular", *BY_USER_ALONE}


@pytest.fixture(scope="module", params=[n for n in MODELS if n in APART or not is_trained(n)])
def saved(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.param)
    model = small_saved(directory / "cache", request.param)
    write_model(model, directory / MODEL)
    return Recommender(model), Recommender.load(directory)


def test_what_is_loaded_recommends_the_same(saved):
    before, after = (one.recommend(k=9) for one in saved)
    np.testing.assert_array_equal(before.rows, after.rows)
    np.testing.assert_array_equal(before.scores, after.scores)
    assert not np.isnan(after.scores).any()


def test_lists_have_the_best_scores(saved):
    recommender = saved[1]
    scores = recommender.score([("ann 3", item) for item in recommender.items.ids])
    seen = recommender.model.train[recommender.model.train[:, 0] == 3, 1]
    scores[seen] = -np.inf
    lists = recommender.recommend("ann 3", 7, exclude_seen="train")
    np.testing.assert_allclose(lists.scores[0], -np.sort(-scores)[:7], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(scores[lists.rows[0]], lists.scores[0], rtol=1e-4, atol=1e-6)


def test_reasons_add_up_or_are_refused_in_one_line(saved):
    recommender = saved[1]
    name = recommender.model.config["model"]
    assert recommender.explains == (name not in REASONLESS)
    if not recommender.explains:
        with pytest.raises(ConfigError, match=f"^{name} has no reasons"):
            recommender.explain("ann 3", "p1")
        return
    explained = recommender.explain("ann 3", "p1")
    total = explained.own + sum(past.contribution for past in explained.past)
    assert total == pytest.approx(explained.score, rel=1e-4, abs=1e-5)
    (score,) = recommender.score([("ann 3", "p1")])
    assert explained.score == pytest.approx(score, rel=1e-4, abs=1e-5)


def test_a_new_user_is_given_what_is_new_to_them_or_refused_in_one_line(saved):
    name = saved[1].model.config["model"]
    assert saved[1].folds_in == (name not in BY_USER_ALONE)
    if not saved[1].folds_in:
        with pytest.raises(ConfigError, match=f"^{name} has no way to fold in a user"):
            saved[1].with_users({"new": ["p1", "p2"]})
        return
    more = saved[1].with_users({"new": ["p1", "p2"]})
    best = more.recommend("new", 46)["new"]
    assert len(best) == 46 and not {"p1", "p2"} & {item for item, _ in best}
    scores = more.score([("new", item) for item, _ in best])
    np.testing.assert_allclose(scores, [score for _, score in best], rtol=1e-4, atol=1e-6)


def test_likeness_has_an_order(saved):
    for lists in (saved[1].similar_items("p1", 47), saved[1].similar_users("ann 1", 59)):
        (found,) = (best for _, best in lists)
        scores = [score for _, score in found]
        assert len({name for name, _ in found}) == len(found) == lists.rows.shape[1]
        assert scores == sorted(scores, reverse=True)


def test_new_items_are_ranked_or_refused_in_one_line(saved):
    recommender = saved[1]
    model = recommender.model
    given = {"new": [model.entity_names[model.triples[0, 2]]]}
    try:
        more = recommender.with_items(given)
    except ConfigError as error:
        assert str(error).startswith(f"{model.config['model']} has no rows for new items")
    else:
        assert np.isfinite(more.score([("ann 1", "new")])).all()


def test_exports_say_how_they_score(saved, tmp_path):
    for name in ("safetensors", "pyarrow", "flatbuffers"):
        pytest.importorskip(name)
    export(saved[1].model, tmp_path / "out")
    about = json.loads((tmp_path / "out" / "export.json").read_text())
    assert about["best_epoch"] == (0 if is_trained(about["model"]) else None)
    assert about["model"] == saved[1].model.config["model"]
    assert "scores = " in about["how_to_score"] or "a user's score" in about["how_to_score"]
