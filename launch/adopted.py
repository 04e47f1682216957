"""The options of a run that there is, for a command that goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from absl.flags import FlagValues

from kdiffe_jax.errors import RunError
from kdiffe_jax.models.registry import model_class, variant
from launch import flags


def adopt(values: FlagValues, stored: Mapping[str, Any]) -> None:
    """Takes the run's values for all flags that were not given; refuses others."""
    model = stored["model"]
    if values["model"].present and values.model != model:
        raise RunError(f"--model={values.model}: the run was made with {model!r}")
    if values.model != model:
        own = model_class(model).Options.all_options()
        flags.define_options({n: f for n, f in own.items() if n not in values}, values)
    for name, value in stored.items():
        if name not in values:
            continue
        if values[name].present and values[name].value != value:
            raise RunError(f"--{name}={values[name].value}: the run was made with {value!r}")
        values[name].value = value
    for name, value in variant(values.variant, model).items():
        if stored.get(name) != value:
            raise RunError(f"--variant={values.variant}: the run has {name} {stored.get(name)!r}")
