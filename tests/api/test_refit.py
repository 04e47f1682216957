"""`refit` in Python: a model of all rows, to be used, saved and updated."""

import pandas as pd
import pytest

import kdiffe_jax as kd
from kdiffe_jax.errors import ConfigError
from tests.api.films import FILMS, films, ratings


@pytest.fixture(scope="module")
def scored():
    data = kd.dataset(pd.DataFrame(ratings()), items=pd.DataFrame(films()), name="films")
    return kd.fit(data, "lightgcn", epochs=3, progress=False)


@pytest.fixture(scope="module")
def whole(scored):
    return scored.refit(progress=False)


def test_nothing_that_a_user_chose_is_recommended(scored, whole):
    own = set(pd.DataFrame(ratings()).query("userId == 101").movieId)
    lists = whole.recommend([101], k=FILMS)
    assert set(lists.movieId).isdisjoint(own)
    assert len(lists) == FILMS - len(own)
    n_rows = len(scored.recommender.model.train) + len(scored.recommender.model.held_out)
    assert len(whole.recommender.model.train) == n_rows


def test_scores_stay_and_say_so(scored, whole):
    assert dict(whole.test) == dict(scored.test)
    assert "trained again on all" in repr(whole)
    assert "trained again on all" in whole.report().html
    assert "trained again" not in scored.report().html


def test_saved_loaded_and_updated(whole, tmp_path):
    whole.save(tmp_path / "saved")
    loaded = kd.load(tmp_path / "saved")
    pd.testing.assert_frame_equal(loaded.recommend([101], k=5), whole.recommend([101], k=5))
    more = pd.DataFrame(ratings(7, days=1, first_day=100, users=(101, 500, 501)))
    newer = loaded.update(more, epochs=1, progress=False)
    before, after = whole.data.dataset, newer.data.dataset
    assert len(after.train) + len(after.valid) + len(after.test) > len(before.train)
    assert len(after.train) >= len(before.train)
    assert newer.test


def test_in_a_directory_it_goes_on(scored, tmp_path):
    first = scored.refit(workdir=tmp_path / "run", progress=False)
    again = scored.refit(workdir=tmp_path / "run", progress=False)
    pd.testing.assert_frame_equal(first.recommend(k=3), again.recommend(k=3))


def test_it_needs_its_data_and_is_done_once(scored, whole, tmp_path):
    with pytest.raises(ConfigError, match="trained on all interactions already"):
        whole.refit()
    kept = kd.fit(scored.data, "most_popular", workdir=tmp_path / "run", progress=False)
    assert kept.refit(progress=False).result["refit"]["epochs"] == 0
    with pytest.raises(ConfigError, match="came without its data"):
        kd.load(tmp_path / "run").refit()
