"""What all closed forms promise: their options, the choice of a point, what is saved."""

import numpy as np
import pytest
from scipy import sparse

from kdiffe_jax.config import Limits, SharedConfig
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.evaluation.top_k_lists import lists_by_scores
from kdiffe_jax.models.closed_form.ease import EASE
from kdiffe_jax.models.fitting import climbed, fit_closed_form, grid_points
from kdiffe_jax.models.registry import is_trained, make_config, model_class, options_of, preset
from tests.models.closed_form.conftest import matrix_of

NAMES = ("most_popular", "rp3beta", "ease")
GIVEN = {
    "most_popular": {},
    "rp3beta": {"tuned": False, "alpha": 0.6, "beta": 0.2, "prune": "target", "neighbours": 4},
    "ease": {"tuned": False, "regularisation": 20.0},
}

every_model = pytest.mark.parametrize("name", NAMES)


def config_of(name, **values):
    return make_config({"model": name} | values)


@every_model
def test_it_has_its_own_options_and_those_of_evaluation_and_data_ablation(name):
    own = model_class(name).Options.all_options()
    assert options_of(name).keys() - own.keys() == {
        "selection", "score_test", "selection_metric", "eval_block", "eval_users", "mask_valid",
        "data_ablation", "data_ablation_seed",
    }  # fmt: skip
    assert not is_trained(name) and not own.keys() & SharedConfig.all_options().keys()


@every_model
@pytest.mark.parametrize("option", ["dim", "epochs", "seed", "num_seeds", "eval_precision"])
def test_options_of_training_are_no_options_of_it(name, option):
    with pytest.raises(ConfigError, match=f"{name} has no option {option}"):
        config_of(name, **{option: 1})


@every_model
def test_every_preset_of_a_flag_file_is_there(name):
    assert preset("paper", name) == preset("best", name) == {}


@every_model
def test_its_configuration_comes_back_from_flat_values(name):
    config = config_of(name, **GIVEN[name], selection_metric="ndcg@10")
    flat = {n: v for n, v in config.to_flat().items() if n == "model" or n in options_of(name)}
    assert make_config(flat) == config


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("ease", "regularisation", 50.0),
        ("rp3beta", "alpha", 0.7),
        ("rp3beta", "beta", 0.1),
        ("rp3beta", "prune", "target"),
    ],
)
def test_a_value_that_the_choice_would_overrule_is_refused(name, option, value):
    expected = f"^{option} = {value!r}: say --tuned=false, or leave it to be chosen on validation$"
    with pytest.raises(ConfigError, match=expected):
        config_of(name, **{option: value})
    assert getattr(config_of(name, tuned=False, **{option: value}).options, option) == value


def test_what_is_not_tuned_may_be_given_beside_the_choice():
    assert config_of("rp3beta", neighbours=5).options.neighbours == 5


@pytest.mark.parametrize("values", [{"regularisation": 0.0}, {"prune": "x"}, {"alpha": -0.1}])
def test_values_out_of_range_are_refused(values):
    name = "ease" if "regularisation" in values else "rp3beta"
    with pytest.raises(ConfigError, match=next(iter(values))):
        config_of(name, tuned=False, **values)


@pytest.mark.parametrize(("name", "size"), [("most_popular", 1), ("rp3beta", 30), ("ease", 6)])
def test_a_grid_holds_every_combination_once(name, size):
    points = grid_points(model_class(name).grid)
    assert len({tuple(point.items()) for point in points}) == len(points) == size


@every_model
def test_a_grid_holds_the_defaults(name):
    defaults = model_class(name).Options().to_flat()
    assert all(defaults[option] in values for option, values in model_class(name).grid.items())


def seen_by_climbing(scores, start):
    """Where a climb among (x, y) ends, and the points in the order in which they were tried."""
    grid = {"x": tuple(range(len(scores))), "y": tuple(range(len(scores[0])))}
    tried = []

    def score_at(point):
        tried.append((point["x"], point["y"]))
        return scores[point["x"]][point["y"]]

    end = climbed(grid, dict(zip("xy", start, strict=True)), score_at)
    return (end["x"], end["y"]), tried


def test_a_climb_goes_on_while_it_rises_and_tries_no_point_twice():
    scores = [[1, 0], [2, 9], [5, 3], [4, 2], [0, 0]]
    end, tried = seen_by_climbing(scores, (1, 0))
    assert end == (2, 0)
    assert tried == [(1, 0), (2, 0), (3, 0), (2, 1)]


def test_a_climb_comes_back_to_an_option_when_another_has_moved():
    end, tried = seen_by_climbing([[0, 3], [1, 2], [0, 0]], (1, 0))
    assert end == (0, 1)
    assert len(set(tried)) == len(tried)


def test_of_equal_points_a_climb_stays_at_the_first():
    assert seen_by_climbing([[7], [7], [7]], (1, 0)) == ((1, 0), [(1, 0), (2, 0), (0, 0)])


def test_a_single_point_is_not_tried_to_be_chosen():
    assert climbed({"x": (1,)}, {"x": 1}, lambda point: pytest.fail("tried")) == {"x": 1}


def test_validation_chooses_what_is_tuned_and_no_point_is_fitted_twice(eval_data, monkeypatch):
    ease = EASE(eval_data.train, eval_data.n_users, eval_data.n_items)
    fits = {point["regularisation"]: ease.fit(**point) for point in grid_points(EASE.grid)}
    scores = {value: eval_data.selection_score(fit.lists) for value, fit in fits.items()}
    fitted_at = []

    def fit(self, *, regularisation):
        fitted_at.append(regularisation)
        return fits[regularisation]

    monkeypatch.setattr(EASE, "fit", fit)
    chosen, fitted = fit_closed_form(config_of("ease"), eval_data)
    assert len(set(fitted_at)) == len(fitted_at) and fitted_at[0] == 100.0
    assert scores[chosen["regularisation"]] == max(scores[value] for value in fitted_at)
    values = EASE.grid["regularisation"]
    place = values.index(chosen["regularisation"])
    assert set(values[max(place - 1, 0) : place + 2]) <= set(fitted_at)
    assert fitted is fits[chosen["regularisation"]]


def test_every_point_of_the_choice_has_the_options_that_are_given(eval_data):
    chosen, fitted = fit_closed_form(config_of("rp3beta", neighbours=2), eval_data)
    assert chosen in grid_points(model_class("rp3beta").grid)
    assert len(fitted.saved["item_weights.data"]) <= 2 * eval_data.n_items


@every_model
def test_what_is_not_tuned_is_fitted_as_given_without_a_look_at_a_split(name, eval_data):
    blind = eval_data._replace(valid=None, test=None)
    chosen, fitted = fit_closed_form(config_of(name, **GIVEN[name]), blind)
    assert chosen == {n: v for n, v in GIVEN[name].items() if n not in ("tuned", "neighbours")}
    model = model_class(name)(eval_data.train, eval_data.n_users, eval_data.n_items)
    expected = model.fit(**{n: v for n, v in GIVEN[name].items() if n != "tuned"})
    for key, array in expected.saved.items():
        np.testing.assert_array_equal(fitted.saved[key], array)


def scores_of_saved(saved, history):
    """f32[I, J] from what a saved model holds and the items that users have, f32[I, J]."""
    scores = saved["users"] @ saved["items"].T
    if "item_weights" in saved:
        return scores + (history @ saved["item_weights"]) * saved["item_scale"]
    if "item_weights.data" in saved:
        rows = tuple(saved[f"item_weights.{part}"] for part in ("data", "indices", "indptr"))
        return scores + (history @ sparse.csr_array(rows, shape=history.shape[1:] * 2)).toarray()
    return scores


@every_model
def test_what_is_saved_ranks_as_the_lists_do(name, eval_data):
    _, fitted = fit_closed_form(config_of(name, **GIVEN[name]), eval_data)
    scores = scores_of_saved(fitted.saved, matrix_of(eval_data).astype(np.float32))
    assert scores.shape == (eval_data.n_users, eval_data.n_items) and scores.dtype == np.float32
    lists = lists_by_scores(lambda users: scores[users], n_items=eval_data.n_items)
    for task in (eval_data.valid, eval_data.test):
        np.testing.assert_array_equal(lists(task, k=24), fitted.lists(task, k=24))


@every_model
def test_what_is_saved_has_the_types_of_a_saved_model(name, eval_data):
    _, fitted = fit_closed_form(config_of(name, **GIVEN[name]), eval_data)
    saved = fitted.saved
    width = 1 if name == "most_popular" else 0
    assert saved["users"].shape == (eval_data.n_users, width)
    assert saved["items"].shape == (eval_data.n_items, width)
    assert {str(array.dtype) for key, array in saved.items() if "ind" not in key} == {"float32"}
    assert all(type(array) is np.ndarray for array in saved.values())


def test_most_popular_gives_a_new_user_the_counts(eval_data):
    _, fitted = fit_closed_form(config_of("most_popular"), eval_data)
    scores = fitted.saved["items"] @ fitted.saved["new_user"]
    np.testing.assert_array_equal(scores, eval_data.popularity())


@pytest.mark.parametrize("name", ["most_popular", "rp3beta"])
def test_only_ease_grows_with_the_square_of_the_items(name):
    assert model_class(name).memory_gb(10**6) == 0.0


def test_a_catalogue_above_the_limit_is_refused_before_anything_is_made(eval_data, monkeypatch):
    monkeypatch.setattr(EASE, "_gram", property(lambda self: pytest.fail("made")))
    limits = Limits(model_memory_gb=1e-6)
    with pytest.raises(ConfigError, match=r"^24 items need 0\.0 GB, .* \(--model_memory_gb\)$"):
        fit_closed_form(config_of("ease"), eval_data, limits=limits)
    for name in ("most_popular", "rp3beta"):
        fit_closed_form(config_of(name, **GIVEN[name]), eval_data, limits=limits)
