"""Hyper-parameters: one flat namespace, every range checked, nothing mutable."""

import dataclasses
import json
import math

import pytest

from kdiffe_jax.config import Config, TrainConfig
from kdiffe_jax.errors import ConfigError

OPTIONS = Config.all_options()


def outside(field):
    """Values that the field's metadata forbids."""
    rule, kind = field.metadata, type(field.default)
    step = 1 if kind is int else 1e-3
    if rule["choices"]:
        yield "none of these"
    if rule["low"] is not None:
        yield kind(rule["low"] - step)
    if rule["high"] is not None:
        yield kind(rule["high"] + step)
    if rule["above"] is not None:
        yield kind(rule["above"])
    if kind is float:
        yield math.nan
        yield -math.inf


def wrong_types(field):
    return {
        bool: ("False", 0, None),
        int: (1.0, "1", True, None),
        float: ("0.5", True, None),
        str: (1, None, b"auto"),
    }[type(field.default)]


def inside(field):
    """A value other than the default that the field allows."""
    rule, default = field.metadata, field.default
    if rule["choices"]:
        return next(choice for choice in rule["choices"] if choice != default)
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    if isinstance(default, float):
        return default / 2 if default else 0.25
    return default + "0"


def pairs(values_of):
    return [(name, value) for name, field in OPTIONS.items() for value in values_of(field)]


def test_flat_names_are_unique():
    per_group = [len(dataclasses.fields(group.default)) for group in dataclasses.fields(Config)]
    assert len(OPTIONS) == sum(per_group)


def test_defaults_agree():
    assert Config().to_flat() == {name: field.default for name, field in OPTIONS.items()}
    assert Config.from_flat({}) == Config()


def test_flat_round_trip_of_every_field():
    values = {name: inside(field) for name, field in OPTIONS.items()}
    config = Config.from_flat(values)
    assert config.to_flat() == values
    assert all(values[name] != field.default for name, field in OPTIONS.items())
    assert Config.from_flat(json.loads(json.dumps(config.to_flat()))) == config


def test_from_flat_leaves_its_argument_alone():
    values = {"xi": 0.1}
    Config.from_flat(values)
    assert values == {"xi": 0.1}


def test_unknown_names_are_listed():
    with pytest.raises(ConfigError, match=r"unknown hyper-parameter\(s\): epoch, lr$"):
        Config.from_flat({"lr": 0.1, "epoch": 3, "xi": 0.2})


@pytest.mark.parametrize(("name", "value"), pairs(outside))
def test_value_outside_its_range(name, value):
    with pytest.raises(ConfigError) as caught:
        Config.from_flat({name: value})
    message = str(caught.value)
    assert f".{name} = {value!r}: " in message and "\n" not in message


@pytest.mark.parametrize(("name", "value"), pairs(wrong_types))
def test_value_of_another_type(name, value):
    with pytest.raises(ConfigError, match=rf"\.{name} = .*: expected "):
        Config.from_flat({name: value})


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        (name, field.metadata[side])
        for name, field in OPTIONS.items()
        for side in ("low", "high")
        if field.metadata[side] is not None
    ],
)
def test_bounds_themselves_are_allowed(name, bound):
    # The largest noise_min needs a noise_max that is as large.
    assert Config.from_flat({"noise_max": 1.0, name: bound}).to_flat()[name] == bound


@pytest.mark.parametrize("ends", [(0.03, 0.02, 0.1), (1e-4, 0.02, 50.0), (0.5, 1.0, 1.0)])
def test_variance_that_falls_or_reaches_one(ends):
    with pytest.raises(ConfigError, match="noise_min = .*noise_max = .*must stay below 1$"):
        Config.from_flat(dict(zip(("noise_min", "noise_max", "noise_scale"), ends, strict=True)))


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, field in OPTIONS.items()
        if type(field.default) is float and field.metadata["high"] is None
    ],
)
def test_infinity_is_refused(name):
    with pytest.raises(ConfigError):
        Config.from_flat({name: math.inf})


@pytest.mark.parametrize(("name", "value"), [("content_seed", 2**32), ("seed", 2**64)])
def test_seed_that_no_generator_takes(name, value):
    with pytest.raises(ConfigError):
        Config.from_flat({name: value})


def test_whole_number_for_a_float():
    assert TrainConfig(learning_rate=1).learning_rate == 1
    assert Config.from_flat({"xi": 0}) == Config.from_flat({"xi": 0.0})


def test_every_number_has_a_range_and_every_option_a_line():
    for name, field in OPTIONS.items():
        rule = field.metadata
        assert rule["doc"] and "\n" not in rule["doc"]
        if type(field.default) in (int, float):
            assert rule["low"] is not None or rule["above"] is not None, name


def test_configuration_is_frozen():
    config = Config()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.train = TrainConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.train.epochs = 3
    assert hash(config) == hash(Config())
