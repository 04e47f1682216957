"""A sweep's description is read, or refused in one line that names the file and the place."""

import pytest

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import MODELS, is_trained, make_config
from kdiffe_jax.studies.sweep_file import Pruning, Range, own_grid, read_sweep

TPE = 'method = "tpe"\ntrials = 8\n'
GRID = 'method = "grid"\n'


def sweep_of(tmp_path, text, name="a.toml", **base):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_sweep(tmp_path / name, make_config(base))


def test_a_full_description(tmp_path):
    text = TPE + (
        "seed = 3\n[pruning]\nafter_trials = 4\nafter_epochs = 5\n[parameters]\nxi = [0, 1]\n"
        "learning_rate = {low = 1e-4, high = 1e-2, log = true}\ntop_q = {low = 1, high = 4}\n"
    )
    sweep = sweep_of(tmp_path, text)
    assert (sweep.trials, sweep.seed, sweep.pruning) == (8, 3, Pruning(4, 5))
    assert sweep.parameters == {
        "xi": (0.0, 1.0),
        "learning_rate": Range(1e-4, 1e-2, True),
        "top_q": Range(1, 4, False),
    }


def test_a_grid_has_as_many_trials_as_combinations(tmp_path):
    text = '{"method": "grid", "parameters": {"xi": [0.1, 0.5], "negatives": ["batch", "all"]}}'
    assert sweep_of(tmp_path, text, "a.json").trials == 4


def test_parameters_are_options_of_the_model(tmp_path):
    text = TPE + "[parameters]\nlayers = [1, 2]\n"
    assert sweep_of(tmp_path, text, model="lightgcn").parameters == {"layers": (1, 2)}
    with pytest.raises(ConfigError, match=r"a.toml: parameters.top_q: no option of lightgcn"):
        sweep_of(tmp_path, TPE + "[parameters]\ntop_q = [1]\n", model="lightgcn")
    fitted = GRID + "[parameters]\nregularisation = [10.0, 100.0]\n"
    assert sweep_of(tmp_path, fitted, model="ease", tuned=False).trials == 2
    with pytest.raises(ConfigError, match=r"a.toml: regularisation = 10.0: say --tuned=false"):
        sweep_of(tmp_path, fitted, model="ease")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("method = ", "not readable as a sweep"),
        ("[parameters]\nxi = [1.0]\n", "method = None: choose grid or tpe"),
        ('method = "random"\n', "choose grid or tpe"),
        (GRID, "parameters: a table"),
        (GRID + "[parameters]\n", "parameters: a table"),
        (GRID + "trials = 3\n[parameters]\nxi = [1.0]\n", "trials: a grid has as many"),
        (GRID + "[parameters]\nxi = {low = 0.1, high = 1.0}\n", "parameters.xi: a grid needs a"),
        (GRID + "[parameters]\nxie = [1.0]\n", "parameters.xie: no option of kdiffe; did"),
        (GRID + "[parameters]\nxi = []\n", "parameters.xi = []: expected a list"),
        (GRID + "[parameters]\nxi = 0.5\n", "expected a list"),
        (GRID + '[parameters]\nxi = ["much"]\n', "a.toml: xi = 'much': expected float"),
        (GRID + "[parameters]\nxi = [-1.0]\n", "must be at least 0"),
        (GRID + "[parameters]\nxi = [1, 1.0]\n", "stands there twice"),
        (GRID + '[parameters]\nselection = ["test"]\n', "cannot vary"),
        (GRID + "speed = 9\n[parameters]\nxi = [1.0]\n", "unknown key 'speed'"),
        ('method = "tpe"\n[parameters]\nxi = [1.0]\n', "trials = None"),
        (TPE + "seed = -1\n[parameters]\nxi = [1.0]\n", "seed = -1"),
        (TPE + "[parameters]\nxi = {low = 1.0}\n", "low and high are needed"),
        (TPE + "[parameters]\nxi = {low = 1.0, high = 0.5}\n", "low below high"),
        (TPE + "[parameters]\nxi = {low = 0, high = 1, log = true}\n", "parameters.xi.log"),
        (TPE + "[parameters]\nxi = {low = 0, high = 1, step = 1}\n", "unknown key 'step'"),
        (TPE + "[parameters]\ntop_q = {low = 1.5, high = 3}\n", "low and high are needed"),
        (TPE + "[parameters]\ntop_q = {low = 0, high = 3}\n", "must be at least 1"),
        (TPE + "[parameters]\nguidance = {low = 0, high = 1}\n", "expected a list of values"),
        (TPE + "pruning = 3\n[parameters]\nxi = [1.0]\n", "pruning: expected a table"),
        (TPE + "[pruning]\nafter_trials = 0\n[parameters]\nxi = [1.0]\n", "after_trials = 0"),
        (TPE + "[pruning]\nafter_trials = 1\n[parameters]\nxi = [1.0]\n", "after_epochs = None"),
    ],
)
def test_refusals(tmp_path, text, words):
    with pytest.raises(ConfigError) as caught:
        sweep_of(tmp_path, text)
    message = str(caught.value)
    assert words in message and "a.toml: " in message and "\n" not in message


@pytest.mark.parametrize("text", ("[]", "3", "{", "", '{"method": 1e999}'))
def test_json_of_another_kind(tmp_path, text):
    with pytest.raises(ConfigError, match="a.json: ") as caught:
        sweep_of(tmp_path, text, "a.json")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="none.toml: not readable as a sweep: No such file"):
        read_sweep(tmp_path / "none.toml", make_config())
    with pytest.raises(ConfigError, match="not readable"):
        read_sweep(tmp_path, make_config())


@pytest.mark.parametrize("name", [name for name in MODELS if is_trained(name)])
def test_the_grid_of_a_models_authors_is_small_and_can_be_swept(name):
    found = own_grid(make_config({"model": name}))
    assert found.method == "grid" and 2 <= found.trials <= 12


def test_what_changes_nothing_beside_a_contrast_without_weight_is_not_swept():
    given = {"contrast_weight": 0.0}
    found = own_grid(make_config({"model": "slmrec"} | given), given)
    assert [*found.parameters] == ["learning_rate"]


def test_a_model_without_a_grid_needs_a_file():
    with pytest.raises(ConfigError, match="most_popular has no grid of its own; --sweep=FILE"):
        own_grid(make_config({"model": "most_popular"}))
