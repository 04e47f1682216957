"""A small planted checkerboard that every model can read, and the released programs' figures."""

import json
import os
from pathlib import Path

import jax
import numpy as np
import pytest

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.models.registry import MODELS, is_trained, make_config, options_of
from kdiffe_jax.training.setup import build_setup
from tests.apart import APART

# Primes that differ, so that an array's shape tells what its axes are.
USERS, ITEMS, ENTITIES = 61, 83, 29
TRAINED = [name for name in MODELS if is_trained(name)]
#: for parameters: what is asked of models that are like others takes `make thorough`
EACH = [n if n in APART else pytest.param(n, marks=pytest.mark.thorough) for n in TRAINED]
FITTED = [name for name in MODELS if not is_trained(name)]
SMALL = dict(
    dim=12,
    layers=2,
    batch_size=48,
    learning_rate=0.03,
    epochs=2,
    patience=20,
    negatives="all",
    walk_length=5,
    walks_per_node=2,
    denoiser_width=16,
    timesteps=3,
    clusters=7,
    hyperedges=8,
    warm_up_epochs=1,
    weight_decay=1e-4,
    tails_per_head=0,
    main_graph="given",
    generated_weight=0.0,
)
_BESIDE = Path(__file__).parents[3] / "shared" / "goldens"
RELEASED = Path(os.environ.get("KDIFFE_GOLDENS", _BESIDE))


def checkerboard() -> Dataset:
    """Users take items of their own colour; the last user and the last item have nothing."""
    rng = np.random.default_rng(0)
    parts = {"train": [], "valid": [], "test": []}
    for user in range(USERS - 1):
        own = rng.permutation(np.arange(user % 2, ITEMS - 1, 2))[:10]
        for part, items in zip(parts, np.split(own, [6, 8]), strict=True):
            parts[part] += [(user, item) for item in items]
    items = np.arange(ITEMS)
    of_colour = items % 2 + 2 * rng.integers(ENTITIES // 2, size=(2, ITEMS))
    triples = [np.stack([items, np.full(ITEMS, r), e], axis=1) for r, e in enumerate(of_colour)]
    colour = np.where(items % 2, 1.0, -1.0)[:, None]
    return Dataset(
        name="checkerboard",
        n_users=USERS,
        n_items=ITEMS,
        n_entities=ENTITIES,
        **{part: sorted_unique(np.array(pairs, np.int32)) for part, pairs in parts.items()},
        triples=sorted_unique(np.concatenate(triples).astype(np.int32)),
        relation_names=("word", "label"),
        features={
            "image": (colour + rng.normal(size=(ITEMS, 7))).astype(np.float32),
            "sound": (colour + rng.normal(size=(ITEMS, 5))).astype(np.float32),
        },
    )


def config_of(model: str, **changes):
    """A small configuration; of `SMALL` it takes the options that the model has."""
    known = options_of(model)
    small = {name: value for name, value in SMALL.items() if name in known}
    return make_config({"model": model} | small | changes)


@pytest.fixture(scope="session")
def board():
    return checkerboard()


@pytest.fixture(scope="session")
def setup_of(board, tmp_path_factory):
    """Builds the setup of a small configuration, by default on the checkerboard."""
    cache = tmp_path_factory.mktemp("cache")

    def build(model, dataset=board, **changes):
        return build_setup(
            dataset, config_of(model, **changes), cache_dir=cache, log=lambda line: None
        )

    return build


@pytest.fixture(
    params=[True, pytest.param(False, marks=pytest.mark.thorough)], ids=["float64", "float32"]
)
def wide(request):
    """Whether the floats of the test have 64 bits."""
    with jax.enable_x64(request.param):
        yield request.param


@pytest.fixture
def released():
    """Reads the figures of a released program: (set, name) -> arrays, with "hyper" as a mapping.

    They are no part of the repository; without them the test is skipped.
    """
    if not RELEASED.is_dir():
        pytest.skip("the released programs' figures are not here ($KDIFFE_GOLDENS)")

    def read(which, name):
        with np.load(RELEASED / which / f"{name}.npz", allow_pickle=False) as file:
            found = {key: file[key] for key in file.files}
        return found | {"hyper": json.loads(str(found["hyper"]))}

    return read
