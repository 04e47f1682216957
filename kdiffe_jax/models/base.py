"""The contract between a model and everything that trains, ranks, saves and serves it.

A model is a frozen dataclass: configuration and sizes, no arrays. It is static under `jax.jit`;
parameters, inputs and what it carries from epoch to epoch are arguments. docs/howto/add-a-model.md
builds one step by step.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import jax
import numpy as np

from kdiffe_jax.config import EmbeddingConfig, Limits, RankingConfig
from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.arrays import (
    Aux,
    Batch,
    Carry,
    EdgeWeights,
    Inputs,
    Params,
    Sizes,
    View,
    Weighted,
)
from kdiffe_jax.models.declarations import Idle, Needs, Objective, Part, Sampling
from kdiffe_jax.options import Checked

__all__ = ["Idle", "Model", "Needs", "Objective", "Part", "Sampling"]


@dataclasses.dataclass(frozen=True)
class Model(abc.ABC):
    """One model; a subclass sets the class attributes and the abstract methods.

    Attributes:
      options: its own, an instance of `Options`.
      embedding, ranking: the shared options that it reads.
      sizes: of the data.
    """

    Options: ClassVar[type[Checked]]
    needs: ClassVar[Needs] = Needs()
    sampling: ClassVar[Sampling] = Sampling()
    objectives: ClassVar[tuple[Objective, ...]] = (Objective(),)
    #: named overrides of the defaults: "paper" has the authors' own, "best" is recommended
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({"paper": {}, "best": {}})
    #: named changes of the model, such as those of its paper's ablation
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})
    #: what its authors tried: values of options, whose combinations are at most 12
    grid: ClassVar[Mapping[str, Sequence[Any]]] = MappingProxyType({})
    #: own options without effect beside a value of another
    idle: ClassVar[tuple[Idle, ...]] = ()
    #: why it does not run on a mesh of devices; empty where it does
    one_device: ClassVar[str] = ""
    #: shared options without a meaning for this model: they are no flags of it
    without: ClassVar[frozenset[str]] = frozenset()

    options: Any
    embedding: EmbeddingConfig
    ranking: RankingConfig
    sizes: Sizes

    @abc.abstractmethod
    def init(self, key: jax.Array, inputs: Inputs) -> Params:
        """Fresh parameters.

        Args:
          key: the root key of a seed. The third of `jax.random.split(key, 3)` is the run's, from
            which every step draws: use the other two.
          inputs: constant structure. What becomes a parameter is copied: a step takes the memory
            of its parameters for those of the next.
        """

    @abc.abstractmethod
    def losses(
        self,
        objective: str,
        params: Params,
        batch: Batch,
        inputs: Inputs,
        aux: Aux,
        traced: Mapping[str, jax.Array],
        key: jax.Array,
    ) -> dict[str, Weighted]:
        """The terms of one step's loss by name; their weighted means add up to it.

        Args:
          objective: which of `objectives`.
          params: differentiated.
          batch: padding has weight 0.
          inputs: constant structure.
          aux: of `open`.
          traced: the options declared so, and "learning_rate", as f32 scalars.
          key: of the step.
        """

    @abc.abstractmethod
    def view(self, params: Params, inputs: Inputs, carry: Carry) -> View:
        """What ranks; nothing random."""

    def constants(self, triples: np.ndarray, entity_items: np.ndarray | None = None) -> Any:
        """A pytree of arrays that the model makes of the triples once; `Inputs.own`.

        Args:
          triples: int32[m, 3] of (item, relation, entity), sorted and unique.
          entity_items: int32[E], the item that an entity is, else -1; None where none is one.
        """
        return ()

    def first_carry(self, inputs: Inputs) -> Carry:
        """What `refresh` receives before the first epoch, of the shapes that it returns."""
        return ()

    def refresh(self, params: Params, inputs: Inputs, carry: Carry, key: jax.Array) -> Carry:
        """What is made once before each epoch, of static shape: a rebuilt graph, prototypes.

        Args:
          params: trained so far.
          inputs: constant structure.
          carry: what the epoch before had.
          key: of what is drawn.
        """
        return carry

    def open(self, inputs: Inputs, carry: Carry, key: jax.Array) -> Aux:
        """What the steps of an epoch share, made inside the compiled epoch: dropped edges."""
        return carry

    def edge_weights(
        self,
        pairs: np.ndarray,
        *,
        cache_dir: Path,
        share: Share = ALONE,
        devices: Sequence[jax.Device] | None = None,
    ) -> EdgeWeights:
        """What each training interaction weighs in the Laplacian; 1 where not overridden.

        Args:
          pairs: int32[n, 2] of (user, item), those of this process, sorted.
          cache_dir: where what takes long may be kept.
          share: whose they are.
          devices: of this process, that may work.
        """
        ones = np.ones(len(pairs), np.float32)
        return EdgeWeights(ones, ones)

    def check(self, steps: int, limits: Limits) -> None:  # noqa: B027
        """Refuses sizes that the options or the memory forbid.

        Args:
          steps: of a pass over all interactions.
          limits: what training may use.

        Raises:
          ConfigError: says what to change.
        """

    def artifacts(
        self, params: Params, inputs: Inputs, carry: Carry, edges: EdgeWeights
    ) -> dict[str, np.ndarray]:
        """What explaining, new users and new items need beside the view; see `storage`."""
        return {}

    def findings(
        self,
        params: Params,
        inputs: Inputs,
        carry: Carry,
        traced: Mapping[str, jax.Array],
        key: jax.Array,
        triples: np.ndarray,
    ) -> dict[str, Any]:
        """What else a finished run says of the model: entries of result.json and of model.npz.

        Figures by name, or dictionaries of them; `traced` is that of `losses`, the rest that of
        `found_truth`. Of several seeds result.json has the means.
        """
        return {}

    def found_truth(
        self,
        params: Params,
        inputs: Inputs,
        carry: Carry,
        key: jax.Array,
        triples: np.ndarray,
        truth: np.ndarray,
    ) -> dict[str, float]:
        """On planted data, how well the model tells relevant triples from irrelevant ones.

        Args:
          params, inputs, carry: trained.
          key: as `refresh` receives it before the first epoch.
          triples: int32[m, 3] of (item, relation, entity), sorted.
          truth: bool[m], which are relevant.
        """
        return {}

    @classmethod
    def rows_of_new_items(cls, saved: Any, triples: np.ndarray, n_new: int) -> Any:
        """Rows of items that training never saw, by their entities.

        Args:
          saved: a `storage.saved_model.SavedModel` of this model.
          triples: int32[m, 3] of (new item, relation, entity).
          n_new: how many items.

        Raises:
          ConfigError: the model has no way to make them.
        """
        raise ConfigError(
            f"{saved.about['config']['model']} has no rows for new items: it does not make them of "
            "entities"
        )
