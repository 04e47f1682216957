"""The tutorial's own commands, one process after another, and what the page says they print."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
NEW_THINGS = (ROOT / "docs" / "howto" / "new-users-and-items.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^```console\n\$ ([^\n]+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
# What no model has a part in is printed to the letter on every machine.
EXACT = ("examples/shop.py", "launch.prepare")
# Which items come close behind one another is a matter of rounding.
ENOUGH = 0.6


def lines_of(text: str, *, exact: bool) -> list[str]:
    """Lines without blanks at will; numbers stand as # unless they are to be exact."""
    text = text if exact else re.sub(r"[-+]?\d+(\.\d+)?(e-\d+)?", "#", text)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return [line for line in lines if line not in ("", "...")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A directory where all steps were taken, and what each printed."""
    for library in ("pyarrow", "sklearn", "safetensors", "flatbuffers"):
        pytest.importorskip(library)
    directory = tmp_path_factory.mktemp("tutorial")
    (directory / "examples").symlink_to(ROOT / "examples")
    paths = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "KDIFFE_CACHE": str(directory / "cache"),
        # Most of the time goes into compiling; what is compiled runs for seconds only.
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    printed = {
        command: subprocess.run(
            command,
            shell=True,
            cwd=directory,
            env=os.environ | paths,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for command, _ in STEPS
    }
    return directory, printed


@pytest.mark.parametrize(("command", "shown"), STEPS, ids=[step[0] for step in STEPS])
def test_step_prints_what_the_page_shows(shop, command, shown):
    exact = any(part in command for part in EXACT)
    printed = lines_of(shop[1][command], exact=exact)
    wanted = lines_of(shown, exact=exact)
    found = [line for line in wanted if line in printed]
    modelled = "launch.recommend" in command or "launch.explain" in command
    assert wanted
    assert wanted[0] == printed[0] or "..." in shown
    assert len(found) >= (ENOUGH if modelled else 1.0) * len(wanted), set(wanted) - set(printed)


def recalls(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^(test|ease).*?(0\.\d+)", text, re.M)}


def test_the_model_learns_as_much_as_the_page_says(shop):
    ((command, shown),) = [step for step in STEPS if "launch.main" in step[0]]
    here, there = recalls(shop[1][command]), recalls(shown)
    assert here["test"] == pytest.approx(there["test"], abs=0.03)
    assert here["ease"] == pytest.approx(there["ease"], abs=0.01)
    assert here["test"] > here["ease"]


@pytest.mark.parametrize("page", (PAGE, NEW_THINGS), ids=("tutorial", "new users and items"))
def test_the_examples_in_python_run(shop, monkeypatch, page):
    monkeypatch.chdir(shop[0])
    text = "\n".join(re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    examples = doctest.DocTestParser().get_doctest(text, {}, "examples", None, None)
    assert examples.examples
    doctest.DebugRunner().run(examples)


def test_the_tables_shown_are_those_of_the_shop(shop):
    for file in ("interactions", "items"):
        start = (shop[0] / "shop" / f"{file}.csv").read_text(encoding="utf-8").splitlines()[:3]
        assert "\n".join(start) in PAGE
