"""Every model by its name: the one place that knows which there are.

A line a model; the class is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from kdiffe_jax.config import Config, SharedConfig
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.arrays import Sizes
from kdiffe_jax.models.base import Model
from kdiffe_jax.options import closest


class Entry(NamedTuple):
    """Where a model is, what it needs of the data beside interactions, and what it is."""

    where: str  #: module:class
    reads: str
    about: str


_HERE = "kdiffe_jax.models"
MODELS: Mapping[str, Entry] = MappingProxyType(
    {
        "kdiffe": Entry(
            f"{_HERE}.kdiffe.model:KDiffE",
            "a knowledge graph, features to make one of, or interactions only",
            "knowledge-aware attention, random-walk similarity and guided diffusion",
        ),
        "lightgcn": Entry(
            f"{_HERE}.lightgcn:LightGCN",
            "interactions only",
            "embeddings propagated over the user-item graph",
        ),
        "sgl": Entry(
            f"{_HERE}.sgl:SGL",
            "interactions only",
            "LightGCN, and a contrast of two graphs that lose edges",
        ),
        "bm3": Entry(
            f"{_HERE}.bm3:BM3",
            "features, or entities or item neighbours in their place",
            "bootstrapped views of interactions and content, without negatives",
        ),
        "freedom": Entry(
            f"{_HERE}.freedom:FREEDOM",
            "features, or entities or item neighbours in their place",
            "a frozen graph between items, and fewer user-item edges while training",
        ),
        "ncl": Entry(
            f"{_HERE}.ncl:NCL",
            "interactions only",
            "LightGCN, and contrasts with neighbours in structure and with clusters",
        ),
        "mgcl": Entry(
            f"{_HERE}.mgcl:MGCL",
            "features, or entities or item neighbours in their place",
            "interactions and content as streams, contrasted by an optimiser of their own",
        ),
        "mhgcf": Entry(
            f"{_HERE}.mhgcf:MHGCF",
            "a knowledge graph, and features or what stands in for them",
            "interactions, content and entities as streams with a graph of their own",
        ),
        "slmrec": Entry(
            f"{_HERE}.slmrec:SLMRec",
            "features, or entities or item neighbours in their place",
            "id and feature streams, and a chain of contrasts between them",
        ),
        "hccf": Entry(
            f"{_HERE}.hccf:HCCF",
            "interactions only",
            "propagation beside a learned hypergraph, contrasted layer by layer",
        ),
        "mgcn": Entry(
            f"{_HERE}.mgcn:MGCN",
            "features, or entities or item neighbours in their place",
            "content purified by behaviour, fused by what users prefer",
        ),
        "diffkg": Entry(
            f"{_HERE}.diffkg:DiffKG",
            "a knowledge graph, or features to make one of",
            "attention over a knowledge graph and over what a diffusion model leaves of it",
        ),
        "mmgcl": Entry(
            f"{_HERE}.mmgcl:MMGCL",
            "features, or entities or item neighbours in their place",
            "id and feature streams, contrasted in views that lose edges or a modality",
        ),
        "diffmm": Entry(
            f"{_HERE}.diffmm:DiffMM",
            "features, or entities or item neighbours in their place",
            "content over the user-item graph, and a graph a modality from a diffusion model",
        ),
        "clcrec": Entry(
            f"{_HERE}.clcrec:CLCRec",
            "features, or entities or item neighbours in their place",
            "an item's own row tied to what its content makes, for cold items",
        ),
        "lattice": Entry(
            f"{_HERE}.lattice:LATTICE",
            "features, or entities or item neighbours in their place",
            "a graph between items that their content makes while it is learned",
        ),
        "most_popular": Entry(
            f"{_HERE}.closed_form.most_popular:MostPopular",
            "interactions only",
            "the same list for all: items by their number of interactions",
        ),
        "rp3beta": Entry(
            f"{_HERE}.closed_form.rp3beta:RP3beta",
            "interactions only",
            "three-step walks between items, popular ones held back",
        ),
        "ease": Entry(
            f"{_HERE}.closed_form.ease:EASE",
            "interactions only",
            "a linear model between items, in closed form",
        ),
    }
)
DEFAULT = "kdiffe"
#: options of nearest items by content
OF_CONTENT = (
    "neighbour_weight",
    "last_neighbour_weight",
    "neighbour_relations",
    "neighbour_kinds",
    "cold_items",
)


def model_class(name: str) -> Any:
    """The class of a model: a `Model`, which is trained, or a `ClosedForm`, which is fitted.

    Raises:
      ConfigError: there is no such model; the closest name is given.
    """
    if name not in MODELS:
        raise ConfigError(
            f"model = {name!r}: there is no such model{closest(name, MODELS)}; "
            f"there are {', '.join(MODELS)}"
        )
    module, _, attribute = MODELS[name].where.partition(":")
    return getattr(importlib.import_module(module), attribute)


def is_trained(name: str) -> bool:
    """Whether a model is trained by the loop; the others are fitted in closed form."""
    return issubclass(model_class(name), Model)


def options_of(name: str) -> dict[str, Any]:
    """Every option of a model, its own first, as fields by name."""
    kind = model_class(name)
    shared = {n: f for n, f in SharedConfig.all_options().items() if n not in kind.without}
    return kind.Options.all_options() | shared


def make_config(values: Mapping[str, Any] = MappingProxyType({})) -> Config:
    """The configuration of flat values; what is missing takes its default.

    Args:
      values: "model", its own options and the shared ones by name.

    Raises:
      ConfigError: a name that the model does not have, or a value out of its range.

    >>> config = make_config({"model": "lightgcn", "layers": 2, "epochs": 5})
    >>> config.options.layers, config.train.epochs, make_config().model
    (2, 5, 'kdiffe')
    """
    left = dict(values)
    name = left.pop("model", DEFAULT)
    kind = model_class(name)
    known = options_of(name)
    for option in left:
        if option not in known:
            raise ConfigError(_no_such_option(name, option, known))
    options = kind.Options.taken_from(left)
    shared = SharedConfig.from_flat(left)
    return Config(name, options, **vars(shared))


def changed(config: Config, values: Mapping[str, Any]) -> Config:
    """A configuration with other values of some options.

    Raises:
      ConfigError: as `make_config`.
    """
    known = options_of(config.model)
    flat = {name: v for name, v in config.to_flat().items() if name in known or name == "model"}
    return make_config(flat | dict(values))


def build_model(config: Config, sizes: Sizes) -> Model:
    """The trained model of a configuration for data of these sizes."""
    kind = model_class(config.model)
    return kind(config.options, config.embedding, config.ranking, sizes)


def preset(name: str, model: str, *, content: bool = True) -> Mapping[str, Any]:
    """The values of a named preset for a model.

    Args:
      content: whether the data know more of items than interactions; else what the preset says
        of nearest items by content is left out.

    Raises:
      ConfigError: the model has no such preset.
    """
    found = _named("preset", name, model_class(model).presets, model)
    return found if content else {n: v for n, v in found.items() if n not in OF_CONTENT}


def variant(name: str, model: str) -> Mapping[str, Any]:
    """The values of a named variant of a model; "full" is the model as configured.

    Raises:
      ConfigError: the model has no such variant.
    """
    return _named("variant", name, {"full": {}} | dict(model_class(model).variants), model)


def _named(what: str, name: str, known: Mapping[str, Any], model: str) -> Mapping[str, Any]:
    if name not in known:
        raise ConfigError(
            f"{what} = {name!r}: {model} has {', '.join(known) or 'none'}{closest(name, known)}"
        )
    return known[name]


def _no_such_option(model: str, option: str, known: Mapping[str, Any]) -> str:
    """An option of another model says whose it is."""
    near = closest(option, known)
    owners = [
        name
        for name in MODELS
        if name != model and option in model_class(name).Options.all_options()
    ]
    if owners:
        return f"{option} is an option of {', '.join(owners)}, not of {model}{near}"
    return f"{model} has no option {option}{near}"
