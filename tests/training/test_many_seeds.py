"""Every member of a run of many seeds is the single run of its seed."""

import json
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kdiffe_jax.training.members import compile_members, rank_members, train_epoch
from kdiffe_jax.training.members_result import finish_members, rescore_members

from kdiffe_jax.errors import ConfigError, NonFiniteLossError
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import read_model
from kdiffe_jax.training import many_seeds
from kdiffe_jax.training.epoch import compile_parts, traced_of
from kdiffe_jax.training.loop import train
from kdiffe_jax.training.many_seeds import load_members, train_members
from kdiffe_jax.training.result import finish

SEEDS = range(9, 12)
LONG = dict(epochs=12, patience=2, batch_size=128, timesteps=2)
ONE_AFTER_ANOTHER, SIDE_BY_SIDE = 1, len(SEEDS)


class Killed(BaseException):
    """Stands for a signal: nothing in the loop catches it."""


def silent(_):
    return None


def run_of(path):
    return RunDirectory(path).claim({"seed": 0})


@pytest.fixture(scope="module")
def setup(make_problem):
    return make_problem(**LONG, seed=SEEDS[0], num_seeds=len(SEEDS))


@pytest.fixture(scope="module")
def compiled(setup):
    """One for all tests, so that each is traced once."""
    ways = (ONE_AFTER_ANOTHER, SIDE_BY_SIDE)
    return {at_once: compile_members(setup.parts, at_once=at_once) for at_once in ways}


@pytest.fixture(scope="module")
def unbroken(setup, compiled, tmp_path_factory):
    return train_many(setup, tmp_path_factory.mktemp("unbroken"), compiled[ONE_AFTER_ANOTHER])


def train_many(setup, path, compiled, *, on_epoch=silent, log=silent):
    with run_of(path) as run:
        return train_members(setup, run, on_epoch=on_epoch, log=log, compiled=compiled), run


def without_seconds(history):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history]


def assert_close(first, second, **tolerance):
    """The same names, and figures that agree."""
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), first, second)


def assert_same(first, second):
    for ours, theirs in zip(first.models, second.models, strict=True):
        jax.tree.map(np.testing.assert_array_equal, ours.params, theirs.params)
    assert without_seconds(first.history) == without_seconds(second.history)


def test_every_member_equals_the_single_run_of_its_seed(
    setup, compiled, unbroken, make_problem, tmp_path
):
    side_by_side = train_many(setup, tmp_path / "together", compiled[SIDE_BY_SIDE])
    found = [
        (trained.models, finish_members(setup, trained, run)["members"])
        for trained, run in (unbroken, side_by_side)
    ]
    epochs = set()
    for place, seed in enumerate(SEEDS):
        alone = make_problem(**LONG, seed=seed)
        with run_of(tmp_path / str(seed)) as run:
            single = train(alone, run, on_epoch=silent, log=silent)
            result = finish(alone, single, run)
        epochs.add(len(single.history))
        for models, members in found:
            member, scores = models[place], members[place]
            assert (member.best_epoch, scores["seed"]) == (single.best_epoch, seed)
            own = [{k: v for k, v in record.items() if k != "seed"} for record in member.history]
            assert_close(own, without_seconds(single.history), rtol=2e-4, atol=1e-7)
            assert_close(member.params, single.params, rtol=5e-3, atol=5e-5)
            for key in ("best_epoch", "epochs", "valid", "test", "beyond_accuracy", "planted"):
                assert_close(scores[key], result[key], rtol=1e-6)
    assert len(epochs) > 1, "all seeds stopped at the same epoch; choose others"


def test_a_run_killed_twice_continues_bit_for_bit(setup, compiled, unbroken, tmp_path):
    def kill(record):
        if record["epoch"] in (0, 5):
            raise Killed

    said = []
    for _ in range(2):
        with pytest.raises(Killed):
            train_many(setup, tmp_path, compiled[1], on_epoch=kill, log=said.append)
    continued, run = train_many(setup, tmp_path, compiled[1], log=said.append)
    assert said == ["resuming after epoch 0", "resuming after epoch 5"]
    assert_same(unbroken[0], continued)
    assert_same(unbroken[0], load_members(setup, run, log=silent))
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    trained = [[member["seed"] for member in record["members"]] for record in lines]
    assert trained[0] == list(SEEDS)
    assert len(trained[5]) < len(SEEDS), "no seed stopped before it was killed; choose others"


@pytest.mark.parametrize("at_once", [ONE_AFTER_ANOTHER, SIDE_BY_SIDE])
def test_a_stopped_member_does_not_change(setup, compiled, at_once):
    members = many_seeds._fresh(setup, compile_parts(setup.parts))
    before = jax.device_get(members.state.params)
    kept = jax.device_get(members.kept)
    running = np.array([True, False, True])
    running = np.array([True, False, True])
    state, _ = compiled[at_once].train(*to_train(setup, members, running))
    for old, new in zip(jax.tree.leaves(before), jax.tree.leaves(state.params), strict=True):
        assert np.array_equal(old[1], new[1])
        assert (old[0] != new[0]).any() and (old[2] != new[2]).any()
    assert state.step.tolist() == [setup.sampler.steps, 0, setup.sampler.steps]
    rebuilt, metrics = compiled[at_once].rank(*to_rank(setup, state, members.kept, running))
    assert np.array_equal(kept.scores[1], rebuilt.scores[1])
    assert (kept.scores[0] != rebuilt.scores[0]).any()
    assert not metrics["valid"]["recall@20"][1].any()


def to_train(setup, members, running):
    batches, traced = many_seeds._batches(setup, 0), traced_of(setup.parts)
    return members.state, members.kept, jnp.asarray(running), batches, setup.graphs, traced


def to_rank(setup, state, kept, running):
    tasks = {"valid": setup.valid}
    return state, kept, jnp.asarray(running), setup.graphs, tasks, jnp.int32(1)


def test_no_array_has_members_and_users_and_items(setup):
    """The scores of all members, the largest thing that could be made, never are."""
    members, running = many_seeds._fresh(setup, compile_parts(setup.parts)), np.ones(3, bool)
    train = partial(train_epoch, setup.parts, SIDE_BY_SIDE)
    traced = [
        jax.make_jaxpr(train)(*to_train(setup, members, running)),
        jax.make_jaxpr(partial(rank_members, setup.parts))(
            *to_rank(setup, members.state, members.kept, running)
        ),
    ]
    users, items = len(setup.valid.users), setup.dataset.n_items
    shapes = {shape for program in traced for shape in shapes_in(program.jaxpr)}
    assert (users, items) in shapes
    assert not [s for s in shapes if len(SEEDS) in s and users in s and items in s]


def shapes_in(jaxpr):
    for equation in jaxpr.eqns:
        yield from (tuple(getattr(out.aval, "shape", ())) for out in equation.outvars)
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=is_jaxpr):
            if is_jaxpr(inner):
                yield from shapes_in(getattr(inner, "jaxpr", inner))


def is_jaxpr(value):
    return hasattr(value, "eqns")


def test_result_has_members_and_their_spread(setup, unbroken):
    trained, run = unbroken
    result = finish_members(setup, trained, run)
    assert json.loads((run.path / "result.json").read_text()) == json.loads(json.dumps(result))
    again = rescore_members(setup, run, log=silent)
    assert again.pop("baselines").keys() == result["baselines"].keys()
    assert again == {name: value for name, value in result.items() if name != "baselines"}
    members = result["members"]
    assert [member["seed"] for member in members] == list(SEEDS)
    assert [member["epochs"] for member in members] == [len(m.history) for m in trained.models]
    for split in ("valid", "test"):
        values = np.array([member[split]["recall@20"] for member in members])
        spread = result["over_seeds"][split]["recall@20"]
        assert result[split]["recall@20"] == spread["mean"] == pytest.approx(values.mean())
        assert spread["standard_error"] == pytest.approx(values.std(ddof=1) / np.sqrt(3))
        low, high = spread["interval_95"]
        assert (low + high) / 2 == pytest.approx(values.mean())
    best = max(trained.models, key=lambda m: m.history[m.best_epoch]["valid"]["recall@20"])
    saved = read_model(run.path)
    assert np.array_equal(saved.items, best.view.items)
    assert saved.about["config"]["seed"] == best.history[0]["seed"]
    with np.load(run.path / "test_per_user.npz") as per_user:
        assert per_user["seeds"].tolist() == list(SEEDS)
        assert per_user["recall@20"].shape == (len(SEEDS), len(per_user["users"]))
        means = [member["test"]["recall@20"] for member in members]
        np.testing.assert_allclose(per_user["recall@20"].mean(axis=1), means)


def test_a_loss_that_is_not_finite_names_the_seed_and_keeps_the_checkpoint(
    setup, compiled, tmp_path
):
    def kill(record):
        raise Killed

    with pytest.raises(Killed):
        train_many(setup, tmp_path, compiled[1], on_epoch=kill)
    to_users = setup.graphs.laplacian.to_users
    broken = to_users._replace(values=to_users.values.at[0].set(np.nan))
    graphs = setup.graphs._replace(laplacian=setup.graphs.laplacian._replace(to_users=broken))
    with pytest.raises(NonFiniteLossError, match="epoch 1 of seed 9, step 0"):
        train_many(setup._replace(graphs=graphs), tmp_path, compiled[1])
    kept = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert "0" in kept and "1" not in kept


def test_the_last_seed_has_a_limit(make_problem):
    with pytest.raises(ConfigError, match="last seed, 4294967296"):
        make_problem(seed=2**32 - 2, num_seeds=3)
