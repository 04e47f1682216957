"""`fit(data, "auto")`: the best of a few models that the data have inputs for, on validation."""

from __future__ import annotations

import dataclasses
from typing import Any

from kdiffe_jax.api.compare import compare
from kdiffe_jax.api.dataset import Data
from kdiffe_jax.api.fitted import FittedModel
from kdiffe_jax.data.dataset import Dataset

_ALWAYS = ("rp3beta", "ease", "lightgcn")
_WITH_CONTENT = ("kdiffe", "freedom")
#: EASE inverts a matrix of items by items
_MOST_ITEMS_OF_EASE = 20_000


def short_list(dataset: Dataset) -> tuple[str, ...]:
    """The models worth trying: by what inputs there are, and for how many items.

    >>> from kdiffe_jax.data.synthetic import planted_dataset
    >>> short_list(planted_dataset(seed=0))
    ('rp3beta', 'ease', 'lightgcn', 'kdiffe', 'freedom')
    """
    names = _ALWAYS + (_WITH_CONTENT if dataset.has_content else ())
    large = dataset.n_items > _MOST_ITEMS_OF_EASE
    return tuple(name for name in names if not (large and name == "ease"))


def fit_best(data: Data, **options: Any) -> FittedModel:
    """Trains the short list with the same seeds and patience; `tried` of the model is the table.

    Args:
      data: to train on.
      **options: of `compare`.
    """
    found = compare(data, short_list(data.dataset), **options)
    return dataclasses.replace(found.best, tried=found.table)
