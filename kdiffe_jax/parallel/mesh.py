"""The devices of a run as a grid with two axes.

Rows of tables and of the Laplacian are split along "data", columns of tables along "model".
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
from jax.sharding import AxisType, Mesh

from kdiffe_jax.errors import ConfigError

AXES = ("data", "model")


def parse_axes(text: str) -> dict[str, int]:
    """The size of each axis; 1 where an axis is not named.

    Args:
      text: such as "data:4,model:2".

    Raises:
      ConfigError: an unknown or repeated axis, or a size that is not a positive number.

    >>> parse_axes("data:4")
    {'data': 4, 'model': 1}
    """
    sizes: dict[str, int] = {}
    for part in text.split(","):
        name, _, size = part.strip().partition(":")
        if name not in AXES:
            raise ConfigError(
                f"mesh = {text!r}: no axis {name!r}; expected {' and '.join(AXES)}, "
                "such as data:4,model:2"
            )
        if name in sizes:
            raise ConfigError(f"mesh = {text!r}: the axis {name} is given twice")
        if not (size.isascii() and size.isdigit() and int(size) > 0):
            raise ConfigError(f"mesh = {text!r}: the size of {name} must be a number from 1 up")
        sizes[name] = int(size)
    return {name: sizes.get(name, 1) for name in AXES}


def build_mesh(text: str, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """Devices as the grid that a text describes.

    Args:
      text: as in `parse_axes`.
      devices: all that JAX has if omitted.

    Raises:
      ConfigError: as `parse_axes`, or the axes do not multiply to the number of devices.
    """
    sizes = tuple(parse_axes(text).values())
    devices = jax.devices() if devices is None else devices
    wanted, found = sizes[0] * sizes[1], len(devices)
    if wanted != found:
        raise ConfigError(
            f"mesh = {text!r}: {sizes[0]} x {sizes[1]} = {wanted} devices, but there are {found}; "
            f"the sizes must multiply to {found}"
        )
    automatic = (AxisType.Auto,) * len(AXES)
    return jax.make_mesh(sizes, AXES, axis_types=automatic, devices=devices)
