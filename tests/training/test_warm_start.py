"""A warm start: known rows are copied, new ones are made, what was trained on is not scored."""

import dataclasses

import jax
import numpy as np
import pytest

from kdiffe_jax.baselines.settings import BaselineSettings
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.errors import ConfigError, DataError, RunError
from kdiffe_jax.storage.parameters import PARAMETERS, read_parameters
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, write_model
from kdiffe_jax.training.fit import Hooks, fit, score_again
from kdiffe_jax.training.resources import Resources
from kdiffe_jax.training.saving import parameters_by_path, saved_model
from kdiffe_jax.training.setup import build_setup
from kdiffe_jax.training.warm_axes import Space, space_of
from kdiffe_jax.training.warm_start import Earlier, check_start, read_earlier, warm_started
from tests.models.conftest import ENTITIES, ITEMS, TRAINED, USERS, checkerboard, config_of
from tests.small_setups import (
    Killed,
    assert_equal,
    assert_same_run,
    killing,
    small_setup,
    train_in,
)

MORE = {"users": 6, "items": 6, "entities": 2, "relations": 1}
FRESH = 7.0


def moved(n, more, seed):
    """Where each of n things stands among n + more."""
    return np.random.default_rng(seed).permutation(n + more)[:n]


#: the later place of every user, item, entity and relation of the checkerboard
PLACES = {
    name: moved(n, MORE[name], seed)
    for seed, (name, n) in enumerate(
        {"users": USERS, "items": ITEMS, "entities": ENTITIES, "relations": 2}.items()
    )
}
NEW = {
    name: np.setdiff1d(np.arange(len(places) + MORE[name]), places)
    for name, places in PLACES.items()
}


def names_of(name, old):
    names = [f"new {number}" for number in range(len(old) + MORE[name])]
    for place, own in zip(PLACES[name], old, strict=True):
        names[place] = own
    return tuple(names)


def later_board():
    """The checkerboard in another order, with new users, items, entities and a new relation."""
    board, rng = checkerboard(), np.random.default_rng(4)
    pairs = {
        split: np.stack([PLACES["users"][rows[:, 0]], PLACES["items"][rows[:, 1]]], axis=1)
        for split, rows in {s: getattr(board, s) for s in ("train", "valid", "test")}.items()
    }
    trained = PLACES["items"][:40]
    more = [(user, item) for user in NEW["users"][1:] for item in rng.choice(trained, 4, False)]
    more += [(NEW["users"][1], item) for item in NEW["items"][:3]]
    items, relations, entities = board.triples.T
    triples = [
        (PLACES["items"][items], PLACES["relations"][relations], PLACES["entities"][entities]),
        (NEW["items"], np.full(6, PLACES["relations"][0]), np.full(6, PLACES["entities"][3])),
        (NEW["items"][:2], np.full(2, NEW["relations"][0]), NEW["entities"]),
    ]
    features = {}
    for name, rows in board.features.items():
        features[name] = rng.normal(size=(ITEMS + 6, rows.shape[1])).astype(np.float32)
        features[name][PLACES["items"]] = rows
    return dataclasses.replace(
        board,
        n_users=USERS + 6,
        n_items=ITEMS + 6,
        n_entities=ENTITIES + 2,
        train=sorted_unique(np.concatenate([pairs["train"], np.array(more)])),
        valid=sorted_unique(pairs["valid"]),
        test=sorted_unique(pairs["test"]),
        triples=sorted_unique(np.concatenate([np.stack(t, axis=1) for t in triples])),
        relation_names=names_of("relations", board.relation_names),
        entity_names=names_of("entities", board.entities_by_name()),
        features=features,
        user_ids=names_of("users", board.users_by_name()),
        item_ids=names_of("items", board.items_by_name()),
    )


def parameters_like(setup, rng=None):
    """The parameters of a setup as one value, or as any numbers."""
    shapes = jax.eval_shape(setup.model.init, jax.random.key(0), setup.inputs)
    draw = (lambda s: np.full(s, FRESH)) if rng is None else (lambda s: rng.normal(size=s))
    return jax.tree.map(lambda leaf: draw(leaf.shape).astype(leaf.dtype), shapes)


def earlier_of(setup, rng):
    """A run of a setup that ended with any numbers."""
    n_users, n_items = setup.dataset.n_users, setup.dataset.n_items
    rows = dict(users=np.zeros((n_users, 1), np.float32), items=np.zeros((n_items, 1), np.float32))
    model = saved_model(setup.dataset, setup.config, {}, **rows, artifacts={})
    return Earlier("runs/old", parameters_by_path(parameters_like(setup, rng)), model, "digest")


@pytest.fixture(scope="module")
def later():
    return later_board()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def build(cache):
    def built(model, dataset, **changes):
        config = config_of(model, **changes)
        return build_setup(dataset, config, cache_dir=cache, log=lambda line: None)

    return built


def warmed(setup, dataset, earlier):
    """Its parameters by path, all fresh ones of one value; and what was logged."""
    told = []
    start = warm_started(setup, dataset, earlier, log=told.append).start
    return parameters_by_path(start(parameters_like(setup))), *told


def assert_known_are_copied(found, earlier):
    """Sizes are primes or unlike: an axis that grew is of the one thing that grew so."""
    grown = {(len(p), len(p) + MORE[name]): p for name, p in PLACES.items()}
    nodes = np.concatenate([PLACES["relations"], PLACES["relations"] + 3])
    grown[(4, 6)] = nodes
    for name, there in earlier.parameters.items():
        sizes = list(zip(there.shape, found[name].shape, strict=True))
        places = [grown.get(ends, np.arange(ends[0])) for ends in sizes]
        assert all(ends in grown or ends[0] == ends[1] for ends in sizes), name
        np.testing.assert_array_equal(found[name][np.ix_(*places)], there, err_msg=name)


@pytest.mark.parametrize("model", TRAINED)
def test_all_that_is_known_is_copied(model, later, build, rng):
    earlier = earlier_of(build(model, checkerboard()), rng)
    found, line = warmed(build(model, later), later, earlier)
    assert found.keys() == earlier.parameters.keys()
    assert_known_are_copied(found, earlier)
    assert line.startswith("warm start from runs/old: 61 of 67 users, 83 of 89 items")
    assert "of 6 new users 5 begin as the mean of their items' users; of 6 new items 6" in line
    users, items = (
        next(table for table in found.values() if len(table) == size) for size in (67, 89)
    )
    assert (users[NEW["users"][0]] == FRESH).all() and (users[NEW["users"][1:]] != FRESH).all()
    assert np.isfinite(items).all()


def in_another_order(board):
    """The same users and items with other numbers, and their places by the number of them."""
    users, items = (np.random.default_rng(n).permutation(n) for n in (USERS, ITEMS))
    pairs = {
        split: sorted_unique(np.stack([users[rows[:, 0]], items[rows[:, 1]]], axis=1))
        for split, rows in {s: getattr(board, s) for s in ("train", "valid", "test")}.items()
    }
    heads, relations, entities = board.triples.T
    names = {"user_ids": (users, board.users_by_name()), "item_ids": (items, board.items_by_name())}
    ids = {n: tuple(np.array(own)[np.argsort(at)].tolist()) for n, (at, own) in names.items()}
    return dataclasses.replace(
        board,
        **pairs,
        **ids,
        triples=sorted_unique(np.stack([items[heads], relations, entities], axis=1)),
        features={name: rows[np.argsort(items)] for name, rows in board.features.items()},
    ), {USERS: users, ITEMS: items}


@pytest.mark.parametrize("model", ["lightgcn", "mgcn", "kdiffe", "diffmm", "hccf", "lattice"])
def test_columns_of_which_there_are_as_many_as_items_stay(model, build, rng):
    board = checkerboard()
    again, places = in_another_order(board)
    narrow = parameters_by_path(parameters_like(build(model, board, dim=10)))
    earlier = earlier_of(build(model, board, dim=ITEMS), rng)
    found, _ = warmed(build(model, again, dim=ITEMS), again, earlier)
    for name, there in earlier.parameters.items():
        axes = [
            places.get(length, np.arange(n))
            for length, n in zip(narrow[name].shape, there.shape, strict=True)
        ]
        np.testing.assert_array_equal(found[name][np.ix_(*axes)], there, err_msg=name)


def test_entity_rows_in_place_of_features_are_matched_by_relation(later, build, rng):
    old, new = (dataclasses.replace(data, features={}) for data in (checkerboard(), later))
    new = dataclasses.replace(new, triples=new.triples[new.triples[:, 1] != NEW["relations"]])
    earlier = earlier_of(build("bm3", old), rng)
    found, _ = warmed(build("bm3", new), new, earlier)
    names = [name.removesuffix("/kernel") for name in found if name.startswith("map_")]
    assert {"map_word", "map_label"} <= set(names)
    for relation, there in enumerate(old.relation_names):
        used = np.unique(old.triples[old.triples[:, 1] == relation, 2])
        now = new.triples[new.triples[:, 1] == new.relation_names.index(there), 2]
        places = np.searchsorted(np.unique(now), PLACES["entities"][used])
        kernel = f"map_{there}/kernel"
        np.testing.assert_array_equal(found[kernel][places], earlier.parameters[kernel])


def test_new_users_have_the_mean_of_their_items_users(later, build, rng):
    earlier = earlier_of(build("lightgcn", checkerboard()), rng)
    users = warmed(build("lightgcn", later), later, earlier)[0]["users"]
    known = set(PLACES["users"].tolist())
    for user in NEW["users"][1:]:
        means = []
        for item in later.train[later.train[:, 0] == user, 1]:
            others = [u for u in later.train[later.train[:, 1] == item, 0] if u in known]
            means += [users[others].mean(axis=0)] if others else []
        np.testing.assert_allclose(users[user], np.mean(means, axis=0), rtol=1e-5)


def test_a_new_item_has_the_mean_of_its_nearest_known_items(later, build, rng):
    """Two neighbours of one degree, and one that is new itself and has nothing to give."""
    first, second = NEW["items"][:2]
    near = [(first, 0, 0), (first, 0, 1), (first, 0, 2)]
    content = dict(features={}, relation_names=("near",), entity_names=("a", "b", "c"))
    entity_items = np.array([*PLACES["items"][:2], second], np.int32)
    later = dataclasses.replace(
        later, n_entities=3, triples=np.array(near, np.int32), entity_items=entity_items, **content
    )
    earlier = earlier_of(build("lightgcn", checkerboard()), rng)
    items = warmed(build("lightgcn", later), later, earlier)[0]["items"]
    expected = earlier.parameters["items"][:2].mean(axis=0)
    np.testing.assert_allclose(items[first], expected, rtol=1e-5)
    assert (items[NEW["items"][1:]] == FRESH).all()


def test_without_content_new_items_begin_as_drawn(later, build, rng):
    bare = dataclasses.replace(later, features={}, triples=later.triples[:0])
    earlier = earlier_of(build("lightgcn", checkerboard()), rng)
    found, line = warmed(build("lightgcn", bare), bare, earlier)
    assert (found["items"][NEW["items"]] == FRESH).all() and "of 6 new items 0" in line


def test_tables_of_features_keep_the_content_of_new_items(later, build, rng):
    earlier = earlier_of(build("freedom", checkerboard()), rng)
    found, _ = warmed(build("freedom", later), later, earlier)
    assert (found["features_image"][NEW["items"]] == FRESH).all()


def refusal(act, *arguments, error=ConfigError) -> str:
    with pytest.raises(error) as caught:
        act(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_another_shape_names_the_parameter_and_the_option(later, build, rng):
    earlier = earlier_of(build("lightgcn", checkerboard(), dim=8), rng)
    said = refusal(warmed, build("lightgcn", later), later, earlier)
    assert "the parameter items is (83, 8) in runs/old and (89, 12) here" in said
    assert said.endswith("options that differ: dim (8 there, 12 here)")
    earlier = earlier_of(build("bm3", checkerboard()), rng)
    fewer = dataclasses.replace(later, features={"image": later.features["image"]})
    said = refusal(warmed, build("bm3", fewer), fewer, earlier)
    assert "runs/old has a parameter features_sound, unlike this training" in said


def test_another_model_or_a_fitted_one_is_refused(later, build, rng):
    earlier = earlier_of(build("lightgcn", checkerboard()), rng)
    said = refusal(check_start, earlier, later, config_of("sgl"))
    assert "runs/old is a run of lightgcn, this one is of sgl" in said
    said = refusal(check_start, earlier, later, config_of("most_popular"))
    assert "most_popular is fitted, not trained; leave --warm_start out" in said


def test_scores_of_what_was_trained_on_are_refused(later, build, rng):
    earlier = earlier_of(build("lightgcn", checkerboard()), rng)
    check_start(earlier, later, config_of("lightgcn"))
    known = later.train[np.isin(later.train[:, 0], PLACES["users"][:3])][:4]
    moved = dataclasses.replace(
        later,
        train=later.train[~(later.train[:, None] == known).all(axis=2).any(axis=1)],
        test=sorted_unique(np.concatenate([later.test, known])),
    )
    said = refusal(check_start, earlier, moved, config_of("lightgcn"), error=DataError)
    assert f"4 of {len(later.valid) + len(moved.test)} validation and test interactions" in said
    assert "prepare the new data with --earlier=DIR" in said


def test_the_path_decides_what_an_axis_is_of():
    users, items = (
        Space(("user",), 3, np.array([2, 1, 0])),
        Space(("item",), 3, np.array([0, -1, 1])),
    )
    spaces = (users, items, users.beside(items))
    assert space_of("encoder/item_embedding", 3, 3, spaces) is items
    assert space_of("items/users/kernel", 3, 3, spaces) is users
    assert space_of("table", 3, 3, spaces) is users, "all of its ids are known"
    assert space_of("table", 6, 6, spaces) is spaces[2]
    assert spaces[2].places.tolist() == [2, 1, 0, 3, -1, 4]
    assert space_of("items", 4, 4, spaces) is None
    assert space_of("users", 6, 6, (users, items)) is None
    for lengths in ((4, 5), (3, 4)):
        assert "no users, items, entities or relations" in refusal(
            space_of, "users", *lengths, spaces
        )
    both = (items, Space(("user",), 3, np.array([-1, 2, 0])))
    assert "an axis of 3 may be of item or user" in refusal(space_of, "table", 3, 3, both)


@pytest.fixture(scope="module")
def warm_setup():
    """LightGCN on small planted data, begun from numbers that are not those of its seed."""
    setup = small_setup("lightgcn")
    earlier = earlier_of(setup, np.random.default_rng(3))
    return warm_started(setup, setup.dataset, earlier, log=lambda line: None)


@pytest.fixture(scope="module")
def unbroken(warm_setup, tmp_path_factory):
    return train_in(warm_setup, tmp_path_factory.mktemp("unbroken"))[0]


def test_a_killed_warm_start_goes_on_bit_for_bit(warm_setup, unbroken, tmp_path):
    with pytest.raises(Killed):
        train_in(warm_setup, tmp_path, on_epoch=killing(1))
    told = []
    continued, _ = train_in(warm_setup, tmp_path, log=told.append)
    assert told == ["resuming after epoch 1"]
    assert_same_run(continued, unbroken)


def test_killed_before_the_first_checkpoint_it_begins_warm_again(
    warm_setup, unbroken, tmp_path, monkeypatch
):
    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("kdiffe_jax.training.checkpoints.Checkpoints.save", killed)
        train_in(warm_setup, tmp_path)
    continued, _ = train_in(warm_setup, tmp_path)
    assert_same_run(continued, unbroken)
    cold, _ = train_in(small_setup("lightgcn"), tmp_path / "cold")
    assert cold.history[0]["bpr"] != continued.history[0]["bpr"]


def run_in(path, dataset, config, **more):
    resources = Resources(path / "cache", baselines=BaselineSettings("most_popular"))
    with RunDirectory(path / "run").claim(config.to_flat()) as run:
        return fit(dataset, config, run, resources, **more), run, resources


def test_a_run_leaves_what_another_begins_from(tmp_path):
    setup = small_setup("lightgcn", learning_rate=0.05)
    _, run, resources = run_in(tmp_path / "first", setup.dataset, setup.config)
    best, _ = train_in(setup, tmp_path / "alone")
    content = (run.path / PARAMETERS).read_bytes()
    assert_equal(read_parameters(run.path), parameters_by_path(best.params))
    with run.claim(setup.config.to_flat()):
        score_again(setup.dataset, setup.config, run, resources, log=lambda line: None)
    assert (run.path / PARAMETERS).read_bytes() == content
    told, seen = [], []
    config = small_setup("lightgcn", learning_rate=0.05, epochs=1, num_seeds=2).config
    hooks = Hooks(log=told.append, on_epoch=seen.append)
    earlier = read_earlier(run.path)
    run_in(tmp_path / "second", setup.dataset, config, earlier=earlier, hooks=hooks)
    assert [line for line in told if "60 of 60 users, 48 of 48 items are known" in line]
    first = best.history[0]["valid"]["recall@20"]
    assert len(seen) == 2 and all(record["valid"]["recall@20"] > first for record in seen)


def test_of_several_seeds_the_best_is_left(tmp_path):
    config = small_setup("lightgcn", epochs=2, num_seeds=2).config
    _, run, _ = run_in(tmp_path, small_setup("lightgcn").dataset, config)
    singles = [
        train_in(small_setup("lightgcn", epochs=2, seed=s), tmp_path / f"{s}") for s in (0, 1)
    ]
    best = max(singles, key=lambda one: max(r["valid"]["recall@20"] for r in one[0].history))
    assert_equal(read_parameters(run.path), parameters_by_path(best[0].params))


def test_a_fitted_run_has_nothing_to_start_from(build, rng, tmp_path):
    earlier = earlier_of(build("lightgcn", checkerboard()), rng)
    write_model(earlier.model, tmp_path / MODEL)
    (tmp_path / "result.json").write_text("{}")
    said = refusal(read_earlier, tmp_path, error=RunError)
    assert f"has no {PARAMETERS}" in said and "--mode=evaluate" in said
    fitted = {**earlier.model.about, "config": {"model": "ease"}}
    write_model(earlier.model._replace(about=fitted), tmp_path / MODEL)
    assert "ease is fitted, not trained" in refusal(read_earlier, tmp_path)
