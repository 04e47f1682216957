"""Options that were given and change nothing, beside the values that others have."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator

from kdiffe_jax.config import Config
from kdiffe_jax.data.options import ContentConfig
from kdiffe_jax.models.base import Idle
from kdiffe_jax.models.registry import model_class, options_of

_SHARED = (
    Idle(("softmax_negatives", "softmax_temperature"), "ranking_loss", "bpr"),
    Idle(("nearest_items", "neighbour_relations", "neighbour_kinds"), "neighbour_weight", 0.0),
    Idle(("data_ablation_seed",), "data_ablation", "none"),
    Idle(("mask_valid",), "score_test", False),
)


def idle_options(config: Config) -> Iterator[str]:
    """A line for every option of a trained model that is not its default and changes nothing.

    Values that a preset of the model has are nobody's wish, and go without.

    >>> from kdiffe_jax.models.registry import make_config
    >>> print(*idle_options(make_config({"xi": 0.0, "walk_length": 9})), sep="; ")
    walk_length = 9 changes nothing: xi is 0.0
    """
    values, known = config.to_flat(), options_of(config.model)
    presets = model_class(config.model).presets.values()
    for idle in _idle(config):
        for name in idle.names:
            usual = [preset[name] for preset in presets if name in preset]
            if name in known and values[name] not in [known[name].default, *usual]:
                yield f"{name} = {values[name]!r} changes nothing: {idle.option} is {idle.value!r}"


def why_idle(config: Config, *, varied: Collection[str] = ()) -> dict[str, str]:
    """The options that change nothing, whichever values they have, and the value that makes it so.

    Args:
      varied: options whose values are no reason, since they have others too.

    >>> from kdiffe_jax.models.registry import make_config
    >>> why_idle(make_config({"model": "mgcn", "contrast_weight": 0.0}))["temperature"]
    'contrast_weight is 0.0'
    """
    return {
        name: f"{idle.option} is {idle.value!r}"
        for idle in _idle(config)
        if idle.option not in varied
        for name in idle.names
    }


def idle_content(config: Config) -> Iterator[str]:
    """The same of the options of a knowledge graph, for a model that has none."""
    usual = dataclasses.asdict(ContentConfig())
    for name, value in dataclasses.asdict(config.content).items():
        if value != usual[name]:
            yield f"{name} = {value!r} changes nothing: {config.model} has no knowledge graph"


def _idle(config: Config) -> Iterator[Idle]:
    values = config.to_flat()
    for idle in (*model_class(config.model).idle, *_SHARED):
        if values.get(idle.option) == idle.value and not _read_for_cold_items(idle, values):
            yield idle


def _read_for_cold_items(idle: Idle, values: dict) -> bool:
    return idle.option == "neighbour_weight" and values.get("cold_items") != "own"
