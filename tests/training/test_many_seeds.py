"""Several seeds are as many single runs, one after another over one compiled program."""

import json

import jax
import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.storage.saved_model import read_model
from kdiffe_jax.training.many_seeds import train_seeds
from kdiffe_jax.training.result import finish, rescore
from tests.small_setups import (
    Killed,
    assert_same_run,
    claimed,
    silent,
    small_setup,
    train_in,
    without_seconds,
)

SEEDS = range(9, 12)
LONG = dict(model="lightgcn", epochs=30, patience=2, learning_rate=0.05)


@pytest.fixture(scope="module")
def setup():
    return small_setup(**LONG, seed=SEEDS[0], num_seeds=len(SEEDS))


def train_all(setup, path, *, on_epoch=silent, log=silent):
    with claimed(path) as run:
        return train_seeds(setup, run, on_epoch=on_epoch, log=log), run


@pytest.fixture(scope="module")
def unbroken(setup, tmp_path_factory):
    return train_all(setup, tmp_path_factory.mktemp("unbroken"))


def test_every_seed_is_its_single_run_bit_for_bit(unbroken, tmp_path):
    for seed, trained in zip(SEEDS, unbroken[0], strict=True):
        single, _ = train_in(small_setup(**LONG, seed=seed), tmp_path / str(seed))
        assert_same_run(trained, single)


def test_all_share_one_compilation(setup, tmp_path, count_compilations):
    compiled_by = {}
    with count_compilations() as seen:
        train_all(setup, tmp_path, on_epoch=lambda r: compiled_by.update({r["seed"]: len(seen)}))
    assert compiled_by[SEEDS[0]] > 0
    assert compiled_by[SEEDS[1]] == compiled_by[SEEDS[2]] == len(seen)


def test_killed_in_the_second_seed_it_continues_there_bit_for_bit(setup, unbroken, tmp_path):
    def kill(record):
        if (record["seed"], record["epoch"]) == (SEEDS[1], 1):
            raise Killed

    with pytest.raises(Killed):
        train_all(setup, tmp_path, on_epoch=kill)
    assert not (tmp_path / "metrics.jsonl").exists() and not (tmp_path / "seed11").exists()
    seen, told = [], []
    continued, run = train_all(setup, tmp_path, on_epoch=seen.append, log=told.append)
    last = len(unbroken[0][0].history) - 1
    assert told == [f"resuming after epoch {last}", "resuming after epoch 1"]
    assert [record["seed"] for record in seen[:1]] == [SEEDS[1]] and seen[0]["epoch"] == 2
    for ours, theirs in zip(continued, unbroken[0], strict=True):
        assert_same_run(ours, theirs)


def test_the_history_of_all_is_merged_by_epoch(unbroken):
    models, run = unbroken
    records = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    lengths = [len(model.history) for model in models]
    assert len(records) == max(lengths) and len(set(lengths)) > 1, "choose other seeds"
    for epoch, record in enumerate(records):
        assert (
            record.keys() == {"epoch", "seconds", "cpu_seconds", "seeds"}
            and record["epoch"] == epoch
        )
        trained = [seed for seed, length in zip(SEEDS, lengths, strict=True) if epoch < length]
        assert [own["seed"] for own in record["seeds"]] == trained
    (own,) = without_seconds([models[1].history[1]])
    merged = records[1]["seeds"][1]
    assert merged | {"epoch": 1} == own | {"seed": SEEDS[1]}


def test_result_has_seeds_and_their_spread(setup, unbroken):
    models, run = unbroken
    result = finish(setup, models, run)
    assert json.loads((run.path / "result.json").read_text()) == json.loads(json.dumps(result))
    again = rescore(setup, run, log=silent)
    assert again.pop("baselines").keys() == result["baselines"].keys()
    assert again == {name: value for name, value in result.items() if name != "baselines"}
    assert [own["seed"] for own in result["seeds"]] == list(SEEDS)
    assert [own["epochs"] for own in result["seeds"]] == [len(m.history) for m in models]
    assert [own["best_epoch"] for own in result["seeds"]] == [m.best_epoch for m in models]
    for split in ("valid", "test"):
        values = np.array([own[split]["recall@20"] for own in result["seeds"]])
        spread = result["over_seeds"][split]["recall@20"]
        assert result[split]["recall@20"] == spread["mean"] == pytest.approx(values.mean())
        assert spread["standard_error"] == pytest.approx(values.std(ddof=1) / np.sqrt(3))
        low, high = spread["interval_95"]
        assert (low + high) / 2 == pytest.approx(values.mean())


def test_the_best_seed_is_saved_and_every_users_scores(setup, unbroken):
    models, run = unbroken
    result = finish(setup, models, run)
    scores = [model.history[model.best_epoch]["valid"]["recall@20"] for model in models]
    best, saved = int(np.argmax(scores)), read_model(run.path)
    assert np.array_equal(saved.items, models[best].view.items)
    assert saved.about["config"]["seed"] == SEEDS[best]
    with np.load(run.path / "test_per_user.npz") as per_user:
        assert per_user["seeds"].tolist() == list(SEEDS)
        assert per_user["recall@20"].shape == (len(SEEDS), len(per_user["users"]))
        means = [own["test"]["recall@20"] for own in result["seeds"]]
        np.testing.assert_allclose(per_user["recall@20"].mean(axis=1), means)


def test_what_a_seed_finds_is_drawn_as_in_its_single_run(setup, unbroken, tmp_path, monkeypatch):
    models, run = unbroken
    kind = type(setup.model)

    def drawn(key):
        return {"auc": float(jax.random.uniform(key))}

    monkeypatch.setattr(kind, "findings", lambda *args: {"denoiser": drawn(args[5])})
    monkeypatch.setattr(kind, "found_truth", lambda *args: drawn(args[4]))
    of_seeds = finish(setup, models, run)["seeds"]
    assert len({own["denoiser"]["auc"] for own in of_seeds}) == len(SEEDS)
    for seed, model, own in zip(SEEDS, models, of_seeds, strict=True):
        with claimed(tmp_path / str(seed)) as of_one:
            single = finish(small_setup(**LONG, seed=seed), [model], of_one)
        assert (own["denoiser"], own["planted"]) == (single["denoiser"], single["planted"])


def test_the_last_seed_has_a_limit():
    with pytest.raises(ConfigError, match="last seed, 4294967296"):
        make_config({"seed": 2**32 - 2, "num_seeds": 3})
