"""What the command of a finished run does, where there is nothing left to train."""

from __future__ import annotations

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.models.registry import options_of
from kdiffe_jax.report.page import REPORT, leave_report
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, read_titled


def tell_finished(run: RunDirectory, dataset: Dataset) -> None:
    """Says that a run is finished; takes new titles, and writes a report that is not there."""
    print(f"{run.path}: this run is finished; its result:")
    if (run.path / MODEL).exists():
        read_titled(run.path, dataset.item_names, dataset.item_pictures)
    if not (run.path / REPORT).exists():
        leave_report(run.path, options_of, log=print)
