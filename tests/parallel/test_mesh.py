import jax
import pytest

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.parallel.mesh import build_mesh, parse_axes


def test_axes_in_any_order_and_left_out():
    assert parse_axes("model:2, data:4") == {"data": 4, "model": 2}
    assert parse_axes("model:3") == {"data": 1, "model": 3}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("date:4", "no axis 'date'"),
        ("", "no axis ''"),
        ("data:2,data:2", "given twice"),
        ("data", "a number from 1 up"),
        ("data:0", "a number from 1 up"),
        ("data:-1", "a number from 1 up"),
        ("data:two", "a number from 1 up"),
    ],
)
def test_a_grid_that_cannot_be_read_is_refused_in_one_line(text, reason):
    with pytest.raises(ConfigError, match=reason) as refusal:
        parse_axes(text)
    assert "\n" not in str(refusal.value)


def test_a_grid_of_other_than_all_devices_is_refused():
    with pytest.raises(ConfigError, match=r"2 x 3 = 6 devices, but there are 1"):
        build_mesh("data:2,model:3", jax.devices()[:1])
