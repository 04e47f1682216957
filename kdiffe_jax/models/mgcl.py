"""MGCL (Liu and others, 2023): interactions and content as streams that are told from each other.

P = D^-1/2 (A + I) D^-(1/2 - popularity). The stream of interactions is the last of K layers of P,
that of modality m one layer of P on users of its own and F_m W_m.

  ranking:  sum over streams of BPR + weight_decay 1/2 (|rows of id|^2 + content_decay |others|^2)
  contrast: sum over ordered pairs of streams of InfoNCE between layer-0 rows of the same node,
            among the nodes of the batch, users and items

Each has an Adam of its own, taken in turn. docs/models/mgcl.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from itertools import combinations
from types import MappingProxyType

import jax

from kdiffe_jax.models.arrays import Batch, Inputs, View, Weighted
from kdiffe_jax.models.base import Idle, Objective, Sampling
from kdiffe_jax.models.content_streams import ContentStreams, StreamOptions
from kdiffe_jax.models.presets import best_shared
from kdiffe_jax.models.terms import weighted_term
from kdiffe_jax.ops.log_sum_exp import log_sum_exp
from kdiffe_jax.ops.losses import or_all
from kdiffe_jax.ops.row_ops import row_dots, unit_rows
from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.ops.two_way_log_sum_exp import two_way_log_sum_exp
from kdiffe_jax.options import option


@dataclasses.dataclass(frozen=True)
class MGCLOptions(StreamOptions):
    """Defaults of the authors' program for Beauty."""

    temperature: float = option(0.04, "tau: InfoNCE temperature", above=0.0, traced=True)
    contrast_weight: float = option(
        2048.0,
        "weight of the contrast, a mean: the batch size makes it a sum",
        low=0.0,
        traced=True,
    )
    contrast_rate: float = option(
        0.1, "learning rate of the contrast, times that of the ranking; 0: no contrast", low=0.0
    )
    denominators: str = option(
        "own",
        "what the last modality of an item is told apart among: rows of the stream that it is "
        "contrasted with, or as the authors' program has it",
        choices=("own", "released"),
    )


@dataclasses.dataclass(frozen=True)
class MGCL(ContentStreams):
    """Streams ranked each for itself, and contrasted by an optimiser of their own."""

    Options = MGCLOptions
    sampling = Sampling(by="users")
    presets = MappingProxyType(
        {"paper": {"batch_size": 2048, "epochs": 1000, "patience": 20}, "best": best_shared()}
    )
    idle = (
        *ContentStreams.idle,
        Idle(("temperature", "contrast_weight", "denominators"), "contrast_rate", 0.0),
        Idle(("temperature", "denominators"), "contrast_weight", 0.0),
    )
    variants = MappingProxyType({"without_contrast": {"contrast_rate": 0.0}})
    grid = MappingProxyType({"features": ("raw", "unit"), "first_content_score": (0.2, 0.4, 0.8)})

    @property
    def objectives(self) -> tuple[Objective, ...]:  # type: ignore[override]
        ranking, rate = Objective(), self.options.contrast_rate
        return (ranking, Objective("contrast", rate)) if rate else (ranking,)

    def losses(self, objective, params, batch, inputs: Inputs, aux, traced, key):
        """The streams' ranking losses and the norm, or their contrast."""
        tables = self.tables(params, inputs)
        if objective == "loss":
            terms = self.ranking_terms(self.views(params, inputs), batch, traced, key)
            return terms | self.norm_term(tables, batch, traced)
        return self._contrast(tables, batch, traced)

    @device_phase("info_nce")
    def _contrast(self, tables: Mapping[str, View], batch: Batch, traced) -> dict[str, Weighted]:
        batch = batch.contrasted()
        rows = {
            "users": {name: table.users[batch.users] for name, table in tables.items()},
            "items": {name: table.items[batch.positives] for name, table in tables.items()},
        }
        slipped = self.options.denominators == "released"
        of_users, of_items = (
            stream_contrast(
                rows[side],
                batch.weights > 0,
                traced["temperature"],
                slipped=slipped and side == "items",
            )
            for side in rows
        )
        return {
            f"contrast_{name}": Weighted(
                weighted_term(of_users[name] + of_items[name], batch.weights),
                traced["contrast_weight"],
            )
            for name in tables
        }

    def view(self, params, inputs: Inputs, carry) -> View:
        """All streams beside each other."""
        return self.ranked_by(self.views(params, inputs))


def stream_contrast(
    rows: Mapping[str, jax.Array],
    real: jax.Array,
    temperature: jax.Array,
    *,
    slipped: bool = False,
) -> dict[str, jax.Array]:
    """InfoNCE of every stream's rows with those of each other stream, summed; f32[n] by stream.

    Args:
      rows: f32[n, d] by stream, the same nodes in each.
      real: bool[n], which rows are candidates; the loss of the others has no meaning.
      temperature: tau.
      slipped: whether the last stream has itself in place of the first one in a denominator.
    """
    units = {name: unit_rows(table) for name, table in rows.items()}
    sums, own = {}, {}
    for one, other in combinations(units, 2):
        pair = units[one] / temperature, units[other]
        sums[one, other], sums[other, one] = two_way_log_sum_exp(*pair, real)
        own[one, other] = own[other, one] = row_dots(*pair)
    if slipped:
        first, *_, last = units
        present = or_all(real)
        sums[last, first] = log_sum_exp(units[last] / temperature, units[last], present)
    return {
        name: sum(sums[name, other] - own[name, other] for other in units if other != name)
        for name in units
    }
