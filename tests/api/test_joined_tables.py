"""New rows of `update` whose columns are of other types than the old ones."""

import pandas as pd
import pytest

import kdiffe_jax as kd
from kdiffe_jax.errors import DataError
from tests.api.films import FILM, films, ratings
from tests.api.test_update import new_day


def test_numbers_go_on_where_a_column_was_text():
    items = pd.DataFrame(films()).assign(shelf="a1")
    old = kd.fit(kd.dataset(pd.DataFrame(ratings()), items=items), "rp3beta", progress=False)
    more = pd.DataFrame({"movieId": [1000], "title": ["Film"], "genres": ["War"], "shelf": [7]})
    new = old.update(new_day(), items=more, progress=False)
    assert new.data.source.tables.items.arrays["shelf"].to_pylist()[-1] == "7"


def test_long_numbers_stay_themselves_beside_missing_ones():
    codes = [4006381333931 + n % 5 for n in range(len(FILM))]
    of_items = pd.DataFrame(films()).assign(brand=[str(code) for code in codes])
    old = kd.fit(kd.dataset(pd.DataFrame(ratings()), items=of_items), "rp3beta", progress=False)
    more = pd.DataFrame({"movieId": [1000, 1001], "brand": [float(codes[2]), None]})
    new = old.update(new_day(), items=more, progress=False)
    brands = new.data.source.tables.items.arrays["brand"].to_pylist()
    assert brands[-2:] == [str(codes[2]), str(codes[1])]
    assert set(new.data.dataset.entity_names) == set(old.data.dataset.entity_names)


CATEGORIES, FLAGS = [0, 3], [True, False]
UNLIKE = {
    "numbers below categories": (pd.Categorical(CATEGORIES), CATEGORIES, CATEGORIES),
    "categories below numbers": (CATEGORIES, pd.Categorical(CATEGORIES), CATEGORIES),
    "text below categories": (pd.Categorical(["a", "b"]), ["a", "b"], ["a", "b"]),
    "numbers below flags": (FLAGS, [0, 3], [0, 3]),
    "a number below flags": (FLAGS, [0.5, None], [0.5, 0]),
    "flags below numbers": ([0, 3], FLAGS, [1, 0]),
}


@pytest.mark.parametrize("kinds", UNLIKE)
def test_columns_of_types_that_mean_the_same_go_on(kinds):
    before, after, both = UNLIKE[kinds]
    two = pd.DataFrame(films())[:2]
    data = kd.dataset(pd.DataFrame(ratings()), items=two.assign(shelf=before))
    old = kd.fit(data, "most_popular", progress=False)
    new = old.update(new_day(), items=two.assign(shelf=after), progress=False)
    assert new.data.source.tables.items.arrays["shelf"].to_pylist() == both


def test_ratings_go_on_below_categories():
    rows = pd.DataFrame(ratings())
    data = kd.dataset(rows.assign(rating=pd.Categorical(rows.rating)))
    new = kd.fit(data, "most_popular", progress=False).update(new_day(), progress=False)
    arrays = new.data.source.tables.interactions.arrays
    assert arrays["rating"].to_pylist() == [*rows.rating, *new_day().rating]


@pytest.mark.parametrize("as_date", [lambda moment: moment.date(), lambda moment: moment])
def test_text_goes_on_where_a_column_had_dates(as_date):
    rows = pd.DataFrame(ratings())
    moments = pd.to_datetime(rows.timestamp, unit="s").dt.floor("D")
    old = kd.fit(kd.dataset(rows.assign(timestamp=moments.map(as_date))), "rp3beta", progress=False)
    new = old.update(new_day().assign(timestamp="2026-11-05"), progress=False)
    column = new.data.source.tables.interactions.arrays["timestamp"]
    assert f"{column[-1].as_py():%Y-%m-%d}" == "2026-11-05"
    with pytest.raises(DataError, match="new rows have columns of other types: .* timestamp"):
        old.update(new_day().assign(timestamp="yesterday"), progress=False)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", None])
def test_moments_go_on_in_the_finer_unit_and_in_utc(zone):
    rows, more = pd.DataFrame(ratings()), new_day()
    old_moments = pd.to_datetime(rows.timestamp, unit="s").dt.as_unit("s")
    zoned = old_moments.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else old_moments
    data = kd.dataset(rows.assign(timestamp=zoned), split="time")
    fine = pd.to_datetime(more.timestamp * 1000 + 1, unit="ms").dt.as_unit("ms")
    fitted_on = kd.fit(data, "most_popular", progress=False)
    new = fitted_on.update(more.assign(timestamp=fine), progress=False)
    times = new.data.source.tables.interactions.arrays["timestamp"].cast("int64").to_pylist()
    assert times == [*rows.timestamp * 1000, *more.timestamp * 1000 + 1]
