"""What was given may be changed afterwards: data and what is saved of them stay as they were."""

import numpy as np
import pandas as pd

import kdiffe_jax as kd
from tests.api.films import films, ratings, vectors


def test_frames_and_features_may_be_changed_afterwards():
    rows, items, image = pd.DataFrame(ratings()), pd.DataFrame(films()), vectors()
    items["year"] = 1950 + np.arange(len(items))
    data = kd.dataset(rows, items=items, features={"image": image}, split="time")
    rows.loc[:, "timestamp"] = 0
    items.loc[:, "year"] = 0
    image[:] = 0
    tables = data.source.tables
    assert tables.interactions.arrays["timestamp"].to_pylist() == list(ratings()["timestamp"])
    assert tables.items.arrays["year"].to_pylist() == list(range(1950, 1950 + len(items)))
    np.testing.assert_array_equal(tables.features["image"].rows, vectors())
