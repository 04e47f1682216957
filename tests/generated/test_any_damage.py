"""Any change of any file of any data set: the same meaning, another data set, or one line."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kdiffe_jax.data.prepare import prepare
from kdiffe_jax.data.sources import read_source
from kdiffe_jax.errors import KDiffEError
from tests.generated.conftest import examples
from tests.generated.damages import ANY, neutral
from tests.generated.layouts import LAYOUTS, NAME
from tests.generated.shops import any_sizes, content_read, shops
from tests.generated.test_any_data_set import AS_GIVEN

pytest.importorskip("pyarrow")

SEEDS = st.integers(0, 2**32 - 1)


def files_of(place: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in place.iterdir()}


def check_line(error: KDiffEError, *begins: str) -> None:
    """One line that says where."""
    message = str(error)
    assert message.isprintable() and len(message) < 1000, message
    assert message.startswith(begins), message


@pytest.mark.parametrize("layout", LAYOUTS)
@examples(40)
@given(shop=shops(any_sizes()), seed=SEEDS, choice=st.data())
def test_what_means_nothing_changes_nothing(layout, shop, seed, choice):
    kind, write = LAYOUTS[layout]
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        write(shop, place)
        whole = content_read(read_source(place, kind, name=NAME)[1])
        changes = {
            f"{file.name}: {what}": (file, change)
            for file in sorted(place.iterdir())
            for what, change in neutral(file, kind).items()
        }
        assume(changes)
        file, change = changes[choice.draw(st.sampled_from(sorted(changes)))]
        file.write_bytes(change(file.read_bytes(), np.random.default_rng(seed)))
        assert content_read(read_source(place, kind, name=NAME)[1]) == whole


@pytest.mark.parametrize("layout", LAYOUTS)
@examples(60)
@given(shop=shops(any_sizes()), seed=SEEDS, choice=st.data())
def test_any_other_change_is_another_data_set_or_one_line(layout, shop, seed, choice):
    kind, write = LAYOUTS[layout]
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        write(shop, place)
        file = choice.draw(st.sampled_from(sorted(f.name for f in place.iterdir())))
        damage = ANY[choice.draw(st.sampled_from(sorted(ANY)))]
        content = damage((place / file).read_bytes(), np.random.default_rng(seed))
        (place / file).write_bytes(content)
        before = files_of(place)
        try:
            catalogue = read_source(place, kind, name=NAME)[1]
            prepare(catalogue, AS_GIVEN)
        except KDiffEError as error:
            check_line(error, str(place), f"{NAME}:", f"{NAME},")
        assert files_of(place) == before
