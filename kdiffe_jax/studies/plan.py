"""The plans of the studies: which settings are run, and what is drawn of them.

A setting is a set of overrides of the base configuration. Settings that change nothing are
the base itself, so it is run once however many figures it stands in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.variants import VARIANTS

FULL = "full"
ABLATION = ("full", "kdiffe_1", "kdiffe_2", "kdiffe_3", "unguided", "edge_drop")
TOP_Q = (1, 2, 3, 4, 5, 6)
WALKS = {"walk_length": (30, 50, 80, 110, 130, 150), "walks_per_node": (6, 8, 10, 12, 15, 20)}
GRIDS: dict[str, tuple[Any, ...]] = {
    "xi": (0.1, 0.3, 0.5, 0.7, 0.9, 1.0),
    "timesteps": (2, 5, 10, 20, 50, 80),
    "temperature": (0.1, 0.3, 0.5, 0.7, 0.9, 1.0),
    "theta_1": (1e-4, 1e-3, 1e-2, 1e-1, 1.0),
    "top_q": TOP_Q,
}
PARAMETERS = ("walks", *GRIDS)
USER_SHARES = (0.125, 0.25, 0.5, 0.75, 1.0)
SEEDS = dict(main=10, ablation=5, denoising=3, sensitivity=3, scalability=1, knockout=5)
STUDIES = tuple(SEEDS)


class Axis(NamedTuple):
    """One hyper-parameter of a study: its values, and the setting that has each."""

    parameter: str
    values: tuple[Any, ...]
    settings: tuple[str, ...]
    base: Any


class Plan(NamedTuple):
    """What a study runs; `settings` maps names to overrides, the base first."""

    settings: dict[str, dict[str, Any]]
    axes: tuple[Axis, ...] = ()
    walks: Mapping[tuple[int, int], str] = MappingProxyType({})


def make_plan(
    study: str,
    base: Config,
    dataset: Dataset,
    *,
    variants: Sequence[str] = ABLATION,
    parameters: Sequence[str] = PARAMETERS,
) -> Plan:
    """The plan of a study.

    Args:
      study: one of `STUDIES`.
      base: what all runs share.
      dataset: as training reads it; the knock-outs depend on its relations.
      variants: of the ablation.
      parameters: of the sensitivity analysis.

    Raises:
      ConfigError: no such study, variant or parameter.
    """
    if study == "main":
        return Plan({FULL: {}})
    if study == "ablation":
        return Plan(_named(base, {name: _known(name, VARIANTS) for name in (FULL, *variants)}))
    if study == "knockout":
        return Plan(_named(base, knockouts(dataset)))
    if study == "denoising":
        return _along(base, {"top_q": TOP_Q})
    if study == "sensitivity":
        return _sensitivity(base, parameters)
    if study == "scalability":
        shares = tuple("none" if s == 1 else f"users:{s}" for s in USER_SHARES)
        return _along(base, {"timesteps": GRIDS["timesteps"], "knockout": shares})
    raise ConfigError(f"study = {study!r}: choose one of {', '.join(STUDIES)}")


def knockouts(dataset: Dataset) -> dict[str, Mapping[str, Any]]:
    """Name -> overrides: all that can be taken from this data set."""
    found: dict[str, Mapping[str, Any]] = {FULL: {}, "kg_shuffled": VARIANTS["kg_shuffled"]}
    if len(dataset.relation_names) > 1:
        for name in dataset.relation_names:
            found[f"without {name}"] = {"knockout": f"relation:{name}"}
    if dataset.features:
        found["noise_features"] = VARIANTS["noise_features"]
    return found | {"no_kg": VARIANTS["no_kg"]}


def changed(base: Config, overrides: Mapping[str, Any]) -> Config:
    """The base with some fields of other values."""
    return Config.from_flat({**base.to_flat(), **overrides})


def scalability_base(base: Config, epochs: int) -> Config:
    """A few epochs, all of them run, no test scores: time is what is measured."""
    return changed(base, {"epochs": epochs, "patience": epochs, "score_test": False})


def _sensitivity(base: Config, parameters: Sequence[str]) -> Plan:
    for name in parameters:
        _known(name, dict.fromkeys(PARAMETERS, {}))
    plan = _along(base, {name: GRIDS[name] for name in GRIDS if name in parameters})
    if "walks" not in parameters:
        return plan
    pairs = [(m, r) for m in WALKS["walk_length"] for r in WALKS["walks_per_node"]]
    walks = {}
    for m, r in pairs:
        walks[m, r] = _add(plan.settings, base, {"walk_length": m, "walks_per_node": r})
    return plan._replace(walks=walks)


def _along(base: Config, grids: Mapping[str, Sequence[Any]]) -> Plan:
    settings: dict[str, dict[str, Any]] = {FULL: {}}
    axes = []
    for name, values in grids.items():
        own = base.to_flat()[name]
        if not isinstance(own, str):
            values = sorted({*values, own})
        names = tuple(_add(settings, base, {name: value}) for value in values)
        axes.append(Axis(name, tuple(values), names, own))
    return Plan(settings, tuple(axes))


def _add(settings: dict[str, dict[str, Any]], base: Config, overrides: Mapping[str, Any]) -> str:
    """Adds a setting under a name made of what it changes; the base has its name already."""
    flat = base.to_flat()
    changes = {name: value for name, value in overrides.items() if flat[name] != value}
    name = " ".join(f"{n}={v}" for n, v in changes.items()) or FULL
    settings[name] = changes
    changed(base, changes)
    return name


def _named(base: Config, variants: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The variants that change something, after the base."""
    different = {
        name: dict(values) for name, values in variants.items() if changed(base, values) != base
    }
    return {FULL: {}} | different


def _known(name: str, names: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    if name not in names:
        raise ConfigError(f"{name!r}: choose among {', '.join(names)}")
    return names[name]


def directory_of(setting: str) -> str:
    """A directory name for a setting."""
    return "".join(c if c.isalnum() or c in "-_.=" else "_" for c in setting)
