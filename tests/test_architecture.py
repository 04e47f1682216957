"""The map and the direction of imports in docs/architecture.md, held to the sources."""

import ast
import functools
import re
from pathlib import Path

import pytest

from kdiffe_jax.models.registry import MODELS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "kdiffe_jax"
SOURCES = sorted(PACKAGE.rglob("*.py"))
COMMANDS = sorted((ROOT / "launch").rglob("*.py"))
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MAP, LADDER = re.findall(r"^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

# A room may import the rooms listed for it, and itself.
ALLOWED = {
    "": set(),
    "errors": set(),
    "options": {"errors"},
    "storage": {"errors"},
    "data": {"errors", "options", "storage"},
    "extract": {"data", "errors", "options", "storage"},
    "config": {"data", "errors", "options"},
    "ops": set(),
    "graph": {"ops"},
    "evaluation": {"config", "ops"},
    "parallel": {"data", "errors", "evaluation", "graph", "ops"},
    "models": {
        "config", "data", "errors", "evaluation", "graph", "ops", "options", "parallel", "storage",
    },
    "baselines": {"config", "errors", "evaluation", "models", "options", "storage"},
    "training": {
        "baselines", "config", "data", "errors", "evaluation", "graph", "models", "ops",
        "parallel", "storage",
    },
    "recommend": {"data", "errors", "evaluation", "models", "ops", "storage"},
    "report": {"config", "errors", "recommend", "storage"},
    "serve": {"errors", "recommend", "storage"},
    "trackers": {"errors", "options", "report", "storage"},
    "api": {
        "baselines", "config", "data", "errors", "models", "options", "recommend", "report",
        "storage", "studies", "trackers", "training",
    },
    "studies": {
        "config", "data", "errors", "evaluation", "models", "options", "report", "storage",
    },
    "profile": {"errors", "ops", "storage"},
}  # fmt: skip
# What other rooms may import of models/.
DOORS = {"added_score", "arrays", "base", "fitting", "idle_options", "registry", "scoring"}
COMPUTING = {
    "evaluation", "graph", "models", "ops", "parallel", "profile", "recommend", "training",
}  # fmt: skip
FENCED = {
    "absl": lambda room, path: False,
    "orbax": lambda room, path: path.name == "checkpoints.py",
    "optax": lambda room, path: path.name in ("step.py", "fresh_denoiser.py"),
    "scipy": lambda room, path: room in {"data", "evaluation", "models", "ops", "recommend"},
    "jax": lambda room, path: room in COMPUTING,
    "flax": lambda room, path: path.parent.name == "kdiffe",
    "sklearn": lambda room, path: room == "data",
    "rich": lambda room, path: path == PACKAGE / "training" / "screen.py",
    "matplotlib": lambda room, path: path.name == "figures.py",
    "optuna": lambda room, path: path.name == "search.py",
    "pyarrow": lambda room, path: path.name == "arrow.py",
    "narwhals": lambda room, path: path == PACKAGE / "api" / "frames.py",
    "faiss": lambda room, path: path.name == "index.py",
    "safetensors": lambda room, path: path.name == "export.py" or room == "extract",
    "tensorboardX": lambda room, path: path.name == "tensorboard.py",
    "wandb": lambda room, path: path.name == "weights_and_biases.py",
    "mlflow": lambda room, path: path.name == "mlflow.py",
    "fastapi": lambda room, path: room == "serve",
    "pydantic": lambda room, path: room == "serve",
    "starlette": lambda room, path: room == "serve",
    "uvicorn": lambda room, path: path.name == "server.py",
    "torch": lambda room, path: room == "extract",
    "pickle": lambda room, path: path.name in ("safe_pickle.py", "pickled.py"),
}


@functools.cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def imports(path):
    """Every module that is imported when the program runs."""
    nodes, for_types, found = list(ast.walk(tree_of(path))), set(), []
    for node in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for_types |= {inner for line in node.body for inner in ast.walk(line)}
    for node in nodes:
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def room_of(path):
    inside = path.relative_to(PACKAGE).with_suffix("").parts
    return "" if inside == ("__init__",) else inside[0]


def by_name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=by_name)
def test_imports_point_the_right_way(path):
    room = room_of(path)
    for name in imports(path):
        first, *rest = name.split(".")
        assert first != "launch", f"{path} imports {name}"
        if first == "kdiffe_jax" and rest and rest[0] in ALLOWED:
            assert rest[0] == room or rest[0] in ALLOWED[room], f"{path} imports {name}"
        if first in FENCED:
            assert FENCED[first](room, path), f"{path} imports {name}"


def test_rooms_import_from_lower_lines_of_the_page_only():
    lines = [line.split() for line in LADDER.splitlines()]
    height = {room: -number for number, line in enumerate(lines) for room in line}
    assert {room_of(path) for path in SOURCES} == ALLOWED.keys()
    assert height.keys() == (ALLOWED.keys() - {""}) | {"launch"}
    for room, others in ALLOWED.items():
        assert all(height[other] < height[room] for other in others), room


def modules_of_models():
    """The file or folder that each model has below models/, as a dotted name."""
    for entry in MODELS.values():
        parts = entry.where.partition(":")[0].split(".")[2:]
        yield ".".join(parts if parts[0] == "closed_form" else parts[:1])


@pytest.mark.parametrize("path", [*SOURCES, *COMMANDS], ids=by_name)
def test_only_a_model_imports_a_model(path):
    models = set(modules_of_models())
    own = path.is_relative_to(PACKAGE / "models")
    inside = ".".join(path.relative_to(PACKAGE / "models").with_suffix("").parts) if own else ""
    if any(inside == model or inside.startswith(f"{model}.") for model in models):
        return
    for name in imports(path):
        below = name.removeprefix("kdiffe_jax.models.")
        if below == name:
            continue
        assert not any(below == m or below.startswith(f"{m}.") for m in models), f"{path}: {name}"
        assert own or any(below == d or below.startswith(f"{d}.") for d in DOORS), f"{path}: {name}"


@pytest.mark.parametrize("path", SOURCES, ids=by_name)
def test_one_idea_a_file_and_every_public_name_documented(path):
    assert path.read_text(encoding="utf-8").count("\n") <= 250
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path}: {node.name} has no docstring"


def test_no_error_is_swallowed():
    for path in [*SOURCES, *COMMANDS]:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ExceptHandler):
                assert not all(isinstance(line, ast.Pass) for line in node.body), path


def test_the_map_is_the_tree():
    shown, parents = set(), []
    for line in MAP.splitlines():
        entry = line.split()[0]
        parents = parents[: (len(line) - len(line.lstrip())) // 2]
        shown.add("".join([*parents, entry]))
        parents.append(entry)
    folders = {path.parent for path in [*SOURCES, *PACKAGE.rglob("*.html")]}
    there = {f"{by_name(folder)}/" for folder in folders}
    there |= {by_name(path) for path in PACKAGE.glob("*.py")}
    there |= {f"{name}/" for name in ("launch", "tests", "benchmarks", "examples", "docs")}
    assert shown == there
