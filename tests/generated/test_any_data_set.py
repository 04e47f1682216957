"""Any valid data set, in any layout: it is read as it is, and a step on it is finite.

`EXAMPLES=5000 python -m pytest -n 0 tests/generated` tries more, and others each time.
"""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdiffe_jax.data.prepare import prepare
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.data.sources import layout_of, read_source
from tests.generated.conftest import examples
from tests.generated.layouts import LAYOUTS, NAME, dataset_of
from tests.generated.one_step import fitted, not_finite, setup_of
from tests.generated.shops import Sizes, any_sizes, content_of, content_read, shops

pytest.importorskip("pyarrow")

AS_GIVEN = PrepareConfig.from_flat(
    {"kg_source": "triples", "min_entity_items": 1, "max_entity_share": 1.0}
)
TRIPLES = 12
FIXED = st.sampled_from([Sizes(6, 8, 16, 4, 5, triples) for triples in (0, TRIPLES)])


@pytest.mark.parametrize("layout", LAYOUTS)
@examples(40)
@given(shop=shops(any_sizes()))
def test_is_read_as_it_is(layout, shop):
    kind, write = LAYOUTS[layout]
    with tempfile.TemporaryDirectory() as directory:
        expected = content_of(write(shop, Path(directory)))
        assert layout_of(Path(directory)) == kind
        _, catalogue = read_source(directory, kind, name=NAME)
    assert content_read(catalogue) == expected


@examples(15)
@given(layout=st.sampled_from(sorted(LAYOUTS)), shop=shops(FIXED))
def test_trains_a_step_with_finite_losses(layout, shop):
    kind, write = LAYOUTS[layout]
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        write(shop, place)
        if kind in ("kdiffe", "prepared"):
            dataset = read_dataset(place, name=NAME)
        else:
            dataset = prepare(read_source(place, kind, name=NAME)[1], AS_GIVEN)
        dataset = fitted(dataset, users=6, items=8, entities=TRIPLES, relations=3)
        setup = setup_of(dataset, place / "cache", TRIPLES)
    assert not not_finite(setup)


@pytest.mark.thorough
@examples(3)
@given(shop=shops(st.just(Sizes(5, 6, 9, 3, 3, 0))))
def test_trains_a_step_on_codes_of_its_features(shop, tmp_path_factory):
    """Where there are no features, without a knowledge graph."""
    choices = dict(kg_source="auto", codebook_size=2, codebook_groups=1, codes_per_item=1)
    setup = setup_of(dataset_of(shop), tmp_path_factory.mktemp("cache"), 2, **choices)
    assert not not_finite(setup)
