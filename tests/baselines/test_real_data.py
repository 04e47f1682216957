"""RP3beta and EASE on public files, against figures that others published for them."""

import numpy as np
import pytest

from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.evaluation.ranking import mean_metrics, metrics_per_user
from kdiffe_jax.models.closed_form.ease import EASE
from kdiffe_jax.models.closed_form.rp3beta import RP3beta
from tests.baselines.conftest import eval_data_of

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module", params=["tiktok", pytest.param("baby", marks=pytest.mark.thorough)])
def public(request):
    from tests.conftest import DATA

    data = read_dataset(DATA / request.param, name=request.param)
    sizes = (data.n_users, data.n_items)
    return request.param, eval_data_of(data.train, data.valid, data.test, *sizes)


def model_on(kind, eval_data):
    return kind(eval_data.train, eval_data.n_users, eval_data.n_items)


def scores(fitted, task):
    means = mean_metrics(metrics_per_user(fitted.lists(task, k=20), task.relevant, cutoffs=(20,)))
    return means["recall@20"], means["ndcg@20"]


def test_ease_with_the_published_lambda(public):
    name, eval_data = public
    regularisation = {"tiktok": 30.0, "baby": 1000.0}[name]
    published = {"tiktok": (0.0887, 0.0399), "baby": (0.0811, 0.0379)}[name]
    fitted = model_on(EASE, eval_data).fit(regularisation=regularisation)
    found = scores(fitted, eval_data.test)
    np.testing.assert_allclose(found, published, atol=5e-4)


def test_rp3beta_as_it_was_published(public):
    """Pruned by target, alpha 0.4, beta 0. On TikTok the order of equal scores moves 0.0015."""
    name, eval_data = public
    published = {"tiktok": (0.0927, 0.0398), "baby": (0.0791, 0.0385)}[name]
    fitted = model_on(RP3beta, eval_data).fit(alpha=0.4, beta=0.0, prune="target")
    found = scores(fitted, eval_data.test)
    np.testing.assert_allclose(found, published, atol=1.6e-3 if name == "tiktok" else 5e-4)


def test_rp3beta_pruned_by_source_is_better_on_validation_and_no_worse_at_test(public):
    name, eval_data = public
    published = {"tiktok": (0.0927, 0.0398), "baby": (0.0791, 0.0385)}[name]
    model = model_on(RP3beta, eval_data)
    chosen = model.fit(alpha={"tiktok": 0.8, "baby": 0.4}[name], beta=0.0, prune="source")
    other = model.fit(alpha=0.4, beta=0.0, prune="target")
    assert scores(chosen, eval_data.valid)[0] > scores(other, eval_data.valid)[0]
    recall, ndcg = scores(chosen, eval_data.test)
    assert recall > published[0] - 5e-4 and ndcg > published[1]
