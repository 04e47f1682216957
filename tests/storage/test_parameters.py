"""parameters.npz: what is written is read, equal content is equal bytes, damage is refused."""

import numpy as np
import pytest

from kdiffe_jax.errors import RunError
from kdiffe_jax.storage.parameters import PARAMETERS, read_parameters, write_parameters


@pytest.fixture
def parameters(rng):
    return {
        "users": rng.normal(size=(5, 3)).astype(np.float32),
        "denoiser/to_row/0": np.arange(4, dtype=np.float32),
        "header": np.zeros((), np.float32),
    }


@pytest.fixture
def file(parameters, tmp_path):
    write_parameters(parameters, tmp_path / PARAMETERS)
    (tmp_path / "result.json").write_text("{}")
    return tmp_path / PARAMETERS


def refusal(run_dir) -> str:
    with pytest.raises(RunError) as caught:
        read_parameters(run_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def assert_same(found, parameters):
    assert list(found) == list(parameters)
    for name, array in parameters.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_what_is_written_is_read(file, parameters):
    assert_same(read_parameters(file.parent), parameters)


def test_equal_parameters_are_equal_bytes(file, parameters, tmp_path):
    write_parameters(parameters, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("place", range(0, 100, 4))
def test_a_changed_byte_is_noticed_or_changes_nothing(file, parameters, place):
    content = bytearray(file.read_bytes())
    content[len(content) * place // 100] ^= 0x10
    file.write_bytes(content)
    try:
        found = read_parameters(file.parent)
    except RunError as error:
        assert "damaged" in str(error) and "\n" not in str(error)
    else:
        assert_same(found, parameters)


def test_a_shortened_file_another_format_and_another_shape(file):
    with np.load(file) as archive:
        members = dict(archive)
    np.savez(file, **members | {"parameters/users": members["parameters/users"][:2]})
    assert "parameters/users has another shape" in refusal(file.parent)
    header = members["header"].tobytes().replace(b'"format": 1', b'"format": 9')
    np.savez(file, **members | {"header": np.frombuffer(header, np.uint8)})
    assert "format 9, this program reads 1" in refusal(file.parent)
    file.write_bytes(file.read_bytes()[:100])
    assert "damaged" in refusal(file.parent)


def test_a_run_without_parameters_says_what_to_do(file, tmp_path):
    file.unlink()
    assert "--mode=evaluate" in refusal(tmp_path)
    assert "no such run directory" in refusal(tmp_path / "absent")
