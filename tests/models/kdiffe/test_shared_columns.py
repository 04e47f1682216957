"""Training where entities share columns of the denoiser: what it holds, and what it leaves."""

import jax
import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.epoch import compile_parts
from kdiffe_jax.training.loop import fresh_start, train
from kdiffe_jax.training.result import finish, rescore

COLUMNS = 6


def silent(_):
    pass


def shapes(setup):
    state = fresh_start(setup, compile_parts(setup.parts)).state
    return [leaf.shape for leaf in jax.tree.leaves((state.params, state.opt_state))]


def test_no_array_of_the_denoiser_is_as_wide_as_the_vocabulary(make_problem, planted):
    whole, shared = (shapes(make_problem(denoiser_columns=c)) for c in (0, COLUMNS))
    as_wide = sum(planted.n_entities in shape for shape in whole)
    of_encoder = 3  # the entities' embeddings and their moments
    assert as_wide > of_encoder
    assert sum(planted.n_entities in shape for shape in shared) == of_encoder
    assert sum(COLUMNS in shape for shape in shared) == as_wide - of_encoder


def test_as_many_columns_as_entities_are_the_model_without_sharing(make_problem, planted):
    for columns in (planted.n_entities, 10 * planted.n_entities):
        kept = [
            fresh_start(setup, compile_parts(setup.parts))
            for setup in (make_problem(), make_problem(denoiser_columns=columns))
        ]
        for ours, theirs in zip(*map(jax.tree.leaves, kept), strict=True):
            if not jax.dtypes.issubdtype(ours.dtype, jax.dtypes.prng_key):
                np.testing.assert_array_equal(ours, theirs)


def test_a_run_with_shared_columns_continues_is_scored_again_and_used(make_problem, tmp_path):
    settings = dict(denoiser_columns=COLUMNS, patience=4)
    for epochs in (2, 4):
        setup = make_problem(**settings, epochs=epochs)
        with RunDirectory(tmp_path / "run").claim({}) as run:
            trained = train(setup, run, on_epoch=silent, log=silent)
    with RunDirectory(tmp_path / "unbroken").claim({}) as run:
        unbroken = train(setup, run, on_epoch=silent, log=silent)
    for ours, theirs in zip(*map(jax.tree.leaves, (trained.params, unbroken.params)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with RunDirectory(tmp_path / "run").claim({}) as run:
        result = finish(setup, trained, run, None)
        again = rescore(setup, run, None, log=silent)
    assert again["test"] == result["test"]
    assert 0.0 <= result["planted"]["relation_auc"] <= 1.0
    recommender = Recommender.load(tmp_path / "run")
    user = recommender.model.user_ids[0]
    item, _ = recommender.recommend(user, 1)[user][0]
    statuses = {entity.status for entity in recommender.explain(user, item).entities}
    assert {"kept", "left out"} <= statuses


def test_all_entities_cannot_be_rebuilt_from_shared_columns(make_problem):
    with pytest.raises(ConfigError, match="denoiser_columns = 6: rebuild_from = 'all'"):
        make_problem(denoiser_columns=6, rebuild_from="all")
    make_problem(denoiser_columns=0, rebuild_from="all")
