"""Which systems there are, what a table calls them, and how each is run in its own process."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.quality.curves import Found
from benchmarks.quality.settings import Settings, config_of
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import ConfigError

TORCH, IMPLICIT, EASE = "torch-", "implicit-", "ease"
#: models whose torch forms can rank
IN_TORCH = ("lightgcn", "bm3")
IN_IMPLICIT = ("als", "bpr")
_NAMES = {"lightgcn": "LightGCN", "bm3": "BM3", "kdiffe": "KDiffE", "als": "ALS", "bpr": "BPR"}


def systems_of(
    models: Sequence[str], settings: Settings, *, torch: bool, implicit: bool
) -> list[str]:
    """The systems of a command, in the order in which they run.

    Args:
      models: as `config_of` takes them.
      settings: of all.
      torch: whether forms in torch.sparse run, too, of those models that have one.
      implicit: whether ALS and BPR of the package implicit run, too.

    Raises:
      ConfigError: an unknown model, a value out of its range, or a package that is not there.
    """
    for name in models:
        config_of(name, settings)
    forms = [f"{TORCH}{name}" for name in models if name in IN_TORCH] if torch else []
    factors = [f"{IMPLICIT}{kind}" for kind in IN_IMPLICIT] if implicit else []
    for package, wanted in {"torch": forms, "implicit": factors}.items():
        if wanted and find_spec(package) is None:
            raise ConfigError(
                f"--{package}: the package {package} is not installed; install it, or leave "
                f"--{package} out"
            )
    return [*models, *forms, *factors, EASE]


def run(system: str, data: Dataset, settings: Settings, work: Path) -> Found:
    """Runs one system; its packages are imported before its clock begins.

    Args:
      system: of `systems_of`.
      data: to train and to score on.
      settings: of all systems.
      work: an empty directory.
    """
    if system.startswith(TORCH):
        from benchmarks.quality import torch_forms

        return torch_forms.trained(system.removeprefix(TORCH), data, settings)
    if system.startswith(IMPLICIT):
        from benchmarks.quality import implicit_factors

        return implicit_factors.trained(system.removeprefix(IMPLICIT), data, settings)
    from benchmarks.quality import ours

    if system == EASE:
        return ours.ease(data, settings)
    return ours.trained(system, data, settings, work)


def label(system: str) -> str:
    """What tables and figures call a system.

    >>> [label(name) for name in ("torch-bm3", "lightgcn:best", "implicit-als", "ease", "sgl")]
    ['BM3, torch.sparse', 'LightGCN (best)', 'ALS, implicit', 'EASE', 'sgl']
    """
    if system == EASE:
        return "EASE"
    for prefix, program in {TORCH: "torch.sparse", IMPLICIT: "implicit"}.items():
        if system.startswith(prefix):
            own = system.removeprefix(prefix)
            return f"{_NAMES.get(own, own)}, {program}"
    model, _, of = system.partition(":")
    return _NAMES.get(model, model) + (f" ({of})" if of else "")
