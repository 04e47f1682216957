"""Which `.inter` files of a directory are read, and what several of them are told apart by."""

import pytest

from kdiffe_jax.data.readers.recbole import read_recbole
from kdiffe_jax.errors import DataError


@pytest.fixture
def divided(tmp_path):
    for split, row in (("train", "a\tx"), ("valid", "a\ty"), ("test", "b\tx")):
        write(tmp_path / f"ml.{split}.inter", row)
    return tmp_path


def write(file, row):
    file.write_text(f"user_id:token\titem_id:token\n{row}\n")


def refusal(path, name) -> str:
    with pytest.raises(DataError) as caught:
        read_recbole(path, name=name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_only_split_may_have_another_name(divided):
    assert read_recbole(divided, name="out").interactions.split.tolist() == [0, 1, 2]
    write(divided / "ml.inter", "a\tz")
    catalogue = read_recbole(divided, name="out")
    assert catalogue.item_ids == ("x", "y")
    assert "ml.inter is not read: the files of its split are" in catalogue.notes


def test_one_of_several_is_chosen_by_name(divided):
    write(divided / "shop.inter", "a\tz")
    assert read_recbole(divided, name="ml").item_ids == ("x", "y")
    assert read_recbole(divided, name="shop").item_ids == ("z",)
    message = refusal(divided, "out")
    assert "out.inter: no such file; the directory holds ml.test.inter, ml.train.inter" in message
    assert message.endswith("shop.inter; choose one, as by --name=ml")


def test_a_part_that_is_missing_is_named(divided):
    (divided / "ml.train.inter").unlink()
    for name in ("ml", "out"):
        assert "ml.train.inter: no such file" in refusal(divided, name)
