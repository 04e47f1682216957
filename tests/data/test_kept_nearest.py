import dataclasses

import numpy as np
import pytest

from kdiffe_jax.data import kept_nearest
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.item_neighbours import nearest_items
from kdiffe_jax.data.kept_nearest import kept_nearest_items
from kdiffe_jax.data.share import Share
from kdiffe_jax.errors import DataError


@pytest.fixture(autouse=True)
def everything_takes_long(monkeypatch):
    monkeypatch.setattr(kept_nearest, "_SECONDS", 0.0)


@pytest.fixture
def dataset(rng):
    pairs = np.argwhere(rng.random((12, 9)) < 0.4).astype(np.int32)
    links = np.argwhere(rng.random((9, 5)) < 0.5).astype(np.int32)
    return Dataset(
        name="tiny",
        n_users=12,
        n_items=9,
        n_entities=5,
        train=pairs,
        valid=pairs[:0],
        test=pairs[:0],
        triples=np.insert(links, 1, 0, axis=1),
        relation_names=("word",),
        features={"image": rng.normal(size=(9, 4)).astype(np.float32)},
    )


@pytest.fixture
def made(monkeypatch):
    """The settings of each call that made nearest items."""
    calls = []

    def counted(dataset, n_nearest, **settings):
        calls.append((n_nearest, *settings.values()))
        return nearest_items(dataset, n_nearest, **settings)

    monkeypatch.setattr(kept_nearest, "nearest_items", counted)
    return calls


def kept(dataset, directory, said=None, n_nearest=2, **settings):
    log = (said if said is not None else []).append
    return kept_nearest_items(dataset, n_nearest, directory=directory, log=log, **settings)


def assert_same(one, other):
    assert one.note == other.note
    for name in ("matrix", "of_cold"):
        here, there = getattr(one, name), getattr(other, name)
        assert here.dtype == there.dtype == np.float32
        np.testing.assert_array_equal(here.toarray(), there.toarray())


@pytest.mark.parametrize("weighed", ["equal", "evidence"])
def test_the_second_call_reads_what_the_first_made(dataset, tmp_path, made, weighed):
    first = kept(dataset, tmp_path, weighed=weighed)
    assert_same(first, nearest_items(dataset, 2, weighed=weighed))
    assert_same(kept(dataset, tmp_path, weighed=weighed), first)
    assert len(made) == 1
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "change", ["n_nearest", "weighed", "each_relation", "features", "modality", "triples", "train",
               "entity_items"],
)  # fmt: skip
def test_other_content_or_another_setting_is_made_anew(dataset, tmp_path, made, change):
    kept(dataset, tmp_path)
    image = dataset.features["image"]
    settings = {"n_nearest": 3, "weighed": "lift", "each_relation": True}
    content = {
        "features": {"image": image + np.eye(9, 4, dtype=np.float32)},
        "modality": {"text": image},
        "triples": dataset.triples[1:],
        "train": dataset.train[1:],
        "entity_items": np.array([-1, -1, 0, -1, -1], np.int32),
    }
    if change in settings:
        kept(dataset, tmp_path, **{change: settings[change]})
    else:
        field = "features" if change == "modality" else change
        kept(dataclasses.replace(dataset, **{field: content[change]}), tmp_path)
    assert len(made) == 2
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", ["empty", "cut", "digit"])
def test_a_damaged_file_is_said_made_again_and_replaced(dataset, tmp_path, made, damage):
    first = kept(dataset, tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    at = len(whole) // 2
    file.write_bytes(
        {"empty": b"", "cut": whole[:at], "digit": whole[:at] + b"\x99" + whole[at + 1 :]}[damage]
    )
    said = []
    assert_same(kept(dataset, tmp_path, said), first)
    assert said == [f"{file}: not readable as nearest items; made again"]
    assert len(made) == 2
    assert file.read_bytes() == whole
    assert_same(kept(dataset, tmp_path, said), first)
    assert len(made) == 2 and len(said) == 1


def test_what_is_made_at_once_is_not_kept(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_nearest, "_SECONDS", 1e9)
    kept(dataset, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_what_takes_some_seconds_is_announced_and_what_is_read_is_not(
    dataset, tmp_path, monkeypatch
):
    monkeypatch.setattr(kept_nearest, "_MANY", 9)
    said = []
    kept(dataset, tmp_path, said)
    links = len(dataset.triples)
    assert said == [f"tiny: looking for nearest items: 9 items by image of 4, {links} triples"]
    kept(dataset, tmp_path, said)
    assert len(said) == 1


def test_of_several_processes_all_read_or_all_make(dataset, tmp_path, made):
    def shared(summed):
        return dataclasses.replace(dataset, share=Share(0, 2, summed=summed))

    without_a_file = shared(lambda counts: counts)
    for times in (1, 2):
        kept(without_a_file, tmp_path)
        assert len(made) == times
    with_the_same = shared(lambda counts: counts + counts[::-1])
    for _ in range(2):
        kept(with_the_same, tmp_path)
        assert len(made) == 3


def test_a_directory_that_cannot_be_written_is_named(dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="choose another --cache_dir"):
        kept(dataset, tmp_path / "file" / "cache")


def test_data_without_content_are_refused_as_without_a_cache(dataset, tmp_path):
    bare = dataclasses.replace(dataset, features={}, triples=np.zeros((0, 3), np.int32))
    with pytest.raises(DataError, match="no features, neighbours or triples"):
        kept(bare, tmp_path)
