"""The splits that a run does not learn from: whether they can be scored, and what is ranked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kdiffe_jax.config import Config, EvalConfig
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.ranked_users import of_ranked_users
from kdiffe_jax.errors import ConfigError, DataError


class SplitToRank(NamedTuple):
    """Sorted pairs of (user, item)."""

    seen: np.ndarray  #: int32[n, 2], never recommended
    held_out: np.ndarray  #: int32[m, 2], of the users that are ranked for


def check_splits(dataset: Dataset, config: Config) -> None:
    """Refuses data that cannot be trained on or scored as the configuration says.

    Raises:
      DataError: an empty split; that of test may be where it is left alone.
      ConfigError: options that contradict each other.
    """
    if config.eval.selection == "test" and not config.eval.score_test:
        raise ConfigError("selection = 'test' scores the test split; score_test = False forbids it")
    if config.train.num_seeds > 1 and not config.eval.score_test:
        raise ConfigError("num_seeds > 1 always scores the test split; use score_test = True")
    needed = {"train": "trained", "valid": "scored"}
    if config.eval.score_test:
        needed["test"] = "scored"
    for split, of_what in needed.items():
        if not dataset.share.offset_and_total(len(getattr(dataset, split)))[1]:
            alone = ", or leave it alone with --score_test=false" if split == "test" else ""
            raise DataError(
                f"{dataset.name}: the {split} split is empty; nothing can be {of_what}: divide the "
                f"data otherwise (docs/data.md){alone}"
            )


def splits_to_rank(dataset: Dataset, settings: EvalConfig) -> tuple[SplitToRank, SplitToRank]:
    """Validation and test; the ranking of test leaves validation out where that is asked for."""
    seen = dataset.train
    if settings.mask_valid:
        seen = np.concatenate([dataset.train, dataset.valid])
        seen = seen[np.lexsort(seen.T[::-1])]
    valid, test = (
        of_ranked_users(pairs, settings.eval_users, n_users=dataset.n_users, share=dataset.share)
        for pairs in (dataset.valid, dataset.test)
    )
    return SplitToRank(dataset.train, valid), SplitToRank(seen, test)
