"""Trackers by their names, as they are asked for."""

import pytest

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.trackers.named import named_trackers


@pytest.mark.parametrize("wanted", [None, "wandb", ["wandb"], True])
def test_what_is_no_dictionary_is_refused(wanted):
    with pytest.raises(ConfigError, match="^log_to = .*: give a dictionary, such as"):
        named_trackers(wanted)


@pytest.mark.parametrize("name, what", [("wandb", "a project"), ("mlflow", "an experiment")])
def test_a_name_is_needed_where_a_tracker_has_names(name, what):
    with pytest.raises(ConfigError, match=f"^log_to: {name} = True: give the name of {what}$"):
        named_trackers({name: True})
    assert named_trackers({name: None, "tensorboard": False}) == []


def test_a_name_that_is_no_text_is_no_tracker():
    with pytest.raises(ConfigError, match="^no tracker 7; there are tensorboard"):
        named_trackers({7: True})
