"""Denoises every item's row, in blocks of items (eq. 10), for what is made of it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from kdiffe_jax.models.arrays import Inputs
from kdiffe_jax.models.kdiffe.entity_rows import places_of_items
from kdiffe_jax.models.kdiffe.graphs import Denoised
from kdiffe_jax.models.kdiffe.hidden_reverse import hidden_denoiser, reverse_rows
from kdiffe_jax.models.kdiffe.modules import KDiffEModules
from kdiffe_jax.models.kdiffe.rebuild import dense_rows, own_values, top_of_values, top_relations
from kdiffe_jax.ops.diffusion import reverse_from
from kdiffe_jax.ops.random_bits import for_tables
from kdiffe_jax.ops.row_blocks import ROWS_AT_ONCE, scan_row_blocks
from kdiffe_jax.ops.trace_phases import device_phase


class Rebuild:
    """The reverse process of all items with one set of parameters; may be traced.

    Args:
      model: its modules and options.
      params: of the denoiser.
      inputs: constant structure.
      guidance: z~ of all items (eq. 11).
      key: of the noise; an item's noise depends on its id alone.
    """

    def __init__(
        self,
        model: KDiffEModules,
        params: Any,
        inputs: Inputs,
        guidance: jax.Array,
        key: jax.Array,
    ):
        self._model, self._inputs, self._key = model, inputs, key
        self._guidance = guidance
        self._denoiser = hidden_denoiser(params, model.denoiser.precision)

    @device_phase("rebuild")
    def denoised(self) -> Denoised:
        """The top-q relations of every item, and the values of the given ones."""
        options, own = self._model.options, self._inputs.own

        def of_block(values, items):
            denoised, places = self.rows(items), places_of_items(own.rows, items)
            found = own_values(denoised, own.rows, places)
            if options.rebuild_from == "all":
                usual = own.entity_relation
                kept = top_relations(denoised, usual, own.rows, places, options.top_q)
            else:
                kept = top_of_values(found, own.rows, places, options.top_q)
            return values.at[places].set(found, mode="drop"), kept

        nothing, n_items = jnp.zeros(own.rows.columns.shape), self._model.sizes.n_items
        values, kept = scan_row_blocks(of_block, nothing, n_items, ROWS_AT_ONCE)
        return Denoised(kept, values)

    def rows(self, items: jax.Array) -> jax.Array:
        """f32[n, C]: the rows of some items after the reverse process."""
        model = self._model
        n_columns = model.denoiser.n_columns
        keys = jax.vmap(lambda item: jax.random.fold_in(self._key, item))(items)
        noise = jax.vmap(lambda key: jax.random.normal(for_tables(key), (n_columns,)))(keys)
        rows = dense_rows(self._inputs.own.rows, items, n_columns=n_columns)
        start = reverse_from(model.options.reverse_start, model.schedule, rows, noise)
        precision = model.denoiser.precision
        return reverse_rows(self._denoiser, model.schedule, start, self._guidance[items], precision)
