"""What can be said of the container files without a container: what they name is there."""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
WORKSPACE = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COPIED = [
    path for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.M) for path in line.split()[:-1]
]


def test_what_is_copied_is_there_and_not_ignored():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == set(COPIED)
    assert all((ROOT / path).exists() for path in COPIED)


def test_what_the_package_is_built_of_is_copied():
    assert {"pyproject.toml", PROJECT["readme"], *PROJECT["license-files"]} <= set(COPIED)
    assert {"kdiffe_jax", "launch"} <= set(COPIED)


def test_files_of_requirements_are_copied_before_they_are_read():
    read = re.findall(r"requirements[\w-]*\.txt", DOCKERFILE)
    assert set(read) <= set(COPIED)
    assert DOCKERFILE.index(f"COPY {read[0]}") < DOCKERFILE.index(f"-r {read[0]}")
    pins = (ROOT / read[0]).read_text(encoding="utf-8")
    assert len(re.findall(r"^jax==\S+$", pins, re.M)) == 1  # what `sed` takes for the extra


def test_python_is_one_that_the_package_takes():
    least, above = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"]).groups()
    images = [*re.findall(r"^FROM (\S+)$", DOCKERFILE, re.M), WORKSPACE["image"]]
    assert len(images) == 2
    for image in images:
        version = re.search(r"python:3\.(\d+)(-slim)?$", image)
        assert int(least) <= int(version[1]) < int(above), image


def test_it_runs_a_command_as_somebody_who_is_not_root():
    user = re.search(r"^USER (\w+)$", DOCKERFILE, re.M)[1]
    assert user != "root" and re.search(rf"^RUN useradd .* {user}$", DOCKERFILE, re.M)
    assert DOCKERFILE.index("USER") > DOCKERFILE.index("pip install --no-cache-dir --no-deps .")
    entry, command = (
        json.loads(re.search(rf"^{word} (.+)$", DOCKERFILE, re.M)[1])
        for word in ("ENTRYPOINT", "CMD")
    )
    assert entry == ["python", "-m"] and (ROOT / command[0] / "__main__.py").exists()


def test_the_workspace_is_made_by_a_target_of_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    name = WORKSPACE["postCreateCommand"].removeprefix("make .venv/")
    assert f"\n$(VENV)/{name}: " in makefile and "\nVENV ?= .venv\n" in makefile
