"""Lists on the host, popularity groups, axes and charts, each alone."""

import numpy as np
import pytest

from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.report.axes import count_axis, value_axis
from kdiffe_jax.report.charts import Line, line_chart
from kdiffe_jax.report.examples import example_users
from kdiffe_jax.report.lists import deciles
from kdiffe_jax.report.ranked import first_items
from kdiffe_jax.storage.saved_model import read_model
from tests.report.reading import Page


@pytest.fixture(scope="module")
def model(finished):
    return read_model(finished)


@pytest.mark.parametrize("k", (1, 20, 48, 60))
def test_lists_are_those_of_the_recommender(model, k):
    users = np.arange(len(model.user_ids))
    expected = Recommender(model).recommend(None, k, exclude_seen="train").rows
    np.testing.assert_array_equal(first_items(model, users, k), expected)


def test_lists_of_a_model_that_is_fitted(finished_closed_form):
    fitted = read_model(finished_closed_form)
    users = np.arange(len(fitted.user_ids))
    expected = Recommender(fitted).recommend(None, 20, exclude_seen="train").rows
    np.testing.assert_array_equal(first_items(fitted, users, 20), expected)


def test_equal_scores_are_ordered_by_item(model, rng):
    users = rng.integers(0, 2, (60, 8)).astype(np.float32)
    items = rng.integers(0, 2, (48, 8)).astype(np.float32)
    tied = model._replace(users=users, items=items)
    expected = Recommender(tied).recommend(None, 10, exclude_seen="train").rows
    np.testing.assert_array_equal(first_items(tied, np.arange(60), 10), expected)


def test_popularity_groups():
    popularity = np.arange(20)[::-1]
    found = deciles(np.where(popularity >= 18, 5, 0), popularity)
    np.testing.assert_allclose(found.places, [0] * 9 + [1])
    np.testing.assert_allclose(found.interactions[-1], (18 + 19) / 190)
    np.testing.assert_allclose(found.covered, [0] * 9 + [1])
    assert len(deciles(np.ones(3, int), np.ones(3, int)).places) == 3


def test_example_users_have_short_and_long_histories(model):
    counts = np.bincount(model.train[:, 0], minlength=len(model.user_ids))
    users = example_users(model, np.arange(len(model.user_ids)))
    assert len(set(users)) == len(users) == 3
    assert sorted(counts[users]) == counts[users].tolist()
    assert example_users(model, np.array([7])) == [7]


@pytest.mark.parametrize(
    "values", [[0.0], [5.0, 5.0], [-1.5, 2.25], [1e-9, 3e-9], [0.1, 0.1000001], [3, 4e8]]
)
def test_an_axis_holds_its_values_and_tells_its_ticks_apart(values):
    axis = value_axis(values, 100, 0)
    assert axis.low <= min(values) and max(values) <= axis.high
    assert 3 <= len(axis.ticks) <= 8 and len(set(axis.names())) == len(axis.ticks)
    assert all(-1e-6 <= axis.place(value) <= 100 + 1e-6 for value in values)
    assert all(isinstance(tick, int) for tick in count_axis(199, 0, 1).ticks)


@pytest.mark.parametrize("epochs", (1, 2, 1000))
def test_a_line_has_a_point_an_epoch_and_few_columns(epochs):
    values = np.linspace(1, 2, epochs).tolist()
    chart = line_chart("t", [Line("a", values, epochs - 1), Line("b", [*values[1:], np.nan])])
    page = Page(chart)
    (path,) = (a["d"] for t, a in page.elements if a.get("class") == "line s0")
    assert path.count("L") == epochs - 1
    assert 1 <= page.count("rect", "column") <= 120
    assert f"epoch 0\na: {values[0]:.5g}" in chart
