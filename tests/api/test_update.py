import numpy as np
import pandas as pd
import polars as pl
import pytest

import kdiffe_jax as kd
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import ConfigError, DataError
from tests.api.films import FILM, films, ratings, vectors


def fitted(split="time", frame=pd.DataFrame):
    data = kd.dataset(frame(ratings()), items=frame(films()), split=split, name="films")
    return kd.fit(data, "lightgcn", epochs=4, progress=False, neighbour_weight=0.5)


def new_day(frame=pd.DataFrame):
    """Ratings of the day after, by a known user and a new one."""
    return frame(ratings(7, days=1, first_day=100, users=(101, 500, 501)))


def pairs_of(data: Dataset, split: str) -> set:
    rows = getattr(data, split).tolist()
    return {(data.user_ids[user], data.item_ids[item]) for user, item in rows}


THOROUGH = [pytest.param(mode, marks=pytest.mark.thorough) for mode in ("leave_one_out", "ratio")]


@pytest.mark.parametrize("split", ["time", *THOROUGH])
def test_what_was_trained_on_is_never_scored(split):
    old = fitted(split)
    new = old.update(new_day(), epochs=2, progress=False)
    before, after = old.data.dataset, new.data.dataset
    held_out = pairs_of(after, "valid") | pairs_of(after, "test")
    assert not pairs_of(before, "train") & held_out
    assert pairs_of(after, "test")
    assert {"500", "501"} <= set(after.user_ids)
    assert len(new.recommend([101, 500], k=3)) == 6


def test_it_begins_where_the_old_one_ended():
    old = fitted()
    warm = old.update(new_day(), epochs=np.int64(1), progress=False)
    cold = kd.fit(warm.data, "lightgcn", epochs=1, progress=False, neighbour_weight=0.5)
    assert warm.valid["ndcg@10"] > cold.valid["ndcg@10"]


def test_saved_loaded_and_updated_again(tmp_path):
    fitted(frame=pl.DataFrame).save(tmp_path / "first")
    second = kd.load(tmp_path / "first").update(new_day(pl.DataFrame), epochs=1, progress=False)
    second.save(tmp_path / "second")
    more = pl.DataFrame(ratings(8, days=1, first_day=102, users=(500, 600)))
    third = kd.load(tmp_path / "second").update(more, epochs=1, progress=False)
    assert isinstance(third.recommend(600, k=2), pl.DataFrame)
    assert len(third.data.source.tables.interactions.arrays) == 12 * (50 + 3 + 2)


def test_new_items_come_with_their_columns():
    rows = pd.DataFrame({"userId": [101, 102, 103], "movieId": [1, 1, 1], "rating": 4.0})
    rows["timestamp"] = ratings()["timestamp"][0]
    items = pd.DataFrame({"movieId": [1, 1000], "title": ["New", "Renamed"], "genres": "Drama"})
    new = fitted("ratio").update(rows, items=items, epochs=1, progress=False)
    names = dict(zip(new.data.dataset.item_ids, new.data.dataset.item_names, strict=True))
    assert (names["1"], names["1000"]) == ("New", "Renamed")
    assert names["1001"] == "Film 1001 (1991)"


def test_columns_that_new_rows_lack_keep_their_values():
    titles = pd.DataFrame({"movieId": [1000], "title": ["Renamed"]})
    old = fitted("ratio")
    new = old.update(new_day(), items=titles, epochs=1, progress=False).data.dataset
    before = old.data.dataset

    def entities_of(data):
        rows = data.triples[data.triples[:, 0] == data.item_ids.index("1000")]
        return {(data.relation_names[r], data.entity_names[e]) for _, r, e in rows.tolist()}

    genres = {pair for pair in entities_of(before) if pair[0] == "genres"}
    assert genres and genres <= entities_of(new)
    assert new.item_names[new.item_ids.index("1000")] == "Renamed"


def test_empty_cells_of_new_rows_keep_the_values():
    old = fitted("ratio")
    blank = {"movieId": [1000, 1001], "title": [None, " "], "genres": ["Drama", None]}
    new = old.update(new_day(), items=pd.DataFrame(blank), epochs=1, progress=False).data.dataset
    before = dict(zip(old.data.dataset.item_ids, old.data.dataset.item_names, strict=True))
    after = dict(zip(new.item_ids, new.item_names, strict=True))
    assert {i: after[i] for i in ("1000", "1001")} == {i: before[i] for i in ("1000", "1001")}

    def genres(data, item):
        rows = data.triples[data.triples[:, 0] == data.item_ids.index(item)]
        return {
            data.entity_names[e] for _, r, e in rows.tolist() if data.relation_names[r] == "genres"
        }

    assert genres(new, "1000") == {"Drama"}
    assert genres(new, "1001") == genres(old.data.dataset, "1001") != set()


def test_ratings_beside_labels_leave_the_old_zeros_out():
    rows = pd.DataFrame(ratings()).assign(rating=lambda given: np.arange(len(given)) % 2)
    old = kd.fit(kd.dataset(rows, split="ratio"), "most_popular", progress=False)
    more = pd.DataFrame({"userId": [900] * 3, "movieId": [1000, 1001, 1002], "rating": 5})
    more["timestamp"] = rows["timestamp"].max()
    new = old.update(more, progress=False)
    n_before, n_after = (
        sum(len(getattr(data, split)) for split in ("train", "valid", "test"))
        for data in (old.data.dataset, new.data.dataset)
    )
    assert n_after == n_before + 3
    assert any("0 was a label of the earlier data" in note for note in new.data.notes)


def test_vectors_of_new_items_come_from_the_same_column(tmp_path):
    seen = pd.DataFrame(films()).assign(poster=list(vectors()))
    rows = pd.DataFrame(ratings())
    data = kd.dataset(rows, items=seen, features={"image": "poster"}, name="films")
    kd.fit(data, "most_popular", progress=False).save(tmp_path / "first")
    more = new_day().assign(movieId=1)
    of_items = pd.DataFrame(
        {"movieId": [1, 1000], "title": "New film", "poster": [[1.0, 2, 3, 4, 5], [9.0] * 5]}
    )
    new = kd.load(tmp_path / "first").update(more, items=of_items, progress=False).data.dataset
    image, number = new.features["image"], {name: n for n, name in enumerate(new.item_ids)}
    assert image[number["1"]].tolist() == [1, 2, 3, 4, 5] and image[number["1000"]][0] == 9
    assert np.allclose(image[number["1001"]], vectors()[1])


@pytest.mark.parametrize("progress", [False, True])
def test_what_nobody_could_read_before_is_said(capsys, progress):
    kd.fit(pd.DataFrame(ratings()), "most_popular", progress=progress)
    assert ("data: split by shares per user" in capsys.readouterr().out) == progress
    data = kd.dataset(pd.DataFrame(ratings()), items=pd.DataFrame(films()))
    model = kd.fit(data, "most_popular", progress=progress)
    assert "data: " not in capsys.readouterr().out, "print(data) says it"
    model.update(new_day().assign(shelf=1), progress=progress)
    printed = capsys.readouterr().out
    assert ("; ignored shelf" in printed) == progress


def test_the_same_directory_goes_on(tmp_path):
    old = fitted()
    how = dict(epochs=2, progress=False, workdir=tmp_path / "run")
    assert old.update(new_day(), **how).result == old.update(new_day(), **how).result


def test_mistakes_are_one_line(tmp_path):
    old = fitted()
    with pytest.raises(DataError, match="give new rows the same columns"):
        old.update(new_day().rename(columns={"userId": "user"}))
    with pytest.raises(DataError, match="new rows of interactions, row 2: the user id is empty"):
        old.update(new_day()[:3].assign(userId=[500, None, 501]), progress=False)
    with pytest.raises(DataError, match="ids were integer in a column 'userId', and are text"):
        old.update(new_day().assign(userId=["a"] * len(new_day())))
    with pytest.raises(DataError, match="new rows have columns of other types: .* timestamp"):
        old.update(new_day().assign(timestamp="yesterday"))
    rows = pd.DataFrame(ratings())
    moments = kd.dataset(rows.assign(timestamp=pd.to_datetime(rows.timestamp, unit="s")))
    with pytest.raises(DataError, match="new rows have columns of other types: .* timestamp"):
        kd.fit(moments, "rp3beta", progress=False).update(new_day())
    items = pd.DataFrame({"item_id": [1000], "title": ["Renamed"]})
    with pytest.raises(DataError, match="items: item ids were in a column 'movieId', and the new"):
        old.update(new_day(), items=items)
    with pytest.raises(ConfigError, match="without the tables it was made of"):
        kd.load(old.directory).update(new_day())
    with pytest.raises(ConfigError, match="lightgcn has no option epoch"):
        old.update(new_day(), epoch=2)
    with pytest.raises(ConfigError, match="model = 'ease': update trains on with the same model"):
        old.update(new_day(), model="ease")


def test_new_rows_are_held_out_another_way_where_that_is_asked_for():
    refitted = fitted().refit(progress=False)
    early = pd.DataFrame({"userId": [101, 102], "movieId": [1000, 1001], "timestamp": [1, 2]})
    with pytest.raises(DataError, match="or take split=ratio"):
        refitted.update(early, progress=False)
    before = pairs_of(refitted.data.dataset, "train")
    more = new_day()
    new = refitted.update(more, split="ratio", epochs=1, progress=False).data.dataset
    assert before <= pairs_of(new, "train") and pairs_of(new, "test")


@pytest.mark.parametrize("lacking", ["split", "time"])
def test_new_rows_may_lack_a_split_or_a_time(lacking, tmp_path):
    rows, more = pd.DataFrame(ratings()), new_day()
    if lacking == "split":
        rows["split"] = (["train"] * 8 + ["valid"] * 2 + ["test"] * 2) * 50
    else:
        more = more.drop(columns="timestamp")
    kd.fit(rows, "most_popular", progress=False).save(tmp_path / "first")
    old, ignored = kd.load(tmp_path / "first"), {f"{lacking}_column": "none"}
    with pytest.raises(DataError, match=f" with {lacking}_column=none"):
        old.update(more, progress=False)
    new = old.update(more, progress=False, **ignored)
    before, after = old.data.dataset, new.data.dataset
    assert pairs_of(before, "train") <= pairs_of(after, "train") and "500" in after.user_ids
    new.save(tmp_path / "second")
    assert kd.load(tmp_path / "second").update(more, progress=False).test


def test_a_model_that_also_knows_added_users_is_updated(tmp_path):
    added = fitted().with_users({900: FILM[:3].tolist()})
    added.save(tmp_path / "saved")
    new = kd.load(tmp_path / "saved").update(new_day(), epochs=1, progress=False)
    assert np.isfinite(new.score([(500, 1000)])).all()
    assert "900" not in new.data.dataset.user_ids


def test_features_of_another_width_are_refused():
    images = {"image": np.ones((len(FILM), 8))}
    data = kd.dataset(pd.DataFrame(ratings()), items=pd.DataFrame(films()), features=images)
    old = kd.fit(data, "most_popular", progress=False)
    narrow = {"image": {1000: np.ones(5)}}
    with pytest.raises(DataError, match="'image': the new rows are 5 wide, those of the model 8"):
        old.update(new_day(), features=narrow)
