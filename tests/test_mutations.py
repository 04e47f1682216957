"""The list of breakages fits the sources; `python -m tests.mutations` tries them."""

from pathlib import Path

import pytest

from tests.mutations.breakages import BREAKAGES

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda b: b.what)
def test_a_breakage_changes_what_is_there(breakage):
    source = (ROOT / "kdiffe_jax" / breakage.file).read_text(encoding="utf-8")
    assert source.count(breakage.old) == 1
    compile(source.replace(breakage.old, breakage.new), breakage.file, "exec")
    for test in breakage.tests:
        file, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / file).read_text(encoding="utf-8")


def test_no_name_is_used_twice():
    assert len({breakage.what for breakage in BREAKAGES}) == len(BREAKAGES)
