"""Whether a model can run on a data set at all, asked before anything is trained."""

from __future__ import annotations

from kdiffe_jax.config import Config, Limits
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.models.registry import build_model, changed, is_trained, model_class
from kdiffe_jax.training.held_out import check_splits
from kdiffe_jax.training.setup import build_sampler, content_of, sizes_of

_NO_NEIGHBOURS = {"neighbour_weight": 0.0, "cold_items": "own"}


def check_suits(dataset: Dataset, config: Config, limits: Limits) -> None:
    """Refuses what a run would refuse of the data and their sizes, in a moment.

    Nearest items, S and graphs, which take long, are not made.

    Args:
      dataset: as read.
      config: of any model.
      limits: what a run may use.

    Raises:
      DataError: a split is empty, or the data lack what the model reads.
      ConfigError: sizes that the options or the limits forbid.
    """
    check_splits(dataset, config)
    if not is_trained(config.model):
        kind = model_class(config.model)
        kind(dataset.train, dataset.n_users, dataset.n_items).check(limits)
        return
    content = content_of(dataset, changed(config, _NO_NEIGHBOURS), lambda line: None)
    model = build_model(config, sizes_of(content))
    model.check(build_sampler(content.dataset, config.train, model).steps_of_pass, limits)
