"""Variants and presets are valid overrides that mean what they say."""

import pytest
from absl import flags as absl_flags

from kdiffe_jax.models.kdiffe.presets import BEST, DENOISER, PAPER, WEIGHTED
from kdiffe_jax.models.kdiffe.variants import VARIANTS
from kdiffe_jax.models.registry import make_config, preset, variant
from launch import flags
from launch.parsing import parse


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_a_valid_configuration_of_its_own(name):
    values = dict(variant(name, "kdiffe"))
    flat = make_config(values).to_flat()
    assert flat | values == flat
    assert make_config(BEST | values) != make_config(BEST) or flat != make_config().to_flat()


def test_the_paper_is_the_default():
    assert make_config(preset("paper", "kdiffe")) == make_config(PAPER) == make_config()
    assert make_config(preset("best", "kdiffe")).options.xi == BEST["xi"] == 0.0


def test_the_denoised_preset_is_the_paper_with_another_denoiser_that_the_main_view_reads():
    paper, found = make_config().to_flat(), make_config(preset("denoised", "kdiffe")).to_flat()
    changed = {name: found[name] for name in found if found[name] != paper[name]}
    assert changed == DENOISER | WEIGHTED


def config_of(*arguments):
    values = absl_flags.FlagValues()
    flags.define(["main", *arguments], values)
    parse(["main", *arguments], values)
    return flags.config(values)


def test_variant_over_flags_over_preset_over_defaults():
    found = config_of("--preset=best")
    assert (found.options.xi, found.embedding.dim) == (0.0, BEST["dim"])
    found = config_of("--preset=best", "--xi=0.5", "--dim=32")
    assert (found.options.xi, found.embedding.dim) == (0.5, 32)
    found = config_of("--preset=best", "--xi=0.5", "--variant=kdiffe_1")
    assert (found.options.xi, found.embedding.dim) == (0.0, BEST["dim"])
