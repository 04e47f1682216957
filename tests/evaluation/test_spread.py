"""Mean, standard error and Student's interval against scipy's."""

import numpy as np
import pytest
from scipy import stats

from kdiffe_jax.evaluation.spread import spread


@pytest.mark.parametrize("count", [2, 3, 4, 10, 100])
def test_spread_is_scipys(rng, count):
    values = rng.normal(size=count)
    found = spread(values.tolist())
    error = stats.sem(values)
    assert found["mean"] == pytest.approx(values.mean())
    assert found["standard_error"] == pytest.approx(error)
    expected = stats.t.interval(0.95, count - 1, loc=values.mean(), scale=error)
    np.testing.assert_allclose(found["interval_95"], expected, rtol=1e-9)


def test_equal_values_have_no_spread():
    assert spread([0.5, 0.5]) == {"mean": 0.5, "standard_error": 0.0, "interval_95": [0.5, 0.5]}
