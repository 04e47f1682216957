"""Training where entities share columns of the denoiser: what it holds, and what it leaves."""

from functools import partial

import jax
import numpy as np
import pytest

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.training.epoch import truth_key
from kdiffe_jax.training.loop import Trained, one_epoch
from kdiffe_jax.training.saving import model_of
from kdiffe_jax.training.step import initial_state
from tests.small_setups import assert_equal, compiled_of, planted, small_setup, started

COLUMNS = 6


def shapes(setup):
    state = jax.eval_shape(partial(initial_state, setup.model, seed=0), setup.inputs)
    return [leaf.shape for leaf in jax.tree.leaves((state.params, state.opt_states))]


def test_no_array_of_the_denoiser_is_as_wide_as_the_vocabulary():
    whole, shared = (shapes(small_setup(denoiser_columns=c)) for c in (0, COLUMNS))
    n_entities = planted().n_entities
    as_wide = sum(n_entities in shape for shape in whole)
    of_encoder = 3  # the entities' embeddings and their moments
    assert as_wide > of_encoder
    assert sum(n_entities in shape for shape in shared) == of_encoder
    assert sum(COLUMNS in shape for shape in shared) == as_wide - of_encoder


def test_as_many_columns_as_entities_are_the_model_without_sharing():
    n_entities = planted().n_entities
    for columns in (n_entities, 10 * n_entities):
        setups = small_setup(), small_setup(denoiser_columns=columns)
        denoisers = [setup.model.denoiser for setup in setups]
        assert denoisers[0] == denoisers[1]
        assert_equal(*(setup.inputs for setup in setups))


def test_a_model_with_shared_columns_trains_tells_triples_apart_and_explains():
    setup = small_setup(denoiser_columns=COLUMNS)
    model, inputs, dataset = setup.model, setup.inputs, setup.dataset
    compiled = compiled_of(setup)
    (state, carry), record = one_epoch(setup, compiled, started(setup), epoch=0)
    assert np.isfinite(record["loss"])
    triples = dataset.triples, dataset.relevant
    found = model.found_truth(state.params, inputs, carry, truth_key(state.key), *triples)
    assert 0.0 <= found["relation_auc"] <= 1.0
    view = compiled.view(state.params, inputs, carry)
    recommender = Recommender(model_of(setup, Trained(state.params, carry, view, 0, [record])))
    user = recommender.model.user_ids[0]
    item, _ = recommender.recommend(user, 1)[user][0]
    statuses = {entity.status for entity in recommender.explain(user, item).entities}
    assert statuses == {"has"}  # nobody can say which entity of a column is meant


def test_all_entities_cannot_be_rebuilt_from_shared_columns():
    with pytest.raises(ConfigError, match="denoiser_columns = 6: rebuild_from = 'all'"):
        small_setup(denoiser_columns=6, rebuild_from="all")


def test_more_relations_to_keep_than_there_are_entities():
    n_entities = planted().n_entities
    small_setup(rebuild_from="all", top_q=n_entities)
    with pytest.raises(ConfigError, match=f"there are only {n_entities} entities"):
        small_setup(rebuild_from="all", top_q=n_entities + 1)
