"""SLMRec (Tao and others, 2022): id and feature streams, and a chain of contrasts between them.

Z_s = mean of the layers of L over the users' table and stream s's items; U and V are read from
[Z_id, Z_m, ...]. CE(a, b) = -log softmax of a_p . b_q / tau over the positives q of the batch.

  CE(U_u / |U_u|, V_i / |V_i|) + contrast_weight sum_m CE(x_m, h_m Z_m,i)
  + weight_decay 1/2 |all parameters|^2,

x_1 = g_1 Z_id,i, x_m = g_m x_(m-1), all maps linear. docs/models/slmrec.md says how it was checked.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

import jax

from kdiffe_jax.models.arrays import Batch, Inputs, Params, Term, View, Weighted
from kdiffe_jax.models.base import Idle, Sampling
from kdiffe_jax.models.feature_streams import FeatureStreams, Streams, batch_softmax
from kdiffe_jax.models.linear_maps import mapped
from kdiffe_jax.models.presets import OF_RANKING_LOSS, best_shared
from kdiffe_jax.models.terms import scalar_term
from kdiffe_jax.ops.losses import squared_norm
from kdiffe_jax.ops.row_ops import unit_rows
from kdiffe_jax.options import Checked, option

_PAPER = {"batch_size": 2048, "epochs": 1000, "patience": 50, "learning_rate": 1e-2}


@dataclasses.dataclass(frozen=True)
class SLMRecOptions(Checked):
    """Defaults of the authors' program."""

    layers: int = option(3, "K: propagation layers", low=0)
    temperature: float = option(
        0.2, "temperature of the softmax of cosines over the batch's items", above=0.0, traced=True
    )
    contrast_weight: float = option(
        0.1, "weight of the chain of contrasts between streams", low=0.0, traced=True
    )
    contrast_temperature: float = option(
        0.2, "temperature of the chain, whose inner products are raw", above=0.0, traced=True
    )
    weight_decay: float = option(
        1e-4, "weight of half the squared parameters", low=0.0, traced=True
    )


@dataclasses.dataclass(frozen=True)
class SLMRec(FeatureStreams):
    """An item is told from the others of the batch by its users, and by its own features."""

    Options = SLMRecOptions
    sampling = Sampling(negatives=0)
    without = OF_RANKING_LOSS
    presets = MappingProxyType({"paper": _PAPER, "best": best_shared(OF_RANKING_LOSS)})
    idle = (Idle(("contrast_temperature",), "contrast_weight", 0.0),)
    grid = MappingProxyType(
        {
            "learning_rate": (1e-3, 1e-2),
            "contrast_weight": (0.01, 0.1),
            "contrast_temperature": (0.2, 0.5),
        }
    )

    def maps(self) -> dict[str, tuple[int, int]]:
        """Those of the streams, and two for every link of the chain.

        The first link is of width d, the last of several of half of it. With two modalities a map
        without a loss stands for the link that is missing between them.
        """
        names, dim = self.sizes.modalities, self.embedding.dim
        found = super().maps()
        for name in names:
            width = max(dim // 2, 1) if len(names) > 1 and name == names[-1] else dim
            found |= {f"onto_{name}": (dim, width), f"of_{name}": (dim, width)}
        return found | ({"between": (dim, dim)} if len(names) == 2 else {})

    def losses(self, objective, params, batch: Batch, inputs: Inputs, aux, traced, key):
        """The softmax over the batch, the chain, and the norm of all parameters."""
        streams = self.streams(params, inputs, inputs.laplacian)
        rows = streams.at(batch.users, batch.positives)
        cosines = View(*map(unit_rows, self.read(params, rows)))
        main = batch_softmax(*cosines, batch, traced["temperature"])
        chain = self._chain(params, rows, batch, traced["contrast_temperature"])
        weight = traced["contrast_weight"]
        norm = scalar_term(0.5 * squared_norm(params))
        return {
            "batch_softmax": Weighted(main),
            **{name: Weighted(term, weight) for name, term in chain.items()},
            "parameters_norm": Weighted(norm, traced["weight_decay"]),
        }

    def _chain(
        self, params: Params, rows: Streams, batch: Batch, temperature: jax.Array
    ) -> dict[str, Term]:
        ids, *contents = (rows.shared.items + own.items for own in rows.own)
        found, reached = {}, ids
        for number, (name, content) in enumerate(zip(self.sizes.modalities, contents, strict=True)):
            if number and "between" in params:
                reached = mapped(reached, params["between"])
            reached = mapped(reached, params[f"onto_{name}"])
            own = mapped(content, params[f"of_{name}"])
            found[f"chain_{name}"] = batch_softmax(reached, own, batch, temperature)
        return found
