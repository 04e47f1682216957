"""The plans of the studies: which settings are run, and what is drawn of them.

A setting is a set of overrides of the base configuration. Settings that change nothing are
the base itself, so it is run once however many figures it stands in. A study of options varies
those that the model has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from kdiffe_jax.config import Config
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.idle_options import why_idle
from kdiffe_jax.models.registry import changed, model_class, options_of, variant
from kdiffe_jax.studies.noise_plan import Curve, noise_settings
from kdiffe_jax.studies.reads import can_go_without_knowledge, reads_features, reads_triples

FULL = "full"
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
SEEDS = dict(
    main=10, ablation=5, denoising=3, sensitivity=3, scalability=1, data_ablation=5, noise=5
)
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
    curves: tuple[Curve, ...] = ()


def make_plan(
    study: str,
    base: Config,
    dataset: Dataset,
    *,
    variants: Sequence[str] = (),
    parameters: Sequence[str] = (),
) -> Plan:
    """The plan of a study; every setting is of the same training data but for its own ablation.

    Args:
      base: what all runs share.
      dataset: as training reads it; the data ablations depend on its relations.
      variants: of the ablation; where none is named, those of the model's own options. Of the
        study of noise its forms; where none is named, all.
      parameters: of the sensitivity analysis; where none is named, those that the model has.

    Raises:
      ConfigError: no such study, variant or parameter, or none that the model has; a data
        ablation of the base, where settings have others.
      DataError: data that the study cannot change.
    """
    planned = _planned(study, base, dataset, variants, parameters)
    taken = base.data_ablation.data_ablation != "none"
    if taken and any("data_ablation" in changes for changes in planned.settings.values()):
        raise ConfigError(
            f"study = {study!r} has data ablations of its own; leave --data_ablation out"
        )
    return planned


def _planned(
    study: str,
    base: Config,
    dataset: Dataset,
    variants: Sequence[str],
    parameters: Sequence[str],
) -> Plan:
    if study == "main":
        return Plan({FULL: {}})
    if study == "ablation":
        names = variants or own_variants(base.model)
        return Plan(_named(base, {name: variant(name, base.model) for name in names}))
    if study == "data_ablation":
        return Plan(_named(base, data_ablations(base, dataset)))
    if study == "noise":
        settings, curves = noise_settings(base, dataset, FULL, variants)
        return Plan(settings, curves=curves)
    if study == "denoising":
        _check_has(base.model, study, ["top_q"])
        return _along(base, {"top_q": TOP_Q})
    if study == "sensitivity":
        return _sensitivity(base, parameters)
    if study == "scalability":
        shares = tuple("none" if s == 1 else f"users:{s}" for s in USER_SHARES)
        grids = {"timesteps": GRIDS["timesteps"], "data_ablation": shares}
        return _along(base, {n: grid for n, grid in grids.items() if n in options_of(base.model)})
    raise ConfigError(f"study = {study!r}: choose one of {', '.join(STUDIES)}")


def own_variants(model: str) -> list[str]:
    """The variants that change a model's own options; the others change the data.

    Raises:
      ConfigError: the model has none.
    """
    kind = model_class(model)
    own = kind.Options.all_options().keys()
    found = [name for name, values in kind.variants.items() if own & values.keys()]
    if not found:
        raise ConfigError(f"study = 'ablation': {model} has no variants; model = 'kdiffe' has")
    return found


def data_ablations(base: Config, dataset: Dataset) -> dict[str, Mapping[str, Any]]:
    """Name -> overrides: all that can be taken from this data set, where the model reads it.

    Raises:
      ConfigError: the model reads none of it.
    """
    found: dict[str, dict[str, Any]] = {}
    triples = reads_triples(base, dataset)
    features = dataset.features if reads_features(base) else {}
    if triples or features:
        found["kg_shuffled"] = {"data_ablation": "shuffled"}
    for name in dataset.relation_names if len(dataset.relation_names) > 1 else ():
        if triples or name in features:
            found[f"without {name}"] = {"data_ablation": f"relation:{name}"}
    if features:
        found["noise_features"] = {"data_ablation": "noise"}
    if can_go_without_knowledge(base):
        found["no_kg"] = {"kg_source": "none"}
    if not found:
        raise ConfigError(
            f"study = 'data_ablation': {base.model} reads nothing of these data but interactions; "
            "take another model, or a preset with nearest items"
        )
    return found


def scalability_base(base: Config, epochs: int) -> Config:
    """A few epochs, all of them run, no test scores: time is what is measured."""
    return changed(base, {"epochs": epochs, "patience": epochs, "score_test": False})


def _sensitivity(base: Config, parameters: Sequence[str]) -> Plan:
    for name in parameters:
        if name not in PARAMETERS:
            raise ConfigError(f"{name!r}: choose among {', '.join(PARAMETERS)}")
    _check_has(base.model, "sensitivity", parameters or PARAMETERS, every=bool(parameters))
    chosen = [name for name in parameters or PARAMETERS if _has(base.model, name)]
    why = why_idle(base)
    idle = [name for name in chosen if _options(name) <= why.keys()]
    if parameters and idle:
        reason = why[next(iter(_options(idle[0])))]
        raise ConfigError(f"{idle[0]}: changes nothing, since {reason}; leave one of them out")
    chosen = [name for name in chosen if name not in idle]
    plan = _along(base, {name: GRIDS[name] for name in GRIDS if name in chosen})
    if "walks" not in chosen:
        return plan
    walks = {
        (m, r): _add(plan.settings, base, {"walk_length": m, "walks_per_node": r})
        for m in WALKS["walk_length"]
        for r in WALKS["walks_per_node"]
    }
    return plan._replace(walks=walks)


def _has(model: str, parameter: str) -> bool:
    return _options(parameter) <= options_of(model).keys()


def _options(parameter: str) -> set[str]:
    return {*WALKS} if parameter == "walks" else {parameter}


def _check_has(model: str, study: str, parameters: Sequence[str], *, every: bool = True) -> None:
    missing = [name for name in parameters if not _has(model, name)]
    if missing and (every or missing == list(parameters)):
        raise ConfigError(
            f"study = {study!r} varies {', '.join(missing)}: no option of {model}; "
            "model = 'kdiffe' has it all"
        )


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


def directory_of(setting: str) -> str:
    """A directory name for a setting, another for each.

    >>> directory_of("given added=0.5"), directory_of("without brand_a"), directory_of("a/b")
    ('given+added=0.5', 'without+brand_a', 'a%2Fb')
    """
    return quote_plus(setting, safe="=")
