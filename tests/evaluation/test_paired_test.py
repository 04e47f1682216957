import numpy as np
import pytest
from scipy import stats

from kdiffe_jax.evaluation.paired_test import paired_test


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


def test_differences_that_are_equal_but_for_rounding_have_no_p():
    first = np.array([0.1, 0.2, 0.3, 0.7])
    found = paired_test(first + 0.1, first)
    assert np.ptp(first + 0.1 - first) > 0
    assert found["difference"] == pytest.approx(0.1) and found["t"] is None and found["p"] is None


def test_nothing_to_pair_is_no_difference():
    assert paired_test([], []) == {
        "users": 0, "difference": 0.0, "standard_error": None, "t": None, "p": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("second", "said"), [([0.1, 0.2, 0.3], "1 and 3 values"), ([np.nan], "not finite")]
)
def test_what_cannot_be_paired_is_refused(second, said):
    with pytest.raises(ValueError, match=said):
        paired_test([0.5], second)
