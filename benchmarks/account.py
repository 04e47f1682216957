"""The arithmetic of docs/reference/hundred-million.md: bytes, communication and time at any sizes.

Nothing is measured here. Sizes and machine are assumptions; the constants are those of
benchmarks/results/parts-tiktok.md and similarity-million.md, each as the bytes or the share of
a machine's rate that the measured time amounts to.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

LARGEST_INT32 = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """Sizes of the data and of a step, and what the default options make of them."""

    users: int = 100_000_000
    items: int = 10_000_000
    interactions: int = 5_000_000_000
    entities: int = 1_000_000
    triples_per_item: int = 8
    dim: int = 64
    batch: int = 65_536
    layers: int = 2
    width: int = 512  # of the denoiser
    fan_out: int = 10  # neighbours drawn a node and layer, where sub-graphs are sampled

    @property
    def nodes(self) -> int:
        return self.users + self.items

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return -(-self.interactions // self.batch)

    @property
    def table(self) -> int:
        """Parameters of the embeddings."""
        return (self.nodes + self.entities) * self.dim

    @property
    def parameters(self) -> int:
        """Embeddings and the two wide matrices of the denoiser."""
        return self.table + 2 * self.entities * self.width


@dataclasses.dataclass(frozen=True)
class Machine:
    """An assumed accelerator, many of it, and what joins them."""

    devices: int = 64
    per_host: int = 8
    memory: float = 80e9  # bytes of one
    bandwidth: float = 3e12  # bytes a second, its memory's
    arithmetic: float = 60e12  # float32 operations a second
    inside: float = 450e9  # bytes a second that a device receives from its own host
    between: float = 50e9  # the same from other hosts

    def link(self, group: int) -> float:
        """What one of a group of devices receives a second, hosts being filled first."""
        return self.inside if group <= self.per_host else self.between


class Measured(NamedTuple):
    """Times of benchmarks/results/parts-tiktok.md against that machine's own ceilings."""

    bandwidth: float = 32.9e9
    nodes: int = 16_018
    entries: int = 119_082  # of both blocks of the Laplacian
    entities: int = 512
    triples: int = 53_680
    propagation: float = 7.56e-3  # 2 L products over all entries, L = 2
    knowledge: float = 4.70e-3
    norm_and_adam: float = 96.5e-3 / 59  # a step
    info_nce_share: float = 0.35  # of the arithmetic rate, in-batch
    denoiser_share: float = 0.53
    reverse_share: float = 0.77
    ranking_share: float = 0.36
    similarity: float = 398 / 20e6  # seconds an interaction, on two cores
    similarity_bytes: float = 8.2e9 / 2e6  # peak memory a node

    @property
    def product_share(self) -> float:
        """Of the memory's bandwidth: a sparse product that reads a row of 64 for every entry."""
        return 4 * self.entries * (8 + 4 * 64) / self.propagation / self.bandwidth

    @property
    def bytes_a_triple(self) -> float:
        """What the knowledge layer's time is worth, forward and backward, d = 64."""
        return self.knowledge * self.bandwidth / self.triples

    @property
    def bytes_a_parameter(self) -> float:
        """What the time of norm and Adam is worth."""
        parameters = (self.nodes + self.entities) * 64 + 2 * self.entities * 512
        return self.norm_and_adam * self.bandwidth / parameters


MEASURED = Measured()


def whole_bytes(c: Catalogue) -> dict[str, float]:
    """What there is, by name, wherever it lies: bytes.

    >>> whole_bytes(Catalogue())["embeddings"] / 1e9
    28.416
    """
    return {
        "embeddings": 4 * c.table,
        "denoiser": 4 * (c.parameters - c.table),
        "Adam's moments": 8 * c.parameters,
        "interactions, two int32": 8 * c.interactions,
        "S": 4 * c.interactions,
        "an epoch's index arrays": 16 * c.interactions,
        "Laplacian by rows, both blocks": 24 * c.interactions + 4 * (c.nodes + 2),
        "mean over an item's users, with its transpose": 16 * c.interactions + 4 * c.nodes,
        "knowledge graph, with its transpose": 20 * c.items * c.triples_per_item,
        "walks, peak": MEASURED.similarity_bytes * c.nodes,
    }


def device_bytes(c: Catalogue, m: Machine, data: int, model: int) -> dict[str, float]:
    """What one device of a grid would hold if nothing were whole on every device: bytes.

    The mean over an item's users is counted by rows, like a block of the Laplacian.
    """
    assert data * model == m.devices
    return {
        "parameters, gradient, moments": 16 * c.parameters / m.devices,
        "two views and a layer": 3 * 4 * c.nodes * c.dim / m.devices,
        "sparse entries": 36 * c.interactions / data,
        "dense side of a product": 4 * c.users * c.dim / model,
    }


def gathered_rows(c: Catalogue) -> int:
    """Rows of dense sides that the sparse products of one step read, each counted whole.

    Both views take 1.5 products a block and layer, their gradients the same with the
    transposed blocks; the guidance reads all users once more.
    """
    return 3 * c.layers * c.nodes + c.users


def traversed_entries(c: Catalogue) -> int:
    """Entries that the sparse products of one step read."""
    return (6 * c.layers + 1) * c.interactions


def full_graph_step(c: Catalogue, m: Machine, data: int, model: int) -> dict[str, float]:
    """Seconds of one step over the whole graph, by its parts, one after another.

    Args:
      c, m: sizes and machine.
      data, model: the grid; hosts hold neighbours along "data".
    """
    columns = c.dim / model
    received = gathered_rows(c) * 4 * columns * (data - 1) / data
    read = traversed_entries(c) / data * (8 + 4 * columns)
    triples = c.items * (c.triples_per_item + 1)
    knowledge = MEASURED.bytes_a_triple * triples * c.dim / 64
    adam = MEASURED.bytes_a_parameter * c.parameters
    return {
        "all_gather": received / m.link(data),
        "sparse products": read / (MEASURED.product_share * m.bandwidth),
        "knowledge layer": knowledge / m.devices / m.bandwidth,
        "norm and Adam": adam / m.devices / m.bandwidth,
    } | _batch_parts(c, m)


def sampled_step(c: Catalogue, m: Machine) -> dict[str, float]:
    """The same where a step sees drawn neighbours and updates the rows it saw, alone."""
    seeds, f = 3 * c.batch, c.fan_out
    entries = seeds * sum(f**layer for layer in range(1, c.layers + 1))
    rows = seeds + entries
    triples = rows / 2 * (c.triples_per_item + 1)
    own = 1 / m.devices
    touched = rows * c.dim + 2 * c.entities * c.width
    received = 2 * rows * 4 * c.dim * own * (m.devices - 1) / m.devices
    read = 3 * entries * (8 + 4 * c.dim) * own
    knowledge = MEASURED.bytes_a_triple * triples * c.dim / 64 * own
    return {
        "rows fetched, gradients returned": received / m.link(m.devices),
        "sparse products": read / (MEASURED.product_share * m.bandwidth),
        "knowledge layer": knowledge / m.bandwidth,
        "norm and Adam": MEASURED.bytes_a_parameter * touched * own / m.bandwidth,
    } | _batch_parts(c, m)


def _batch_parts(c: Catalogue, m: Machine) -> dict[str, float]:
    """What depends on the batch alone, its rows given whole to every device."""
    looked_up = 2 * 5 * c.batch * 4 * c.dim
    pairs = 12.0 * c.batch**2 * c.dim
    rows = 10.0 * c.items / c.steps * c.entities * c.width
    rate = m.devices * m.arithmetic
    return {
        "look-ups": looked_up / m.link(m.devices),
        "InfoNCE in the batch": pairs / (MEASURED.info_nce_share * rate),
        "denoiser": rows / (MEASURED.denoiser_share * rate),
    }


def between_epochs(c: Catalogue, m: Machine) -> dict[str, float]:
    """Seconds of what is done once an epoch, or once, on all devices."""
    rate = m.devices * m.arithmetic
    hosts = m.devices / m.per_host
    return {
        "rebuild": 4.0 * c.items * c.entities * c.width / (MEASURED.reverse_share * rate),
        "full ranking": 2.0 * c.users * c.items * c.dim / (MEASURED.ranking_share * rate),
        "S, once, two cores of every host": MEASURED.similarity * c.interactions / hosts,
    }


def grids(m: Machine) -> list[tuple[int, int]]:
    """All ways to lay the devices out, the longest "data" first."""
    sizes = (2**power for power in range(m.devices.bit_length() - 1, -1, -1))
    return [(size, m.devices // size) for size in sizes if m.devices % size == 0]


def fits(c: Catalogue, m: Machine, data: int, model: int) -> str:
    """Why a grid cannot hold the catalogue, or that it fits."""
    faults = []
    if sum(device_bytes(c, m, data, model).values()) > m.memory:
        faults.append("too large")
    if c.interactions / data > LARGEST_INT32:
        faults.append("entries beyond int32")
    return ", ".join(faults) or "fits"


def best_grid(c: Catalogue, m: Machine) -> tuple[int, int]:
    """The fastest grid that fits.

    Raises:
      ValueError: none does.
    """
    fitting = [grid for grid in grids(m) if fits(c, m, *grid) == "fits"]
    if not fitting:
        raise ValueError(f"no grid of {m.devices} devices holds {c.nodes:,} nodes, d = {c.dim}")
    return min(fitting, key=lambda grid: sum(full_graph_step(c, m, *grid).values()))
