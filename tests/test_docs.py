"""What the documentation says: links lead somewhere, flags exist, examples do what is printed."""

import doctest
import re
import subprocess
from functools import partial
from pathlib import Path

import pytest
from absl import flags as absl_flags

from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.data.synthetic import planted_dataset
from kdiffe_jax.data.tables.columns import TableColumns
from kdiffe_jax.models.registry import MODELS, is_trained, model_class
from kdiffe_jax.storage.saved_model import MODEL, write_model
from launch import (
    compare,
    explain,
    export,
    extract,
    flags,
    prepare,
    recommend,
    report,
    serve,
    study,
    sweep,
)
from tests.small_model import small_saved

ROOT = Path(__file__).parents[1]
GUIDES = sorted((ROOT / "docs").rglob("*.md"))
TABLES = sorted((ROOT / "benchmarks" / "results").glob("*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *GUIDES, *TABLES]
REFERENCE = "".join(
    page.read_text(encoding="utf-8") for page in (ROOT / "docs/reference").iterdir()
)
RECOMMENDING = (ROOT / "docs" / "recommending.md").read_text(encoding="utf-8")
DATA = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
OPTIONS = PrepareConfig.all_options() | TableColumns.all_options()
# Options of a browser and of TensorBoard, in docs/report.md, and of Docker, in BUILD.md.
OTHER_PROGRAMS = {
    "xla_force_host_platform_device_count",
    "xla_gpu_deterministic_ops",
    "headless",
    "hide-scrollbars",
    "window-size",
    "virtual-time-budget",
    "screenshot",
    "logdir",
    "build-arg",
    "gpus",
    "rm",
    "user",
}
# Flags that the changelog says are no more.
GONE = {
    "self_loops", "neighbour_smoothing", "item_residual", "vmap", "knockout", "knockout_seed",
    "denoiser_memory_gb",
}  # fmt: skip
FLAG = re.compile(r"(?<![\w-])--([A-Za-z][\w-]*)")
# The file that a reader of docs/howto/add-a-model.md writes.
NEW_FILE = "kdiffe_jax/models/mine.py"
SOURCE = re.compile(r"(?<![\w/.-])((?:kdiffe_jax|launch|tests|benchmarks|examples)/[\w./-]*\w/?)")


def by_name(path):
    return str(path.relative_to(ROOT))


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The names that headings have as link targets."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_lead_to_files_and_headings(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{link}: no such file"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=by_name
)
def test_every_file_that_is_named_exists(page):
    named = SOURCE.findall(page.read_text(encoding="utf-8"))
    assert not [name for name in named if not (ROOT / name).exists() and name != NEW_FILE]


def test_every_equation_has_its_functions_and_tests():
    page = (ROOT / "docs" / "equations.md").read_text(encoding="utf-8")
    found = re.findall(r"`(kdiffe_jax/[\w/]+\.py)`((?:[:,] `[\w.]+`)+)", page)
    assert len(found) > 20
    for file, names in found:
        source = (ROOT / file).read_text(encoding="utf-8")
        for name in re.findall(r"`(?:\w+\.)?(\w+)`", names):
            assert re.search(rf"^ *(def|class) {name}\b", source, re.MULTILINE), f"{file}: {name}"


@pytest.mark.parametrize("name", [*filter(is_trained, MODELS)])
def test_the_page_of_a_model_has_its_grid(name):
    page = (ROOT / "docs" / "models" / f"{name}.md").read_text(encoding="utf-8")
    for option, values in model_class(name).grid.items():
        if not isinstance(values[0], str):
            lists = re.findall(rf"`{option}` ([\d.e, -]*\d)", page)
            assert list(values) in [[*map(float, found.split(", "))] for found in lists], option


def test_every_module_is_in_the_reference():
    """But those of the server, which describes itself by /openapi.json."""
    rooms = re.findall(r"^<!-- modules of ([\w.]+) -->$", REFERENCE, re.MULTILINE)
    placed = re.findall(r"^\.\. automodule:: ([\w.]+)$", REFERENCE, re.MULTILINE)
    for file in (ROOT / "kdiffe_jax").rglob("[a-z]*.py"):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        named = module in placed or any(module.startswith(f"{room}.") for room in rooms)
        assert named != module.startswith("kdiffe_jax.serve."), module
    assert len(placed) == len(set(placed))


@pytest.fixture(scope="module")
def known_flags() -> set[str]:
    """Flags of all commands and models, of absl itself, of benchmarks and harnesses."""
    known = {"flagfile", "help", "helpfull", "models", "version", *OTHER_PROGRAMS}
    defined = [
        partial(command.define, ["", f"--model={model}"])
        for command in (flags, study, sweep)
        for model in MODELS
    ]
    defined += [
        c.define for c in (prepare, extract, compare, recommend, explain, export, report, serve)
    ]
    for define in defined:
        values = absl_flags.FlagValues()
        define(values)
        known |= set(values) | {f"no{name}" for name in values if values[name].boolean}
    harnesses = (ROOT / "tests").glob("*/__main__.py")
    for script in (*(ROOT / "benchmarks").rglob("*.py"), *harnesses):
        known |= set(re.findall(r'add_argument\(\s*"--([\w-]+)"', script.read_text()))
    return known


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_every_flag_that_is_mentioned_exists(page, known_flags):
    lines = page.read_text(encoding="utf-8").splitlines()
    named = {name for line in lines if "pip " not in line for name in FLAG.findall(line)}
    assert named - GONE <= known_flags, f"no such flags: {sorted(named - known_flags)}"


def test_every_flag_of_preparation_is_described():
    values = absl_flags.FlagValues()
    prepare.define(values)
    assert set(values) <= set(FLAG.findall(DATA))


@pytest.mark.parametrize("name", OPTIONS)
def test_the_table_of_flags_has_every_option_with_its_default(name):
    rows = [line for line in DATA.splitlines() if re.match(rf"\| [^|]*`--{name}`", line)]
    assert len(rows) == 1, f"--{name} needs one row"
    default = re.split(r"(?<!\\)\|", rows[0])[2].strip().strip("`").replace(r"\|", "|")
    assert default == str(OPTIONS[name].default)


def run_examples(page: str) -> None:
    """Runs all Python examples of a page, one after another, in this directory."""
    text = "\n".join(blocks(page, "python"))
    test = doctest.DocTestParser().get_doctest(text, {}, "examples", None, None)
    assert test.examples
    doctest.DebugRunner().run(test)


def test_the_guide_to_knowledge_graphs_runs(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    run_examples((ROOT / "docs" / "knowledge-graphs.md").read_text(encoding="utf-8"))
    assert (tmp_path / "datasets" / "pantry" / "dataset.json").exists()


def test_the_page_about_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_examples((ROOT / "docs" / "python.md").read_text(encoding="utf-8"))


def test_the_dataset_by_hand_can_be_written_and_read(tmp_path, monkeypatch):
    (script,) = blocks(DATA, "sh")
    subprocess.run(["sh", "-c", script], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    run_examples(DATA)


def test_the_first_example_prints_what_is_shown(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    Path("shop").mkdir()
    files = re.findall(r"^`(shop/[\w.]+)`\n\n```\n(.*?)^```$", DATA, re.DOTALL | re.MULTILINE)
    assert [name for name, _ in files] == ["shop/interactions.csv", "shop/items.csv"]
    for name, text in files:
        Path(name).write_text(text, encoding="utf-8")
    commands = (
        ("--input=shop", "--output=datasets/shop"),
        ("--inspect", "--input=datasets/shop", "--item=cup-red"),
    )
    for arguments, shown in zip(commands, blocks(DATA, "console"), strict=True):
        assert "python -m launch.prepare " + " ".join(arguments) in DATA
        assert prepare.main(["prepare", *arguments], absl_flags.FlagValues()) == 0
        printed = capsys.readouterr().out
        for part in shown.strip().split("\n\n"):
            assert part in printed, f"docs/data.md shows\n{part}\nbut it prints\n{printed}"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A directory with what a run on the demo's data leaves, but for the training."""
    directory = tmp_path_factory.mktemp("demo")
    run = directory / "runs" / "small"
    run.mkdir(parents=True)
    write_model(small_saved(directory / "cache", dataset=planted_dataset()), run / MODEL)
    return directory


def pattern(text: str) -> list[str]:
    """The lines without what training changes: numbers, their widths, what is kept."""
    text = re.sub(r"(kept|left out) by the denoiser, expected of (under )?", "*", text)
    text = re.sub(r"[-+]?\d+(\.\d+)?", "#", text)
    return sorted(" ".join(line.split()) for line in text.splitlines())


def test_the_page_about_recommending_runs(demo, monkeypatch, capsys):
    for library in ("pyarrow", "safetensors", "flatbuffers", "faiss"):
        pytest.importorskip(library)
    monkeypatch.chdir(demo)
    commands = {"recommend": recommend, "explain": explain, "export": export}
    for shown in blocks(RECOMMENDING, "console"):
        call, _, output = shown.partition("\n")
        name, *arguments = call.removeprefix("$ python -m launch.").split()
        assert commands[name].main([name, *arguments], absl_flags.FlagValues()) == 0
        assert pattern(capsys.readouterr().out) == pattern(output)
    run_examples(RECOMMENDING)


@pytest.mark.parametrize("command", [recommend, explain, export])
def test_every_flag_of_the_commands_after_training_is_described(command):
    values = absl_flags.FlagValues()
    command.define(values)
    common = {"debug", "cache_dir"}
    assert set(values) - common <= set(FLAG.findall(RECOMMENDING))


def test_every_flag_of_the_server_is_described():
    values = absl_flags.FlagValues()
    serve.define(values)
    page = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    assert set(values) - {"debug", "cache_dir"} <= set(FLAG.findall(page))


PRINTED = re.findall(
    r'^python -c "(from kdiffe_jax.*?)"$',
    "".join(page.read_text(encoding="utf-8") for page in GUIDES),
    re.DOTALL | re.MULTILINE,
)


@pytest.mark.parametrize("program", PRINTED)
def test_a_program_on_a_line_runs(program, capsys):
    exec(program, {})
    assert capsys.readouterr().out
