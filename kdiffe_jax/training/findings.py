"""What a trained model says of itself, beside what it scores."""

from __future__ import annotations

from typing import Any

import jax

from kdiffe_jax.training.epoch import truth_key
from kdiffe_jax.training.loop import Trained
from kdiffe_jax.training.setup import TrainSetup
from kdiffe_jax.training.step import run_key


def findings_of(setup: TrainSetup, trained: Trained) -> dict[str, Any]:
    """`Model.findings` of a model that was trained with the setup's seed."""
    return setup.model.findings(
        trained.params,
        setup.inputs,
        trained.carry,
        setup.traced(),
        _key(setup),
        setup.dataset.triples,
    )


def planted_truth(setup: TrainSetup, trained: Trained) -> dict[str, Any]:
    """What such a model found of a planted truth, where the data have one and the model looks."""
    truth = setup.dataset.relevant
    if truth is None:
        return {}
    found = setup.model.found_truth(
        trained.params, setup.inputs, trained.carry, _key(setup), setup.dataset.triples, truth
    )
    return {"planted": found} if found else {}


def _key(setup: TrainSetup) -> jax.Array:
    return truth_key(run_key(setup.config.train.seed))
