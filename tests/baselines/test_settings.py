import pytest

from kdiffe_jax.baselines.settings import FIXED, GRIDS, NAMES, BaselineSettings, grid
from kdiffe_jax.baselines.suite import PREPARE
from kdiffe_jax.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("most_popular,rp3beta,ease", ("most_popular", "rp3beta", "ease")),
        ("all", NAMES),
        ("none", ()),
        ("", ()),
        (" ease, rp3beta,ease", ("rp3beta", "ease")),
    ],
)
def test_names_that_are_asked_for(text, names):
    assert BaselineSettings(baselines=text).names() == names


def test_lightgcn_is_left_to_those_who_ask():
    assert "lightgcn" not in BaselineSettings().names()


@pytest.mark.parametrize("text", ["magic", "ease,all", "ease;rp3beta"])
def test_unknown_names_are_refused(text):
    with pytest.raises(ConfigError, match="there is no"):
        BaselineSettings(baselines=text)


def test_every_baseline_has_a_grid_and_a_fit():
    assert set(NAMES) == set(GRIDS) == set(FIXED) == set(PREPARE)


def test_a_grid_holds_every_combination_once():
    points = grid("rp3beta")
    assert len({tuple(point.items()) for point in points}) == len(points) == 30
    assert grid("most_popular") == [{}]
