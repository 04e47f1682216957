"""The wheel: built, and looked into."""

import configparser
import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import kdiffe_jax

ROOT = Path(__file__).parents[1]
COMMAND = re.compile(r"^(def entry\(|main, entry = )", re.MULTILINE)
PACKAGES = ("kdiffe_jax", "launch")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of the sources, so that nothing is written beside them."""
    setuptools = pytest.importorskip("setuptools")
    if int(setuptools.__version__.split(".")[0]) < 77:
        pytest.skip("pyproject.toml needs setuptools 77")
    directory = tmp_path_factory.mktemp("wheel")
    source = directory / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run(
        [sys.executable, *build, "--wheel-dir", directory, source], check=True, capture_output=True
    )
    (file,) = directory.glob("*.whl")
    with zipfile.ZipFile(file) as content:
        yield content


def test_it_holds_every_file_of_both_packages_and_nothing_else(wheel):
    files = {name for name in wheel.namelist() if ".dist-info/" not in name}
    wanted = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert files == wanted
    assert {"kdiffe_jax/py.typed", "launch/demo.flags"} <= files


def info(wheel, name: str) -> str:
    (file,) = [f for f in wheel.namelist() if f.endswith(f".dist-info/{name}")]
    return wheel.read(file).decode()


def test_every_module_that_is_a_command_has_a_console_command(wheel):
    scripts = configparser.ConfigParser()
    scripts.read_file(io.StringIO(info(wheel, "entry_points.txt")))
    named = set(scripts["console_scripts"].values())
    commands = {
        f"launch.{file.stem}:entry"
        for file in (ROOT / "launch").glob("*.py")
        if COMMAND.search(file.read_text(encoding="utf-8"))
    }
    assert named == commands
    assert all(name.startswith("kdiffe-") for name in scripts["console_scripts"])


def test_the_version_is_stated_once_and_cited(wheel):
    assert f"\nVersion: {kdiffe_jax.__version__}\n" in info(wheel, "METADATA")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == kdiffe_jax.__version__


def test_every_extra_and_every_console_command_is_described(wheel):
    page = (ROOT / "BUILD.md").read_text(encoding="utf-8")
    extras = re.findall(r"^Provides-Extra: (.+)$", info(wheel, "METADATA"), re.MULTILINE)
    assert extras and set(extras) == set(re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE))
    scripts = configparser.ConfigParser()
    scripts.read_file(io.StringIO(info(wheel, "entry_points.txt")))
    assert all(f"`{name}`" in page for name in scripts["console_scripts"])
