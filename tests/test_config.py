"""Hyper-parameters: one flat namespace a model, every range checked, nothing mutable."""

import dataclasses
import json
import math

import pytest

from kdiffe_jax.config import SharedConfig, TrainConfig
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import DEFAULT, MODELS, changed, make_config, options_of

SHARED = SharedConfig.all_options()


def options_once():
    """(model, name, field) of every option; of the shared ones, those of the default model."""
    for model in MODELS:
        for name, field in options_of(model).items():
            if model == DEFAULT or name not in SHARED:
                yield model, name, field


OPTIONS = list(options_once())


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
    return [(model, name, value) for model, name, field in OPTIONS for value in values_of(field)]


@pytest.mark.parametrize("model", MODELS)
def test_a_model_has_its_own_options_first_and_no_name_twice(model):
    known = list(options_of(model))
    own = [name for name in known if name not in SHARED]
    assert known[: len(own)] == own and len(known) == len(set(known))


@pytest.mark.parametrize("model", MODELS)
def test_defaults_agree(model):
    config = make_config({"model": model})
    flat = config.to_flat()
    assert next(iter(flat)) == "model" and flat.pop("model") == config.model == model
    assert flat == {name: f.default for name, f in (options_of(model) | SHARED).items()}


def test_no_values_are_the_default_model():
    assert make_config() == make_config({}) == make_config({"model": DEFAULT})


@pytest.mark.parametrize("model", MODELS)
def test_flat_round_trip_of_every_field(model):
    options = options_of(model)
    values = {"model": model} | {name: inside(field) for name, field in options.items()}
    config = make_config(values)
    assert {name: config.to_flat()[name] for name in values} == values
    assert make_config(json.loads(json.dumps(values))) == config
    assert changed(make_config({"model": model}), values) == config


def test_values_given_are_left_alone():
    values = {"model": "lightgcn", "layers": 2}
    make_config(values)
    assert values == {"model": "lightgcn", "layers": 2}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lr": 0.1}, "kdiffe has no option lr"),
        ({"epoch": 3, "xi": 0.2}, "kdiffe has no option epoch; did you mean epochs?"),
        ({"model": "sgl", "xi": 0.2}, "xi is an option of kdiffe, not of sgl"),
        ({"model": "ease", "epochs": 2}, "ease has no option epochs"),
        ({"model": "lightgnc"}, "there is no such model; did you mean lightgcn?"),
    ],
)
def test_unknown_names_are_told_with_the_closest(values, message):
    with pytest.raises(ConfigError) as caught:
        make_config(values)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("model", "name", "value"), pairs(outside))
def test_value_outside_its_range(model, name, value):
    with pytest.raises(ConfigError) as caught:
        make_config({"model": model, name: value})
    message = str(caught.value)
    assert message.startswith(f"{name} = {value!r}: ") and "\n" not in message


@pytest.mark.parametrize(("model", "name", "value"), pairs(wrong_types))
def test_value_of_another_type(model, name, value):
    with pytest.raises(ConfigError, match=rf"^{name} = .*: expected "):
        make_config({"model": model, name: value})


@pytest.mark.parametrize(
    ("model", "name", "bound"),
    [
        (model, name, field.metadata[end])
        for model, name, field in OPTIONS
        for end in ("low", "high")
        if field.metadata[end] is not None
    ],
)
def test_bounds_themselves_are_allowed(model, name, bound):
    # The largest noise_min needs a noise_max that is as large; what is tuned takes no value.
    wider = {"noise_max": 1.0, "tuned": False}
    beside = {name: value for name, value in wider.items() if name in options_of(model)}
    assert make_config({"model": model, **beside, name: bound}).to_flat()[name] == bound


@pytest.mark.parametrize("ends", [(0.03, 0.02, 0.1), (1e-4, 0.02, 50.0), (0.5, 1.0, 1.0)])
def test_variance_that_falls_or_reaches_one(ends):
    with pytest.raises(ConfigError, match="noise_min = .*noise_max = .*must stay below 1$"):
        make_config(dict(zip(("noise_min", "noise_max", "noise_scale"), ends, strict=True)))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (model, name)
        for model, name, field in OPTIONS
        if type(field.default) is float and field.metadata["high"] is None
    ],
)
def test_infinity_is_refused(model, name):
    with pytest.raises(ConfigError):
        make_config({"model": model, name: math.inf})


@pytest.mark.parametrize(
    ("name", "value"), [("content_seed", 2**32), ("seed", 2**64), ("data_ablation_seed", 2**32)]
)
def test_seed_that_no_generator_takes(name, value):
    with pytest.raises(ConfigError):
        make_config({name: value})


def test_whole_number_for_a_float():
    assert TrainConfig(learning_rate=1).learning_rate == 1
    assert make_config({"xi": 0}) == make_config({"xi": 0.0})


def test_every_number_has_a_range_and_every_option_a_line():
    for _, name, field in OPTIONS:
        rule = field.metadata
        assert rule["doc"] and "\n" not in rule["doc"]
        if type(field.default) in (int, float):
            assert rule["low"] is not None or rule["above"] is not None, name


def test_traced_options_are_numbers_of_the_step():
    traced = make_config({"theta_1": 0.5}).traced()
    assert traced["theta_1"] == 0.5 and traced["learning_rate"] == 1e-3
    assert all(type(value) is float for value in traced.values())


def test_configuration_of_one_of_several_seeds():
    several = make_config({"seed": 3, "num_seeds": 2, "xi": 0.5})
    assert list(several.train.seeds) == [3, 4]
    assert several.of_seed(4) == make_config({"seed": 4, "xi": 0.5})
    with pytest.raises(ConfigError, match="the last seed, 4294967296, must be at most"):
        make_config({"seed": 2**32 - 1, "num_seeds": 2})


def test_configuration_is_frozen():
    config = make_config()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.train = TrainConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.train.epochs = 3
    assert hash(config) == hash(make_config())
