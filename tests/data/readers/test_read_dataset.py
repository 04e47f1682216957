"""A data set that is not there: those that are, the closest one first."""

import pytest

from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.errors import DataError


@pytest.fixture
def datasets(tmp_path):
    for name in ("shop", "books"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "dataset.json").write_text("{}")
    (tmp_path / "shoppe").mkdir()
    return tmp_path


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        read_dataset(path, name=path.name)
    return str(caught.value)


def test_the_closest_data_set_is_offered(datasets):
    message = refusal(datasets / "shopp")
    assert "shopp: there is no such directory; did you mean shop?; prepare your own" in message
    assert "pkl" not in message


def test_what_there_is_is_listed_where_none_is_close(datasets):
    assert f"; {datasets} has books, shop; prepare" in refusal(datasets / "zzz")


@pytest.mark.parametrize("name", ("shop/absent", "absent/shop"))
def test_nothing_is_offered_where_nothing_is(datasets, name):
    assert "no such directory; prepare your own files" in refusal(datasets / name)


def test_a_public_data_set_is_fetched(tmp_path):
    assert "--download=tiktok" in refusal(tmp_path / "tiktok")
