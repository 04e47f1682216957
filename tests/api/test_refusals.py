"""What is refused in one line, of models and data of whole-number ids."""

from uuid import UUID

import numpy as np
import pandas as pd
import pytest

import kdiffe_jax as kd
from kdiffe_jax.errors import ConfigError, DataError
from tests.api.films import FILM, films, ratings, vectors


def rows():
    return pd.DataFrame(ratings())


def placeholders():
    """A date of each row, one of which stands for none."""
    dates = pd.Series(["2024-05-01"] * len(rows()))
    dates[2] = "9999-12-31"
    return dates.astype("datetime64[s]")


def with_features(given, name="image", **more):
    items = pd.DataFrame(films() | more)
    return kd.dataset(rows(), items=items, features={name: given})


@pytest.fixture(scope="module")
def model():
    return kd.fit(rows(), "rp3beta", progress=False)


def vector_frame(ids, vector_of):
    return pd.DataFrame({"movieId": ids, "vector": [vector_of(n) for n in range(len(FILM))]})


class Sparse:
    """As scipy's matrices are: no array."""


OF_DATA = {
    "a series": (lambda: kd.dataset(rows().userId), "interactions: a Series; give a DataFrame"),
    "items in a series": (lambda: kd.dataset(rows(), items=rows().movieId), "items: a Series"),
    "a frame of an index alone": (
        lambda: kd.dataset(rows()[["userId", "movieId"]].set_index(["userId", "movieId"])),
        "interactions: has no columns; an index is none",
    ),
    "a moment that no clock of nanoseconds has": (
        lambda: kd.dataset(rows().assign(timestamp=placeholders())),
        "row 3: time .* is a date outside the years 1678 to 2261",
    ),
    "the same as text": (
        lambda: kd.dataset(rows().assign(timestamp=placeholders().astype(str))),
        "row 3: time '9999-12-31' is a date outside the years 1678 to 2261",
    ),
    "a way with an overlap that cannot be": (
        lambda: kd.dataset(rows(), overlap="later"),
        "overlap=later has no effect: the source gives no split",
    ),
    "a misspelt option of a row": (
        lambda: kd.compare(kd.dataset(rows()), {"a": {"modl": "rp3beta"}}),
        r"row 'a' is no model, and of its options \(modl\) none is 'model'",
    ),
    "a name that no file system has": (
        lambda: kd.fit(rows(), "rp3beta", workdir="a" * 300),
        "'aaa.* is no path; give that of a directory",
    ),
    "a path with a zero": (
        lambda: kd.fit(rows(), "rp3beta", workdir="a\0b"),
        "is no path; give that of a directory",
    ),
    "a layout of frames": (
        lambda: kd.dataset(rows(), source="tables"),
        "source=tables has no effect for data frames",
    ),
    "large numbers": (
        lambda: kd.dataset(rows().assign(userId=[2**70] * len(rows()))),
        "column 'userId': holds numbers of more than 64 bits",
    ),
    "columns 0 and '0'": (
        lambda: kd.dataset(pd.DataFrame([[1, 2]], columns=[0, "0"])),
        "two columns are called '0'",
    ),
    "a sparse matrix": (lambda: with_features(Sparse()), "of a sparse one, give .toarray"),
    "text as features": (
        lambda: with_features(pd.DataFrame({"movieId": FILM, "a": "1.5", "b": 1.0})),
        "expected a matrix of numbers",
    ),
    "a frame of ids alone": (
        lambda: with_features(pd.DataFrame({"movieId": FILM})),
        "no column beside the item ids",
    ),
    "a missing id of features": (
        lambda: with_features(vector_frame([None, *FILM[1:]], lambda n: [1.0])),
        "features 'image', row 1: the item id is missing",
    ),
    "a number as ids of features": (
        lambda: with_features((5, vectors())),
        "features 'image': 5 stands for ids, and is no list of them; give a matrix",
    ),
    "text as ids of features": (lambda: with_features(("ab", vectors()[:2])), "'ab' stands for"),
    "an array of no axis as ids": (lambda: with_features((np.array(5), vectors())), "stands for"),
    "one item twice": (
        lambda: with_features({1000: [1.0], "1000": [2.0]}),
        "'1000'",
    ),
    "masked values": (
        lambda: with_features(np.ma.masked_less(vectors(), 0.0)),
        "features 'image': some values are masked",
    ),
    "features without columns": (
        lambda: with_features(np.zeros((len(FILM), 0))),
        "the matrix has no columns",
    ),
    "a matrix alone": (lambda: kd.dataset(rows(), features=vectors()), "features: a ndarray"),
    "a number as features' name": (lambda: with_features(vectors(), 5), "features 5: the name"),
    "a name with a slash": (lambda: with_features(vectors(), "a/b"), "the name holds a slash"),
    "filters that are none": (lambda: kd.dataset(rows(), filters=["title"]), "filters: a list"),
    "limits that are none": (lambda: kd.dataset(rows(), filters={"title": 5}), "filters: 5 is no"),
}


def fit(name="rp3beta", **how):
    return kd.fit(rows(), name, progress=False, **how)


def compare(models, **how):
    return kd.compare(rows(), models, progress=False, **how)


OF_TRAINING = {
    "no seeds": (lambda: fit("lightgcn", seeds=0), "seeds = 0: give a whole number"),
    "seeds as text": (lambda: fit("lightgcn", seeds="3"), "seeds = '3'"),
    "no number of seeds": (lambda: compare(["ease"], seeds=None), "seeds = None"),
    "seeds twice": (lambda: fit("lightgcn", seeds=3, num_seeds=2), "are the same option"),
    "seeds without effect": (lambda: fit("ease", seeds=3), "seeds = 3 has no effect: ease"),
    "no baselines": (lambda: fit(baselines=None), "baselines = None: give some of"),
    "a number as baselines": (lambda: fit(baselines=[5]), r"baselines = \[5\]"),
    "no preset": (lambda: fit(preset=None), "preset = None: give one name"),
    "no model": (lambda: fit(None), "model = None: give one name"),
    "several models": (lambda: fit(["ease"]), r"model = \['ease'\]: give one name"),
    "an array as a number": (lambda: fit("lightgcn", epochs=np.array([1, 2])), r"epochs.*\[1, 2\]"),
    "no path": (lambda: fit(workdir=5), "5 is no path"),
    "tensorboard in no directory": (
        lambda: fit(log_to={"tensorboard": True}),
        "tensorboard writes into the run directory",
    ),
    "a model twice": (lambda: compare(["ease", "ease"]), "'ease' stands there twice"),
    "a row without options": (lambda: compare({"a": "ease"}), "row 'a' has 'ease'; give its"),
    "no models": (lambda: compare(None), "models = None: give names"),
    "a number as model": (lambda: compare([5]), "models: 5 is no name"),
    "a row of no model": (lambda: compare({"a": {"model": None}}), "model = None"),
    "nothing to load": (lambda: kd.load(None), "None is no path"),
}

OF_MODELS = {
    "no such option of lists": (
        lambda m: m.recommend(101, unknwon="raise"),
        "did you mean unknown",
    ),
    "seen as a list": (lambda m: m.recommend(101, exclude_seen=["train"]), "exclude_seen = "),
    "a filter that is none": (lambda m: m.recommend(101, filter="x"), "filter = 'x': give a fun"),
    "NA as a user": (lambda m: m.recommend([101, pd.NA]), "<NA> is no id"),
    "arrays as users": (lambda m: m.recommend([np.array([1, 2])]), "is no id"),
    "bytes as a user": (lambda m: m.recommend(b"u1"), "b'u1' is no id"),
    "a pair alone": (lambda m: m.score(("u1", "i1")), "pairs: give"),
    "a dictionary of scores": (lambda m: m.score({(101, 1000): 1.0}), "pairs: give"),
    "items as histories": (lambda m: m.with_users(["i1", "i2"]), "pairs: give"),
    "a series as histories": (lambda m: m.with_users(rows().userId), "histories: a Series"),
    "lists of two by user": (
        lambda m: m.with_users(pd.Series({900: [1000, 1001], 901: [1002, 1003]})),
        r"histories: a Series; give .* \.to_dict\(\)",
    ),
    "a dictionary as candidates": (
        lambda m: m.recommend([101], candidates={101: [1000, 1001]}),
        "candidates: a dictionary; give a list",
    ),
    "a dictionary as users": (lambda m: m.recommend({101: 5}), "users: a dictionary"),
    "a dictionary of pairs": (lambda m: m.score({101: 1000, 102: 1001}), "pairs: give"),
    "sets as pairs": (lambda m: m.score([{101, 1000}]), "pairs: give"),
    "ratings in a dictionary": (lambda m: m.with_users({900: {1000: 5}}), "items: a dictionary"),
    "no page": (lambda m: m.report().write(None), "None is no path"),
    "no directory": (lambda m: m.save(None), "None is no path"),
}


@pytest.mark.parametrize("mistake", [*OF_DATA, *OF_TRAINING, *OF_MODELS])
def test_a_mistake_is_one_line(mistake, request):
    work, said = (OF_DATA | OF_TRAINING | OF_MODELS)[mistake]
    given = [request.getfixturevalue("model")] if mistake in OF_MODELS else []
    with pytest.raises((DataError, ConfigError), match=said) as refused:
        work(*given)
    assert "\n" not in str(refused.value)


def test_columns_may_be_called_by_numbers():
    frame = rows()[["userId", "movieId"]].set_axis([0, 1], axis="columns")
    data = kd.dataset(frame, user_column=0, item_column=np.int64(1))
    assert (data.users.name, data.items.name) == ("0", "1")


def test_a_row_of_the_numbers_that_columns_are_called_by_is_no_header():
    frame = pd.DataFrame([(user, item) for user in range(3) for item in range(4)])
    data = kd.dataset(frame, user_column=0, item_column=1).dataset
    assert len(data.train) + len(data.valid) + len(data.test) == 12


WIDE = vectors().astype(np.float32)
FORMS = {
    "column": lambda: with_features("picture", picture=list(WIDE)),
    "frame of vectors": lambda: with_features(vector_frame(FILM, WIDE.__getitem__)),
    "frame of columns": lambda: with_features(
        pd.DataFrame({"movieId": FILM} | {f"x{n}": WIDE[:, n] for n in range(WIDE.shape[1])})
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_features_keep_their_type(form):
    assert FORMS[form]().dataset.fingerprint() == with_features(WIDE).dataset.fingerprint()


def test_a_vector_may_be_missing_and_a_column_serve_twice():
    known = with_features({film: WIDE[n] if n else None for n, film in enumerate(FILM)})
    first = vector_frame(FILM, lambda n: WIDE[n] if n else None)
    assert with_features(first).dataset.fingerprint() == known.dataset.fingerprint()
    assert with_features(first).dataset.features["image"].shape[1] == WIDE.shape[1]
    items = pd.DataFrame(films() | {"picture": list(WIDE)})
    twice = kd.dataset(rows(), items=items, features={"a": "picture", "b": "picture"})
    assert set(twice.dataset.features) == {"a", "b"}


def test_columns_of_any_kind_may_stand_beside_those_that_are_used():
    beside = {
        "pixels": pd.arrays.SparseArray([0, 1] * (len(FILM) // 2)),
        "band": pd.cut(range(len(FILM)), 4),
        "maker": [UUID(int=n % 3) for n in range(len(FILM))],
    }
    items = pd.DataFrame(films() | beside)
    plain = kd.dataset(rows(), items=pd.DataFrame(films()), attribute_columns=["genres"])
    more = kd.dataset(rows(), items=items, attribute_columns=["genres"])
    assert plain.dataset.fingerprint() == more.dataset.fingerprint()
    used = kd.dataset(rows(), items=items, attribute_columns=["band", "maker"]).dataset
    assert {"(9.75, 19.5]", str(UUID(int=2))} <= set(used.entity_names)


@pytest.mark.parametrize("new", ["zoe", 1.5], ids=["text", "float"])
def test_ids_of_another_type_come_back_as_text(model, new):
    known = model.with_users({new: [1000, 1001]})
    assert set(known.recommend(new, k=2).userId) == {str(new)}
    assert known.recommend(101, k=2).userId.tolist() == [101, 101]
    both = model.recommend([101, new], k=1, unknown="popular")
    assert both.userId.tolist() == ["101", str(new)]


def test_ratings_of_new_users_are_refused_where_some_do_not_count():
    data = kd.dataset(rows(), items=pd.DataFrame(films()), min_rating=3)
    model = kd.fit(data, "rp3beta", progress=False)
    new = pd.DataFrame({"userId": 900, "movieId": [1000, 1001], "rating": [5.0, 1.0]})
    with pytest.raises(DataError, match="column 'rating': ratings are not read here"):
        model.with_users(new)
    liked = model.with_users(new[new.rating >= 3].drop(columns="rating"))
    assert liked.recommend(900, k=3).movieId.tolist() == (
        model.with_users({900: [1000]}).recommend(900, k=3).movieId.tolist()
    )
