"""Ids of any type, as they go in and come back."""

import datetime
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import kdiffe_jax as kd
from kdiffe_jax.api.asked import asked_for
from kdiffe_jax.api.frames import frame_of
from kdiffe_jax.api.ids import IdColumn, as_text
from kdiffe_jax.errors import DataError
from tests.api.films import ratings

IDS = {
    "integer": lambda n: n,
    "text": lambda n: f"u{n}",
    "float": float,
    "date": lambda n: datetime.date(2024, 1, 1) + datetime.timedelta(days=n),
    "uuid": lambda n: uuid.UUID(int=n),
}


@pytest.mark.parametrize("kind", IDS)
def test_ids_come_back_as_they_went_in(kind):
    frame = pd.DataFrame(ratings())
    given = [IDS[kind](n) for n in frame.userId]
    data = kd.dataset(frame.assign(userId=given))
    assert data.users.kind == kind
    back = data.users.restored(data.dataset.user_ids)
    assert set(back) == set(given)
    assert {type(one) for one in back} == {type(one) for one in given}


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table])
def test_numbers_of_all_64_bits_come_back(kind):
    frame = ratings() | {"userId": [2**63 + user for user in ratings()["userId"]]}
    columns = {name: np.array(values) for name, values in frame.items()}
    model = kd.fit(kind(columns), "most_popular", progress=False)
    found = model.recommend([2**63 + 101], k=2)["userId"]
    assert [int(str(user)) for user in found] == [2**63 + 101] * 2


def test_moments_in_nanoseconds_come_back_as_they_went_in():
    frame = pd.DataFrame(ratings())
    moments = pd.to_datetime(1_600_000_000_123_456_789 + frame.userId, unit="ns")
    model = kd.fit(frame.assign(userId=moments), "most_popular", progress=False)
    lists = model.recommend(None, k=1)
    assert set(lists.userId) == set(moments) and lists.userId.dtype == moments.dtype
    assert len(model.recommend(moments[:1], k=2)) == 2


def test_equal_decimals_are_one_id():
    prices = [Decimal("0.5"), Decimal("1.25"), Decimal("2")]
    frame = pd.DataFrame(ratings())
    given = frame.assign(userId=[prices[n % 3] for n in frame.userId])
    data = kd.dataset(given)
    assert set(data.dataset.user_ids) == {"0.5", "1.25", "2"}
    assert data.users.restored(["0.5"]) == [Decimal("0.50")]


@pytest.mark.parametrize("one", [np.array(101), pa.scalar(101), np.int64(101)], ids=type)
def test_one_id_in_an_array_is_one_id(one):
    assert asked_for(one, IdColumn("userId", "integer"), "users") == ["101"]


def test_polars_objects_are_ids_where_they_are_uuids():
    frame, made = pd.DataFrame(ratings()), IDS["uuid"]
    given = pl.Series("userId", [made(n) for n in frame.userId], dtype=pl.Object)
    data = kd.dataset(pl.from_pandas(frame).with_columns(given))
    assert data.users.kind == "uuid"
    assert set(data.users.restored(data.dataset.user_ids)) == set(given.to_list())
    with pytest.raises(DataError, match="column 'userId': holds int and str"):
        mixed = pl.Series("userId", [1, "a"] * (len(frame) // 2), dtype=pl.Object)
        kd.dataset(pl.from_pandas(frame)[: len(mixed)].with_columns(mixed))


def test_a_moment_is_one_id_in_whatever_zone_it_is_written():
    frame = pd.DataFrame(ratings())
    hours = pd.to_timedelta(frame.userId, unit="h")
    data = kd.dataset(frame.assign(userId=pd.Timestamp("2024-03-31", tz="Europe/Berlin") + hours))
    assert data.users.kind == "datetime"
    (first, *_) = data.users.restored(data.dataset.user_ids)
    elsewhere = pd.Timestamp(first).tz_convert("Asia/Tokyo")
    assert as_text(elsewhere) == as_text(first) == data.dataset.user_ids[0]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
@pytest.mark.parametrize("kind", ["integer", "text", "float"])
def test_lists_of_nobody_have_ids_of_the_same_type(frame, kind):
    given = [IDS[kind](n) for n in range(3)]
    texts = [as_text(one) for one in given]
    column = IdColumn("user", kind)

    def type_of(texts):
        return pa.table(pl.DataFrame(frame_of({"user": column.restored(texts)}, name))).schema

    name = frame.__module__.partition(".")[0]
    assert type_of([]) == type_of(texts)


def test_dates_of_nanoseconds_name_the_ids_that_a_column_of_them_makes():
    frame = pd.DataFrame(ratings())
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame.userId.rank(method="dense"), "D")
    frame["userId"] = days.astype("datetime64[ns]")
    model = kd.fit(frame, "rp3beta", progress=False)
    asked = frame.userId.to_numpy()[:1]
    assert asked.dtype == "datetime64[ns]"
    assert len(model.recommend(asked, k=2)) == 2
    assert as_text(np.datetime64(5, "ns")) == pd.Timestamp(5).isoformat()
