import pytest

from kdiffe_jax.baselines.settings import NAMES, BaselineSettings
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.closed_form.base import ClosedForm
from kdiffe_jax.models.registry import MODELS, model_class


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("most_popular,rp3beta,ease", ("most_popular", "rp3beta", "ease")),
        ("all", NAMES),
        ("none", ()),
        ("", ()),
        (" ease, rp3beta,ease", ("rp3beta", "ease")),
    ],
)
def test_names_that_are_asked_for(text, names):
    assert BaselineSettings(baselines=text).names() == names


@pytest.mark.parametrize("text", ["magic", "lightgcn", "ease,all", "ease;rp3beta"])
def test_unknown_names_are_refused(text):
    with pytest.raises(ConfigError, match="there is no"):
        BaselineSettings(baselines=text)


def test_the_baselines_are_the_closed_forms_of_the_registry():
    assert set(NAMES) == {name for name in MODELS if issubclass(model_class(name), ClosedForm)}
