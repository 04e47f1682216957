"""The contract of a model that is fitted in closed form: no epochs, no seeds, no parameters."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from kdiffe_jax.config import DataAblationConfig, EvalConfig, Limits, SharedConfig
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.evaluation.top_k_lists import TopKLists
from kdiffe_jax.models.closed_form.interactions import interaction_matrix
from kdiffe_jax.options import Checked, option

Grid = Mapping[str, tuple]  #: option -> the values that validation chooses from

_READ = {*EvalConfig.all_options(), *DataAblationConfig.all_options()} - {"eval_precision"}


class Fitted(NamedTuple):
    """A fit that ranks, and what a saved model keeps of it."""

    lists: TopKLists
    saved: dict[str, np.ndarray]  #: "users", "items" and artifacts; see `storage.saved_model`


@dataclasses.dataclass(frozen=True)
class TunedOptions(Checked):
    """Options of which those in `grid` are chosen on validation.

    Raises:
      ConfigError: on construction, a value for one of them that the choice would overrule.

    >>> TunedOptions().tuned
    True
    """

    grid: ClassVar[Grid] = MappingProxyType({})

    tuned: bool = option(
        True,
        "choose these on validation, from the grid of docs/baselines.md; false takes the values "
        "given",
    )

    def __post_init__(self):
        super().__post_init__()
        fields = self.all_options()
        for name in self.grid if self.tuned else ():
            value = getattr(self, name)
            if value != fields[name].default:
                raise ConfigError(
                    f"{name} = {value!r}: say --tuned=false, or leave it to be chosen on validation"
                )


class ClosedForm(abc.ABC):
    """One model; a subclass sets the class attributes and `fit`.

    Args:
      train: i32[n, 2] of (user, item), unique.
      n_users, n_items: I and J.
      eval_block: users ranked at once, where embeddings rank.
    """

    Options: ClassVar[type[Checked]]  #: its own options
    #: values in order, the options' defaults among them; searched option after option
    grid: ClassVar[Grid] = MappingProxyType({})
    #: named overrides of the defaults
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({"paper": {}, "best": {}})
    #: named changes of the model
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})
    #: shared options without a meaning for it: all that training, embeddings and content have
    without: ClassVar[frozenset[str]] = frozenset(SharedConfig.all_options()) - _READ

    def __init__(
        self,
        train: np.ndarray,
        n_users: int,
        n_items: int,
        *,
        eval_block: int = EvalConfig.eval_block,
    ):
        self.matrix = interaction_matrix(train, n_users, n_items)  #: f64[I, J] as CSR
        self.eval_block = eval_block

    @abc.abstractmethod
    def fit(self, **point: Any) -> Fitted:
        """Fits one point: its own options by name, `tuned` not among them.

        Raises:
          ConfigError: these values have no fit on these interactions.
        """

    @classmethod
    def memory_gb(cls, n_items: int) -> float:
        """What the arrays of a fit that grow with J^2 need, in GB of 10^9 bytes."""
        return 0.0

    def check(self, limits: Limits) -> None:
        """Refuses a catalogue whose fit does not go into the memory; to be asked before `fit`.

        Raises:
          ConfigError: says how much it needs.
        """
        n_items = self.matrix.shape[1]
        needed = self.memory_gb(n_items)
        if needed > limits.model_memory_gb:
            raise ConfigError(
                f"{n_items:,} items need {needed:,.1f} GB, the limit is "
                f"{limits.model_memory_gb:g} (--model_memory_gb)"
            )
