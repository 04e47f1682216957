"""The fuzzer's corpus once through the readers: seeds are read, old findings are no more."""

import pytest

from tests.fuzz.case import Case
from tests.fuzz.corpus import CORPUS, SEED
from tests.fuzz.targets import TARGETS, Target

pytest.importorskip("pyarrow")
INPUTS = sorted(CORPUS.glob("*/*"))


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_target_lays_out_is_read(target, tmp_path):
    TARGETS[target].lay_out(tmp_path)
    TARGETS[target].read(tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("file", INPUTS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_no_input_of_the_corpus_is_a_finding(file, tmp_path):
    assert Case(TARGETS[file.parent.name], tmp_path).run(file.read_bytes()) is None


def test_every_target_has_seeds():
    assert {file.parent.name for file in INPUTS if file.name.startswith(SEED)} == set(TARGETS)


def _lay_out(path):
    (path / "a").write_bytes(b"a")


@pytest.mark.parametrize(
    ("read", "where"),
    [
        (lambda path: {}["a"], "KeyError"),
        (lambda path: (path / "b").write_text(""), "files left"),
        (lambda path: (path.parent / "b").write_text(""), "open"),
        (lambda path: __import__("os").system("true"), "os.system"),
        (lambda path: exec("1"), "exec"),
        (lambda path: (path / "b").symlink_to(path), "os.symlink"),
    ],
)
def test_what_must_not_happen_is_a_finding(read, where, tmp_path):
    found = Case(Target(_lay_out, read), tmp_path).run(b"\0a")
    assert where in found.where
