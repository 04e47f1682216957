import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import kdiffe_jax as kd
from kdiffe_jax.errors import ConfigError, DataError, RunError
from kdiffe_jax.models.registry import MODELS
from tests.api.films import FILM, MAKE, films, ratings, rows_of, vectors

QUICK = dict(epochs=1, progress=False)


def data_of(kind="pandas", **options):
    make = MAKE[kind]
    return kd.dataset(
        make(ratings()),
        items=make(films()),
        features={"image": vectors()},
        name="films",
        **{"split": "time"} | options,
    )


@pytest.fixture(scope="module")
def model():
    return kd.fit(data_of(), "lightgcn", epochs=3, progress=False, neighbour_weight=0.5)


def test_lists_have_the_columns_that_came_in(model):
    lists = model.recommend([101, 102], k=3)
    assert list(lists.columns) == ["userId", "movieId", "rank", "score"]
    assert lists.userId.tolist() == [101] * 3 + [102] * 3
    assert lists["rank"].tolist() == [1, 2, 3] * 2
    assert lists.movieId.isin(FILM).all()
    assert lists.dtypes["movieId"] == np.int64
    seen = pd.DataFrame(ratings())
    pairs = set(zip(seen.userId, seen.movieId, strict=True))
    assert not pairs & set(zip(lists.userId, lists.movieId, strict=True))


def test_ids_keep_their_columns_whatever_these_are_called():
    frame = pd.DataFrame(ratings()).rename(columns={"userId": "source", "movieId": "rank"})
    data = kd.dataset(frame, user_column="source", item_column="rank")
    lists = kd.fit(data, "rp3beta", progress=False).recommend([101, 999], k=2, unknown="popular")
    assert list(lists) == ["source", "rank", "rank_", "score", "source_"]
    assert lists.source.tolist() == [101, 101, 999, 999] and set(lists["rank"]) <= set(FILM)
    assert lists.rank_.tolist() == [1, 2, 1, 2]
    named = kd.dataset(
        frame.rename(columns={"rank": "name"}), user_column="source", item_column="name"
    )
    past = kd.fit(named, "rp3beta", progress=False).explain(101, lists["rank"][0]).past
    assert set(past.name) <= set(FILM) and "name_" in past


@pytest.mark.parametrize(
    "asked",
    [101, np.int64(101), 101.0, "101", [101], np.array([101]), pd.Series([101])],
    ids=lambda asked: type(asked).__name__,
)
def test_one_user_is_asked_for_in_many_ways(model, asked):
    pd.testing.assert_frame_equal(model.recommend(asked, k=2), model.recommend([101], k=2))


def test_a_frame_of_users_is_asked_for_by_its_column(model):
    asked = pd.DataFrame({"userId": [101, 103], "age": [20, 30]})
    assert model.recommend(asked, k=1).userId.tolist() == [101, 103]


def test_candidates_and_filters_take_the_ids_that_came_in(model):
    among = model.recommend(101, k=9, candidates=[1000, 1001, 1002], exclude_seen=False)
    assert set(among.movieId) == {1000, 1001, 1002}
    even = model.recommend(101, k=5, filter=lambda film: film % 2 == 0)
    assert (even.movieId % 2 == 0).all()
    unknown = model.recommend([101, 9], k=2, unknown="popular")
    assert unknown.source.tolist() == ["model"] * 2 + ["most popular"] * 2


def test_items_scores_and_reasons(model):
    near = model.similar(1000, k=2)
    assert list(near.columns) == ["movieId", "similar_movieId", "rank", "score"]
    lists = model.recommend([101], k=2)
    np.testing.assert_allclose(model.score(lists), lists.score, rtol=1e-5)
    pairs = list(zip(lists.userId, lists.movieId, strict=True))
    np.testing.assert_array_equal(model.score(pairs), model.score(lists))
    reasons = model.explain(101, 1000)
    own = reasons.explanation.own
    assert reasons.past.contribution.sum() + own == pytest.approx(reasons.score, rel=1e-4)
    assert set(reasons.past.movieId) <= set(FILM)
    assert {"relation", "entity"} <= set(reasons.entities.columns)
    assert "chosen before" in repr(reasons)
    assert "<pre>" in reasons._repr_html_()


def test_what_a_run_says_of_itself(model):
    assert model.history.epoch.tolist() == [0, 1, 2]
    assert {"loss", "valid_recall@20"} <= set(model.history.columns)
    assert model.scores.model.tolist() == ["lightgcn", "most popular"]
    assert model.scores["test_recall@20"][0] == model.test["recall@20"]
    page = model.report()._repr_html_()
    assert page.startswith("<iframe srcdoc=")
    assert "lightgcn on films: valid recall@20" in repr(model)


def test_looking_at_scores_reads_no_embeddings(model, tmp_path):
    model.save(tmp_path / "saved")
    loaded = kd.load(tmp_path / "saved")
    (tmp_path / "saved" / "model.npz").unlink()
    assert loaded.test == model.test and repr(loaded) == repr(model)
    assert loaded.history.equals(model.history) and loaded.scores.equals(model.scores)


def test_new_users_and_saving(model, tmp_path):
    more = model.with_users(pd.DataFrame({"userId": [7, 7], "movieId": [1000, 1005]}))
    assert set(more.recommend(7, k=3).userId) == {7}
    more.save(tmp_path / "saved")
    code = (
        "import kdiffe_jax as kd, json; model = kd.load('saved');"
        "print(model.recommend([7, 101], k=3).to_json(orient='values', double_precision=15))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    again = np.array(json.loads(said))
    np.testing.assert_allclose(again, more.recommend([7, 101], k=3).to_numpy(), rtol=1e-5)
    loaded = kd.load(tmp_path / "saved")
    assert loaded.data.dataset.fingerprint() == model.data.dataset.fingerprint()
    with pytest.raises(DataError, match="exists"):
        model.save(tmp_path / "saved")


def test_a_run_of_the_command_is_loaded_too(model, tmp_path):
    loaded = kd.load(model.directory)
    assert loaded.data is None
    assert list(loaded.recommend("101", k=1).columns) == ["user", "item", "rank", "score"]
    rows = pd.DataFrame({"visitorid": [101, 102], "movieId": [1000, 1005]})
    pairs = rows.itertuples(index=False, name=None)
    np.testing.assert_array_equal(loaded.score(rows), loaded.score(list(pairs)))
    assert set(loaded.recommend(rows, k=1).user) == {"101", "102"}
    assert set(loaded.with_users(rows.assign(visitorid=[7, 7])).recommend("7").user) == {"7"}
    with pytest.raises(ConfigError, match="--refit="):
        loaded.refit()


def test_a_finished_run_is_given_back_and_another_refused(tmp_path):
    first = kd.fit(data_of(), "rp3beta", workdir=tmp_path / "run", **{"progress": False})
    again = kd.fit(data_of(), "rp3beta", workdir=tmp_path / "run", **{"progress": False})
    assert first.result == again.result
    with pytest.raises(RunError, match="holds a run with another configuration"):
        kd.fit(data_of(), "ease", workdir=tmp_path / "run", progress=False)


def test_a_run_is_logged_where_it_is_asked_for(tmp_path):
    pytest.importorskip("tensorboardX")
    how = dict(workdir=tmp_path / "run", progress=False, log_to={"tensorboard": True})
    kd.fit(data_of(), "lightgcn", epochs=1, **how)
    assert [*(tmp_path / "run" / "tensorboard").rglob("events*")]
    with pytest.raises(ConfigError, match="no tracker 'wandbb'.*did you mean wandb"):
        kd.fit(data_of(), "lightgcn", log_to={"wandbb": "films"})


MISTAKES = {
    "a user that is not known": (lambda m: m.recommend(9), "no user '9'"),
    "a missing id": (lambda m: m.recommend([None]), "an id is None"),
    "k is no number": (lambda m: m.recommend(101, k="ten"), "k = 'ten': give a whole number"),
    "k is no whole number": (lambda m: m.recommend(101, k=2.5), "k = 2.5"),
    "an item that is not known": (lambda m: m.recommend(101, candidates=-1), "no item '-1'"),
    "pairs that are none": (lambda m: m.score([101]), "pairs: give"),
    "a frame without the column": (
        lambda m: m.score(pd.DataFrame({"user": [101]})),
        "pairs: no column 'userId'",
    ),
    "a frame of new items that has no entities": (
        lambda m: m.with_items(pd.DataFrame({"movieId": [1], "title": ["Heat"]})),
        "no column 'relation'; give the columns movieId, relation, entity, a row for each",
    ),
    "an unknown option of lists": (lambda m: m.recommend(101, unknown="?"), "choose one of"),
    "a known user as a new one": (lambda m: m.with_users({101: [1000]}), "there already"),
    "two ids of one text": (lambda m: m.with_users({7: [1000], "7": [1001]}), "'7' stands there"),
    "half of a letter": (lambda m: m.recommend("u\ud800", unknown="popular"), "half of a letter"),
    "a new user of half a letter": (lambda m: m.with_users({"u\ud800": [1000]}), "half of a"),
    "no model of entities": (lambda m: m.with_items({"x": ["Drama"]}), "no rows for new items"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(model, mistake):
    work, said = MISTAKES[mistake]
    with pytest.raises((DataError, ConfigError), match=said) as refused:
        work(model)
    assert "\n" not in str(refused.value)


def test_numbers_are_entities_as_the_data_set_writes_them():
    items = pd.DataFrame(films()).assign(year=[2000.0 + n % 5 for n in range(len(FILM))])
    data = kd.dataset(pd.DataFrame(ratings()), items=items, attribute_columns="year")
    model = kd.fit(data, "kdiffe", dim=8, **QUICK)
    known = model.with_items({1: ["2001"]}).similar(1, k=3)

    def frame(*years):
        return pd.DataFrame({"movieId": 1, "relation": "year", "entity": years})

    for given in ({1: 2001}, {1: [2001.0]}, {1: [("year", 2001.0)]}, frame(2001.0), frame("2001")):
        pd.testing.assert_frame_equal(model.with_items(given).similar(1, k=3), known)
    for given, asked in ((True, "true"), (12345678901.5, "1.23456789015e+10")):
        with pytest.raises(DataError, match=re.escape(f"no entity '{asked}'")):
            model.with_items({1: [("year", given)]})
    with pytest.raises(DataError, match="items, row 2: the entity is missing"):
        model.with_items(frame(2001.0, None))
    for given in (None, float("nan"), ("year", None), ("year", 2001, 5)):
        with pytest.raises(DataError, match="entities of '1': .* is no name; give text or a numb"):
            model.with_items({1: [given]})


def test_no_such_model_option_or_directory(tmp_path):
    with pytest.raises(ConfigError, match="did you mean lightgcn"):
        kd.fit(data_of(), "lightgnc")
    with pytest.raises(ConfigError, match="did you mean epochs"):
        kd.fit(data_of(), "lightgcn", epoch=3)
    with pytest.raises(RunError, match="no such run"):
        kd.load(tmp_path / "nothing")


ALWAYS = ("lightgcn", "ease")
EACH = [n if n in ALWAYS else pytest.param(n, marks=pytest.mark.thorough) for n in MODELS]


@pytest.mark.parametrize("name", EACH)
def test_every_model_goes_all_the_way(name, tmp_path):
    kind = "polars" if len(name) % 2 else "pandas"
    options = {} if name in ("most_popular", "rp3beta", "ease") else {"epochs": 1, "dim": 8}
    fitted = kd.fit(data_of(kind), name, progress=False, **options)
    lists = fitted.recommend([101, 102], k=3)
    assert type(lists).__module__.startswith(kind)
    fitted.save(tmp_path / "saved")
    loaded = kd.load(tmp_path / "saved")
    assert rows_of(loaded.recommend([101, 102], k=3)) == rows_of(lists)
    user, item = rows_of(lists)[0][:2]
    if loaded.recommender.explains:
        assert loaded.explain(user, item).score == pytest.approx(rows_of(lists)[0][3], rel=1e-3)
    rows = MAKE[kind](ratings(1, days=1, first_day=100, users=(101, 500)))
    updated = loaded.update(rows, progress=False)
    assert len(updated.recommend(500, k=3)) == 3
    assert updated.result["model"] == name


def test_an_ensemble_is_one_model(tmp_path):
    together = kd.fit(data_of(), "lightgcn", seeds=2, ensemble=True, **QUICK)
    assert together.test == together.result["ensemble"]["test"]
    assert together.scores["model"].tolist()[:2] == ["lightgcn, ensemble of 2", "lightgcn"]
    assert f"test recall@20 {together.test['recall@20']:.4f}" in repr(together)
    together.save(tmp_path / "kept")
    pd.testing.assert_frame_equal(
        kd.load(tmp_path / "kept").recommend(101), together.recommend(101)
    )


def test_a_finished_run_is_not_that_of_data_with_other_ids(tmp_path):
    """The same numbers inside, but other people's lists."""
    seen = pd.DataFrame(ratings())
    kd.fit(kd.dataset(seen), "ease", progress=False, workdir=tmp_path / "run")
    for column in ("userId", "movieId"):
        other = kd.dataset(seen.assign(**{column: seen[column] + 1000}))
        assert other.dataset.fingerprint() == kd.dataset(seen).dataset.fingerprint()
        with pytest.raises(RunError, match="another configuration: the ids of users"):
            kd.fit(other, "ease", progress=False, workdir=tmp_path / "run")


def test_a_finished_run_takes_new_titles(tmp_path):
    of_items = pd.DataFrame(films())
    where = dict(progress=False, workdir=tmp_path / "run")
    kd.fit(kd.dataset(pd.DataFrame(ratings()), items=of_items), "ease", **where)
    renamed = kd.dataset(pd.DataFrame(ratings()), items=of_items.assign(title="New"))
    model = kd.fit(renamed, "ease", **where)
    assert set(model.recommender.model.item_names) == {"New"}
    assert set(kd.load(tmp_path / "run").recommender.model.item_names) == {"New"}
