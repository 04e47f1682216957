import pytest

from kdiffe_jax.config import Config
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.training.problem import build_problem

SMALL = dict(
    dim=8,
    batch_size=64,
    denoiser_width=16,
    walk_length=5,
    walks_per_node=2,
    epochs=6,
    patience=3,
    timesteps=3,
)


@pytest.fixture(scope="session")
def planted():
    sizes = PlantedSizes(
        users=60,
        items=48,
        topics=4,
        entities_per_topic=2,
        triples_per_item=4,
        interactions_per_user=8,
    )
    return planted_dataset(sizes)


@pytest.fixture(scope="session")
def make_problem(planted, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")

    def make(dataset=planted, **changes):
        config = Config.from_flat(SMALL | changes)
        return build_problem(dataset, config, cache_dir=cache, say=lambda line: None)

    return make
