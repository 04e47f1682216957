"""kdiffe_jax: recommendation from interactions and what items are made of, in JAX.

    import kdiffe_jax as kd
    data = kd.dataset(orders, items=products, split="time")
    model = kd.fit(data, "kdiffe")
    model.recommend(["u1", "u2"], k=10)

Names are imported when they are used, so `import kdiffe_jax` loads no JAX.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kdiffe_jax.api.compare import Comparison, compare
    from kdiffe_jax.api.dataset import Data, dataset
    from kdiffe_jax.api.fit import fit
    from kdiffe_jax.api.fitted import FittedModel
    from kdiffe_jax.api.list_models import list_models
    from kdiffe_jax.api.load import load

__version__ = "0.1.0"
__all__ = ["Comparison", "Data", "FittedModel", "compare", "dataset", "fit", "list_models", "load"]

_WHERE = {"Comparison": "compare", "Data": "dataset", "FittedModel": "fitted"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"kdiffe_jax.api.{_WHERE.get(name, name)}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
