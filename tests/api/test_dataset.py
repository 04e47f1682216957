import csv
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from absl import flags as absl_flags

import kdiffe_jax as kd
from kdiffe_jax.api.ids import IdColumn
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.errors import ConfigError, DataError
from launch import prepare
from tests.api.films import FILM, MAKE, films, ratings, triples, vectors


def written(directory, name, columns):
    directory.mkdir(exist_ok=True)
    with (directory / f"{name}.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@pytest.fixture(scope="module")
def of_files(tmp_path_factory):
    """What the command makes of the same tables."""
    root = tmp_path_factory.mktemp("films")
    source = root / "source"
    written(source, "interactions", ratings())
    written(source, "items", films())
    written(source, "triples", triples())
    np.save(source / "image_feat.npy", vectors())
    (source / "image_feat.ids.txt").write_text("".join(f"{n}\n" for n in FILM))
    flags = ["--split=time", "--min_rating=2", f"--input={source}", f"--output={root / 'films'}"]
    assert prepare.main(["prepare", *flags], absl_flags.FlagValues()) == 0
    return read_dataset(root / "films", name="films")


@pytest.mark.parametrize("kind", MAKE)
def test_frames_and_files_give_the_same_data_set(kind, of_files):
    make = MAKE[kind]
    data = kd.dataset(
        make(ratings()),
        items=make(films()),
        triples=make(triples()),
        features={"image": vectors()},
        split="time",
        min_rating=2.0,
    )
    assert data.dataset.fingerprint() == of_files.fingerprint()
    assert data.dataset.item_names == of_files.item_names
    assert data.frame == kind
    assert (data.users, data.items) == (
        IdColumn("userId", "integer"),
        IdColumn("movieId", "integer"),
    )


def test_a_directory_gives_it_too(tmp_path, of_files):
    source = tmp_path / "films"
    written(source, "interactions", ratings())
    written(source, "items", films())
    written(source, "triples", triples())
    np.save(source / "image_feat.npy", vectors())
    (source / "image_feat.ids.txt").write_text("".join(f"{n}\n" for n in FILM))
    data = kd.dataset(source, split="time", min_rating=2.0)
    assert data.dataset.fingerprint() == of_files.fingerprint()


def feature_forms():
    rows, items = vectors(), films()
    shuffled = np.random.default_rng(0).permutation(len(FILM))
    yield "matrix", rows, {}
    yield "ids and matrix", (FILM[shuffled], rows[shuffled]), {}
    yield "dictionary", dict(zip(FILM, rows, strict=True)), {}
    yield "column", "picture", {"picture": rows.tolist()}
    columns = {f"x{i}": rows[:, i] for i in range(rows.shape[1])}
    yield "frame of columns", pd.DataFrame({"movieId": items["movieId"]} | columns), {}
    vector_column = {"movieId": items["movieId"], "vector": rows.tolist()}
    yield "frame of vectors", pl.DataFrame(vector_column), {}


@pytest.mark.parametrize(
    "given, more", [pytest.param(g, m, id=name) for name, g, m in feature_forms()]
)
def test_features_have_many_forms(given, more):
    items = pd.DataFrame(films() | more)
    data = kd.dataset(pd.DataFrame(ratings()), items=items, features={"image": given}).dataset
    at = [FILM.tolist().index(int(item)) for item in data.item_ids]
    np.testing.assert_allclose(data.features["image"], vectors()[at])


@pytest.mark.parametrize(
    "changed",
    [
        lambda frame: frame.astype({"userId": "category", "movieId": "category"}),
        lambda frame: frame.astype({"userId": "Int64", "rating": "Float32"}),
        lambda frame: frame.set_index(np.zeros(len(frame), int)),
        lambda frame: frame.assign(timestamp=pd.to_datetime(frame.timestamp, unit="s")),
        lambda frame: frame.assign(
            timestamp=pd.to_datetime(frame.timestamp, unit="s").dt.tz_localize("UTC")
        ),
        lambda frame: frame.rename(
            columns={"userId": "customer", "movieId": "sku", "timestamp": "ordered_at"}
        ),
        lambda frame: frame.rename(
            columns={"userId": "visitorid", "movieId": "StockCode", "timestamp": "InvoiceDate"}
        ),
        lambda frame: pl.from_pandas(frame).lazy(),
    ],
    ids=["categories", "nullable", "index", "datetimes", "zones", "sku", "StockCode", "lazy"],
)
def test_columns_of_any_type_and_common_name(changed):
    plain = kd.dataset(pd.DataFrame(ratings()), split="time").dataset
    data = kd.dataset(changed(pd.DataFrame(ratings())), split="time").dataset
    assert data.fingerprint() == plain.fingerprint()


def frame():
    return pd.DataFrame(ratings())


MISTAKES = {
    "no frame": (lambda: kd.dataset([1, 2]), "interactions: a list"),
    "no rows": (lambda: kd.dataset(frame().head(0)), "interactions: it has no row"),
    "no column of users": (
        lambda: kd.dataset(frame().rename(columns={"userId": "who"})),
        r"no column of user ids; name one of who, .* by user_column",
    ),
    "an id is missing": (
        lambda: kd.dataset(frame().assign(userId=[None, *ratings()["userId"][1:]])),
        "interactions, row 1: the user id is empty",
    ),
    "ids of two types": (
        lambda: kd.dataset(frame().assign(userId=["a", *ratings()["userId"][1:]])),
        "column 'userId': holds int and str",
    ),
    "two columns of a name": (
        lambda: kd.dataset(frame().rename(columns={"rating": "userId"})),
        "two columns are called 'userId'",
    ),
    "ids that are lists": (
        lambda: kd.dataset(frame().assign(userId=[[1]] * len(frame()))),
        "column 'userId': ids of type list",
    ),
    "an unknown option": (lambda: kd.dataset(frame(), spilt="time"), "did you mean split"),
    "no such file": (lambda: kd.dataset("nowhere.csv"), "nowhere.csv: no such file"),
    "files and frames": (lambda: kd.dataset("x.csv", items=frame()), "go with a frame"),
    "features without ids": (
        lambda: kd.dataset(frame(), features={"image": vectors()}),
        "without items the order of its rows is not known",
    ),
    "features of other length": (
        lambda: kd.dataset(frame(), items=pd.DataFrame(films()), features={"image": vectors()[1:]}),
        "39 rows for 40 items",
    ),
    "vectors of two lengths": (
        lambda: kd.dataset(frame(), features={"image": {1000: [1.0], 1001: [1.0, 2.0]}}),
        "vectors of different lengths",
    ),
    "features of unknown items": (
        lambda: kd.dataset(frame(), features={"image": {"x": [1.0]}}),
        "none of its 1 item ids is known",
    ),
    "a word for a missing user": (
        lambda: kd.dataset(pd.DataFrame({"user": ["a", "nan"], "item": ["x", "y"]})),
        "interactions, row 2: the user id 'nan' is a word for a missing value",
    ),
    "an option of text files": (
        lambda: kd.dataset(frame(), quote="none"),
        "quote=none has no effect for data frames",
    ),
    "a threshold without ratings": (
        lambda: kd.dataset(frame().drop(columns="rating"), min_rating=3.0),
        "min_rating=3 has no effect: data has no ratings",
    ),
    "a header among the rows": (
        lambda: kd.dataset(pd.DataFrame({"user": ["a", "user"], "item": ["x", "item"]})),
        "interactions, row 2: repeats the header",
    ),
    "a limit that there is not": (
        lambda: kd.dataset(frame(), items=pd.DataFrame(films()), filters={"genres": {"least": 1}}),
        "'least' is none of",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(mistake):
    work, said = MISTAKES[mistake]
    with pytest.raises((DataError, ConfigError), match=said) as refused:
        work()
    assert "\n" not in str(refused.value)
    assert "--" not in str(refused.value)


def test_a_column_may_have_a_comma_in_its_name():
    items = pd.DataFrame(films()).rename(columns={"genres": 'genre, "kind"'})
    named = ['genre, "kind"']
    with_it = kd.dataset(pd.DataFrame(ratings()), items=items, attribute_columns=named).dataset
    assert 'genre, "kind"' in with_it.relation_names


def test_data_show_what_was_decided():
    data = kd.dataset(frame(), items=pd.DataFrame(films()), name="films")
    assert "films: interactions: columns user = userId" in repr(data)
    assert "<pre>" in data._repr_html_()
    assert not any("--" in note for note in data.notes)


def test_importing_the_package_loads_no_jax():
    code = "import sys, kdiffe_jax; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_public_names_are_there():
    assert set(kd.__all__) <= set(dir(kd))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        kd.nothing  # noqa: B018


@pytest.mark.parametrize(
    "make",
    [lambda rows: pl.DataFrame(rows).lazy(), lambda rows: pa.table(rows).to_batches()[0]],
    ids=["lazy", "batch"],
)
def test_frames_that_are_not_collected_yet_are_read(make):
    whole = kd.dataset(pl.DataFrame(ratings())).dataset
    assert kd.dataset(make(ratings())).dataset.fingerprint() == whole.fingerprint()


def test_a_class_made_of_a_frame_is_a_frame():
    class Orders(pd.DataFrame):
        pass

    assert kd.dataset(Orders(ratings())).dataset.fingerprint() == (
        kd.dataset(pd.DataFrame(ratings())).dataset.fingerprint()
    )


def test_values_of_lists_stay_whole_whatever_they_hold():
    """In lists, attributes and paths; a separator in a value divides nothing."""
    items = pd.DataFrame(films())
    items["author"] = [["Gaiman", "Pratchett"], ["Gaiman"]] * (len(items) // 2)
    items["tags"] = [["R&B|Soul", "Jazz"], ["Rock"]] * (len(items) // 2)
    items["shelf"] = [[["A|B", "C > D"]], [["E"], ["F"]]] * (len(items) // 2)
    data = kd.dataset(
        pd.DataFrame(ratings()),
        items=items,
        attribute_columns="author",
        list_columns="tags",
        path_columns="shelf",
    ).dataset
    of = {
        name: {data.entity_names[e] for e in data.triples[data.triples[:, 1] == r, 2]}
        for r, name in enumerate(data.relation_names)
    }
    assert of["author"] <= {"Gaiman", "Pratchett"} and of["author"]
    assert of["tags"] == {"R&B|Soul", "Jazz", "Rock"}
    assert of["shelf"] == {"A|B", "A|B > C > D", "E", "F"}
    assert not any("written as text" in note for note in data.notes)


@pytest.mark.parametrize("column", ["attribute", "list"])
def test_long_numbers_are_in_full_whether_they_are_floats_or_text(column):
    codes = [4006381333931 + n % 5 for n in range(len(FILM))]
    some = [code if n else None for n, code in enumerate(codes)]

    def data_of(of_code):
        values = [None if code is None else of_code(code) for code in some]
        items = pd.DataFrame(films()).assign(code=values)
        return kd.dataset(pd.DataFrame(ratings()), items=items, **{f"{column}_columns": "code"})

    text = data_of(str).dataset
    assert {str(code) for code in codes} <= set(text.entity_names)
    assert data_of(float).dataset.entity_names == text.entity_names
    assert data_of(lambda code: [float(code)]).dataset.entity_names == text.entity_names


@pytest.mark.parametrize("make", [pd.Index, pd.Series, np.array, pl.Series, pa.array])
def test_names_of_columns_come_in_any_sequence(make):
    items = pd.DataFrame(films()).assign(maker="A", band="B")
    names = ["genres", "maker"]
    found = kd.dataset(pd.DataFrame(ratings()), items=items, attribute_columns=make(names))
    assert found.source.columns.attribute_columns == "genres,maker"
