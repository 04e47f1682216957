"""Variants and presets are valid overrides that mean what they say."""

import pytest
from absl import flags as absl_flags

from kdiffe_jax.config import Config
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.kdiffe.presets import PAPER, PRESETS
from kdiffe_jax.models.kdiffe.variants import MEANING, VARIANTS
from launch import flags
from launch.parsing import parse


def parsed(*arguments):
    values = absl_flags.FlagValues()
    flags.define(values)
    parse(["main", *arguments], values)
    return values


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_a_valid_configuration_with_a_meaning(name):
    config = Config.from_flat(VARIANTS[name])
    assert (config == Config()) == (name == "full")
    assert MEANING[name]


def test_the_paper_is_the_default():
    assert Config.from_flat(PAPER) == Config()
    assert all(Config.from_flat(preset) for preset in PRESETS.values())


def test_variant_over_flags_over_preset_over_defaults(monkeypatch):
    monkeypatch.setattr(flags, "PRESETS", {"paper": PAPER, "best": {"xi": 0.3, "dim": 32}})
    assert flags.config(parsed("--preset=best")).graph.xi == 0.3
    config = flags.config(parsed("--preset=best", "--xi=0.5", "--dim=64"))
    assert (config.graph.xi, config.model.dim) == (0.5, 64)
    config = flags.config(parsed("--preset=best", "--xi=0.5", "--variant=kdiffe_1"))
    assert (config.graph.xi, config.model.dim) == (0.0, 32)


def test_a_variant_has_a_directory_of_its_own():
    assert str(flags.workdir(parsed("--variant=kdiffe_2"))) == "runs/synthetic-kdiffe_2-seed0"


def test_unknown_names_are_refused():
    with pytest.raises(ConfigError, match="variant"):
        parsed("--variant=kdiffe_9")
    with pytest.raises(ConfigError, match="preset"):
        parsed("--preset=worst")
