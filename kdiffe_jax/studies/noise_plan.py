"""The study of noise: random triples are added, and forms of the model are compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from kdiffe_jax.config import Config
from kdiffe_jax.data.added_triples import check_can_grow
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import changed
from kdiffe_jax.studies.reads import can_go_without_knowledge, reads_beside, reads_triples

SHARES = (0.0, 0.5, 1.0, 2.0)
GIVEN, NO_KNOWLEDGE = "given", "no_kg"
_NAMES = {"weighted": "denoised"}
_ADDED = "added:"


class Curve(NamedTuple):
    """One form of the model: the setting that it has at each of `SHARES`."""

    form: str
    settings: tuple[str, ...]


def check_noise(base: Config, dataset: Dataset) -> None:
    """Refuses a base to which no noise can be added.

    Raises:
      ConfigError: options that leave no triples to add to, or a model that reads none.
      DataError: as `check_can_grow`.
    """
    if base.data_ablation.data_ablation != "none":
        raise ConfigError(
            "study = 'noise' has data ablations of its own; leave --data_ablation out"
        )
    if base.content.kg_source == "none":
        raise ConfigError("study = 'noise' adds to a knowledge graph; kg_source = 'none' has none")
    if not reads_triples(base, dataset):
        raise ConfigError(
            f"study = 'noise': {base.model} reads no triples of {dataset.name} as it is configured"
        )
    check_can_grow(dataset)


def noise_forms(base: Config, wanted: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Form -> overrides: the graph that the main view reads, guided or not; no graph at all.

    A model without these options has its own form, which is called "given". Without knowledge
    comes last.

    Args:
      wanted: forms to have beside "given"; all where none is named.

    Raises:
      ConfigError: there is no such form.
    """
    flat = base.to_flat()
    found: dict[str, dict[str, Any]] = {GIVEN: {}}
    if {"main_graph", "guidance"} <= flat.keys():
        own = (flat["main_graph"], flat["guidance"])
        known = [(graph, guided) for graph in (GIVEN, "weighted") for guided in (True, False)]
        for graph, guided in dict.fromkeys([*known, own]):
            name = _NAMES.get(graph, graph) + ("" if guided else "_unguided")
            found[name] = {"main_graph": graph, "guidance": guided}
    if can_go_without_knowledge(base):
        found[NO_KNOWLEDGE] = {"kg_source": "none"}
    for name in wanted:
        if name not in found:
            raise ConfigError(f"{name!r}: the forms of {base.model} are {', '.join(found)}")
    return {n: v for n, v in found.items() if not wanted or n in wanted or n == GIVEN}


def noise_settings(
    base: Config, dataset: Dataset, full: str, wanted: Collection[str] = ()
) -> tuple[dict[str, dict[str, Any]], tuple[Curve, ...]]:
    """All settings, the base first, and the curves through them.

    What the noise cannot reach is one setting at all shares.

    Args:
      full: what the base is called.
      wanted: as `noise_forms`.

    Raises:
      ConfigError, DataError: as `check_noise` and `noise_forms`.
    """
    check_noise(base, dataset)
    settings: dict[str, dict[str, Any]] = {full: {}}
    curves = []
    for form, values in noise_forms(base, wanted).items():
        reached = form != NO_KNOWLEDGE or reads_beside(base, dataset)
        names = []
        for share in SHARES if reached else (0.0,):
            overrides = values | ({"data_ablation": f"{_ADDED}{share:g}"} if share else {})
            changes = {n: v for n, v in overrides.items() if base.to_flat()[n] != v}
            changed(base, changes)
            name = (f"{form} added={share:g}" if share else form) if changes else full
            settings[name] = changes
            names.append(name)
        curves.append(Curve(form, tuple(names if reached else names * len(SHARES))))
    return settings, tuple(curves)


def drawn_with(base: Config, overrides: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The overrides of one run: triples are drawn anew for every seed, the same for all forms."""
    values = {**overrides, "seed": seed}
    if str(overrides.get("data_ablation", "")).startswith(_ADDED):
        values["data_ablation_seed"] = base.data_ablation.data_ablation_seed + seed
    return values
