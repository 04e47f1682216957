"""Two figures of a knowledge graph: how often entities occur, and how many an item has."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.errors import DataError


def draw_figures(dataset: Dataset, directory: str | Path) -> list[Path]:
    """Writes `entity_frequency.png` and `entities_per_item.png`.

    Raises:
      DataError: matplotlib, the extra `[plots]`, is not installed, or the directory
        cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DataError("figures need matplotlib: pip install 'kdiffe_jax[plots]'") from error
    directory = Path(directory)
    paths = []
    for name, draw in (("entity_frequency", _frequency), ("entities_per_item", _per_item)):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        draw(figure.add_subplot(), dataset)
        path = directory / f"{name}.png"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, dpi=150)
        except OSError as error:
            raise DataError(f"{path}: not written: {error.strerror}; choose --figures") from error
        paths.append(path)
    return paths


def _frequency(axes, dataset: Dataset) -> None:
    for name, mine in _by_relation(dataset):
        counts = np.sort(np.unique(mine[:, 2], return_counts=True)[1])[::-1]
        marker = "o" if len(counts) == 1 else None
        ranks = np.arange(1, len(counts) + 1)
        axes.step(ranks, counts, where="post", marker=marker, label=name)
    axes.set(
        title=f"{dataset.name}: how many items each entity has",
        xlabel="entities, the most frequent first",
        ylabel="items",
        xscale="log",
        yscale="log",
    )
    axes.axhline(dataset.n_items, color="0.6", linestyle=":", linewidth=1, label="all items")
    _finish(axes)


def _per_item(axes, dataset: Dataset) -> None:
    for name, mine in _by_relation(dataset):
        counts = np.bincount(mine[:, 0], minlength=dataset.n_items)
        most = counts.max(initial=0)
        share = np.bincount(counts, minlength=most + 1)[::-1].cumsum()[::-1] / dataset.n_items
        axes.step(np.arange(1, most + 1), share[1:], where="mid", marker=".", label=name)
    axes.set(
        title=f"{dataset.name}: how many entities each item has",
        xlabel="at least so many entities",
        ylabel="share of all items",
        ylim=(0, 1.03),
    )
    _finish(axes)


def _finish(axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8)


def _by_relation(dataset: Dataset):
    for number, name in enumerate(dataset.relation_names):
        yield name, dataset.triples[dataset.triples[:, 1] == number]
