"""What a command line shows of the program: models, flags in sections, commands, the version."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from absl import flags as absl_flags

import kdiffe_jax
from kdiffe_jax.models.registry import MODELS, model_class, options_of
from launch import __main__ as listing
from launch import flags, help, study, sweep
from launch import main as command
from launch.help import help_text

COMMAND = re.compile(r"^(def entry\(|main, entry = )", re.MULTILINE)
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("elsewhere")


def shown(capsys, *words) -> str:
    assert command.main(["main", *words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def flags_in(page: str) -> set[str]:
    lines = [line.strip() for line in page.splitlines() if line.startswith("  --")]
    names = [line.split()[0].partition("=")[0].removeprefix("--") for line in lines]
    return {name.removeprefix("[no]") for name in names}


@pytest.mark.parametrize("model", MODELS)
def test_the_help_of_a_model_fits_on_two_screens(capsys, model):
    page = shown(capsys, f"--model={model}", "--help")
    assert len(page.splitlines()) < 100 and max(map(len, page.splitlines())) <= 120
    titles = [line for line in page.splitlines() if line.endswith(":") and line[0] != " "]
    own = f"model {model} (--model):"
    assert titles == ["data:", own, "training:", "evaluation:", "running:"]
    of_another = set().union(*map(options_of, MODELS)) - options_of(model).keys()
    assert not flags_in(page) & of_another
    assert list(model_class(model).Options.all_options())[:16] == [
        name for name in model_class(model).Options.all_options() if name in flags_in(page)
    ]


def flags_of(model):
    values = absl_flags.FlagValues()
    flags.define(["main", f"--model={model}"], values)
    return values


def test_every_help_text_stands_alone_where_flags_are_sorted_by_name():
    values = flags_of("kdiffe")
    assert not [n for n in values if re.search(r"\bof (it|them)\b|^its\b", values[n].help)]


@pytest.mark.parametrize(
    "words", (["-h"], ["--help"], ["--epochs=ten", "-h"], ["--model=kdiffe", "-help"])
)
def test_ways_to_ask_for_help(capsys, words):
    page = shown(capsys, *words)
    assert page == help_text(["main"], flags_of("kdiffe")) + "\n"
    assert page.startswith(f"kdiffe_jax {kdiffe_jax.__version__}: ")


@pytest.mark.parametrize("model", ("kdiffe", "lightgcn", "ease"))
def test_the_full_help_has_every_flag(capsys, model):
    page = shown(capsys, f"--model={model}", "--helpfull")
    assert flags_in(page) == set(flags_of(model)) - {"flagfile", "undefok"}
    assert flags_in(page) > options_of(model).keys() | {"workdir", "planted_users", "mesh"}


@pytest.mark.parametrize(
    ("words", "dim"), (([], 128), (["--preset=paper"], 64), (["--preset", "paper"], 64))
)
def test_values_shown_are_those_that_a_run_would_take(capsys, words, dim):
    assert f"\n  --dim={dim} " in shown(capsys, *words, "--help")
    assert f"\n  --dim={dim} " in shown(capsys, *words, "--helpfull")
    page = help.command_text("about", ["study", *words], flags_of("kdiffe"))
    assert f"\n  --dim={dim} " in page


@pytest.mark.parametrize(("name", "own"), ((study, "study"), (sweep, "sweep")))
def test_a_command_of_many_runs_shows_its_own_flags_first(capsys, name, own):
    assert name.main([own, "--help"]) == 0
    page = capsys.readouterr().out
    flags_shown = [line for line in page.splitlines() if line.startswith("  --")]
    assert flags_shown[0].startswith(f"  --{own} ")
    assert page.index("--parallel=1 ") < page.index("--model=kdiffe")
    assert "[]" not in page and max(map(len, page.splitlines())) <= 120


def test_help_of_a_model_that_is_not_there(capsys):
    assert command.main(["main", "--model=lightgnc", "--help"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "did you mean lightgcn?" in err and err.count("\n") == 1


def test_models_are_listed_with_what_they_read(capsys):
    page = shown(capsys, "--models")
    for name, entry in MODELS.items():
        assert f"\n{name} " in f"\n{page}"
        assert entry.about in page and f"reads {entry.reads}" in page
    assert "--model=NAME --help" in page


def test_the_version_ends_the_program(capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(["main", "--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"kdiffe_jax {kdiffe_jax.__version__}\n"


@pytest.mark.parametrize("name", listing.COMMANDS)
def test_each_command_has_help(capsys, name):
    main = importlib.import_module(f"launch.{name}").main
    assert main([name, "--help"]) == 0
    out, err = capsys.readouterr()
    assert f"python -m launch.{name}" in out and "--[no]debug" in out and err == ""
    assert main([name, "--helpfull"]) == 0
    assert name == "main" or capsys.readouterr() == (out, "")


def test_commands_are_listed_and_are_all():
    done = subprocess.run(
        [sys.executable, "-m", "launch"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and done.stderr == "" and done.stdout == listing.text() + "\n"
    files = {file.stem: file.read_text(encoding="utf-8") for file in (ROOT / "launch").glob("*.py")}
    assert {name for name, text in files.items() if COMMAND.search(text)} == listing.COMMANDS.keys()
    assert all(f"python -m launch.{name} " in done.stdout for name in listing.COMMANDS)
