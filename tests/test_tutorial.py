"""The tutorial's own commands, one after another, and what the page says they print."""

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from absl import flags as absl_flags

from launch import explain, export, prepare, recommend
from tests.quick_compile import XLA_FLAGS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
NEW_THINGS = (ROOT / "docs" / "howto" / "new-users-and-items.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^```console\n\$ ([^\n]+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
HERE = {"prepare": prepare, "recommend": recommend, "explain": explain, "export": export}
# What no model has a part in is printed to the letter on every machine.
EXACT = ("examples/shop.py", "launch.prepare")
# Which items come close behind one another is a matter of rounding.
ENOUGH = 0.6


def lines_of(text: str, *, exact: bool) -> list[str]:
    """Lines without blanks at will; numbers stand as # unless they are to be exact."""
    text = text if exact else re.sub(r"[-+]?\d+(\.\d+)?(e-\d+)?", "#", text)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return [line for line in lines if line not in ("", "...")]


def in_a_process(command: str, directory: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    added = {"PATH": path, "PYTHONPATH": str(ROOT), "XLA_FLAGS": XLA_FLAGS}
    return subprocess.run(
        command.split(),
        cwd=directory,
        env=os.environ | added,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def in_this_process(command: str) -> str:
    """All but training: another process would load libraries again, and no more."""
    name, *arguments = command.removeprefix("python -m launch.").split()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert HERE[name].main([name, *arguments], absl_flags.FlagValues()) == 0
    return printed.getvalue()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A directory where all steps were taken in their order, and what each printed."""
    for library in ("pyarrow", "sklearn", "safetensors", "flatbuffers"):
        pytest.importorskip(library)
    directory = tmp_path_factory.mktemp("tutorial")
    (directory / "examples").symlink_to(ROOT / "examples")
    printed = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        patch.setenv("KDIFFE_CACHE", str(directory / "cache"))
        for command, _ in STEPS:
            here = command.removeprefix("python -m launch.").split()[0] in HERE
            printed[command] = (
                in_this_process(command) if here else in_a_process(command, directory)
            )
    return directory, printed


@pytest.mark.parametrize(("command", "shown"), STEPS, ids=[step[0] for step in STEPS])
def test_step_prints_what_the_page_shows(shop, command, shown):
    exact = any(part in command for part in EXACT)
    printed = lines_of(shop[1][command], exact=exact)
    wanted = lines_of(shown, exact=exact)
    found = [line for line in wanted if line in printed]
    modelled = re.search(r"launch\.(recommend|explain)", command)
    assert wanted
    assert wanted[0] == printed[0] or "..." in shown
    assert len(found) >= (ENOUGH if modelled else 1.0) * len(wanted), set(wanted) - set(printed)


def recalls(text: str) -> dict[str, float]:
    rows = re.findall(r"^(test|ease \(test\)) +(0\.\d+)", text, re.MULTILINE)
    return {name: float(value) for name, value in rows}


def test_the_model_learns_as_much_as_the_page_says(shop):
    ((command, shown),) = [step for step in STEPS if "launch.main" in step[0]]
    here, there = recalls(shop[1][command]), recalls(shown)
    assert here["test"] == pytest.approx(there["test"], abs=0.03)
    assert here["ease (test)"] == pytest.approx(there["ease (test)"], abs=0.01)
    assert here["test"] > here["ease (test)"]


@pytest.mark.parametrize("page", (PAGE, NEW_THINGS), ids=("tutorial", "new users and items"))
def test_the_examples_in_python_run(shop, monkeypatch, page):
    monkeypatch.chdir(shop[0])
    text = "\n".join(re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    examples = doctest.DocTestParser().get_doctest(text, {}, "examples", None, None)
    assert examples.examples
    doctest.DebugRunner().run(examples)


def test_the_overview_names_every_file_of_a_run(shop):
    overview = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, after = overview.partition("| file | content |\n")
    named = re.findall(r"^\| `([\w.]+)/?` \|", after.partition("\n\n")[0], re.MULTILINE)
    left = {path.name for path in (shop[0] / "runs" / "shop").iterdir()}
    assert set(named) == left - {".lock"}


def test_the_tables_shown_are_those_of_the_shop(shop):
    for file in ("interactions", "items"):
        start = (shop[0] / "shop" / f"{file}.csv").read_text(encoding="utf-8").splitlines()[:3]
        assert "\n".join(start) in PAGE
