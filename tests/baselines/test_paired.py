import numpy as np
import pytest
from scipy import stats

from kdiffe_jax.baselines.paired import paired_test


def test_equals_scipy(rng):
    model, baseline = rng.random((2, 50))
    found, expected = paired_test(model, baseline), stats.ttest_rel(model, baseline)
    assert found["t"] == pytest.approx(expected.statistic)
    assert found["p"] == pytest.approx(expected.pvalue)
    assert found["standard_error"] == pytest.approx(stats.sem(model - baseline))


def test_equal_scores_and_one_user_have_no_p():
    same = paired_test(np.ones(3), np.ones(3))
    assert same == {"users": 3, "difference": 0, "standard_error": 0, "t": None, "p": None}
    one = paired_test(np.ones(1), np.zeros(1))
    assert one["difference"] == 1 and one["standard_error"] is None and one["p"] is None
