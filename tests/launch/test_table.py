"""The table that a run ends with, of one seed and of several."""

import pytest

from kdiffe_jax.training.spread import spread
from launch.table import COLUMNS, result_table


def metrics(value):
    return dict.fromkeys(COLUMNS, value)


@pytest.fixture
def single():
    return {
        "dataset": "shop",
        "selection": "valid",
        "selection_metric": "recall@20",
        "best_epoch": 3,
        "epochs": 9,
        "seconds": 12.4,
        "valid": metrics(0.1),
        "test": metrics(0.2),
        "users_scored": {"valid": 8, "test": 9, "of": 10},
        "baselines": {"most_popular": {"test": metrics(0.05)}},
    }


@pytest.fixture
def several(single):
    values = {"valid": [0.1, 0.3], "test": [0.2, 0.3]}
    members = [
        {"seed": 5 + i, "best_epoch": 2 * i, **{s: metrics(v[i]) for s, v in values.items()}}
        for i in range(2)
    ]
    over = {split: dict.fromkeys(COLUMNS, spread(v)) for split, v in values.items()}
    return single | {"members": members, "over_seeds": over}


def test_one_seed(single):
    lines = result_table(single).splitlines()
    assert lines[1].split() == ["validation", *["0.1000"] * 6]
    assert lines[3].split() == ["most", "popular", "(test)", *["0.0500"] * 6]
    assert lines[-1].startswith("shop: epoch 3 of 9, chosen on valid recall@20, 12 s; 9 users")


def test_several_seeds_show_mean_and_standard_error(several):
    lines = result_table(several).splitlines()
    assert lines[1].split()[1:4] == ["0.2000", "±", "0.1000"]
    assert lines[2].split()[1:4] == ["0.2500", "±", "0.0500"]
    assert lines[3].split()[3:] == ["0.0500"] * 6
    assert len({len(line) for line in lines[:4]}) == 1
    assert "seeds 5 to 6, mean ± standard error, epochs 0 to 2 of 9" in lines[-1]


def test_a_choice_on_the_test_set_is_said(single):
    assert "CHOSEN ON THE TEST SET" in result_table(single | {"selection": "test"})
