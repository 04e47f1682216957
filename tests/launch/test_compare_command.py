"""`python -m launch.compare`: what it prints, writes and refuses."""

import json

import pytest
from absl import flags as absl_flags

from kdiffe_jax.studies.leaderboard import leaderboard_of
from launch import compare
from launch.compare import FILES
from tests.studies.finished import write_run

TINY = """--planted_users=60 --planted_items=48 --planted_topics=4 --planted_triples_per_item=4
--planted_interactions_per_user=8 --planted_entities_per_topic=2 --model=lightgcn --layers=1
--batch_size=64 --epochs=2 --baselines=most_popular""".split()


def command(*words) -> int:
    return compare.main(["compare", *map(str, words)], absl_flags.FlagValues())


@pytest.fixture
def runs(tmp_path):
    return [write_run(tmp_path / name, mean, model=name) for name, mean in (("a", 0.4), ("b", 0.5))]


def test_the_table_is_printed_and_nothing_is_written(runs, tmp_path, capsys):
    before = sorted(tmp_path.rglob("*"))
    assert command(*runs) == 0
    assert capsys.readouterr().out == leaderboard_of(runs).text() + "\n"
    assert sorted(tmp_path.rglob("*")) == before


def test_out_holds_four_files_and_is_written_again(runs, tmp_path, capsys):
    out = tmp_path / "new" / "board"
    assert command(runs[0], "--metric", "ndcg@20", f"--out={out}", runs[1]) == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert f"{out}: {', '.join(FILES)}" in capsys.readouterr().out
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    board = leaderboard_of(runs, metric="ndcg@20")
    assert first["leaderboard.csv"].decode() == board.csv()
    assert b"validation ndcg@20" in first["leaderboard.html"]
    (out / "leaderboard.csv").write_text("old")
    assert command(*runs, "--metric=ndcg@20", f"--out={out}") == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_what_is_no_leaderboard_is_not_written_over(runs, capsys, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (runs[0], tmp_path / "file", tmp_path):
        assert command(*runs, f"--out={out}") == 2
        assert capsys.readouterr() == (
            "",
            f"error: {out}: not empty and no leaderboard; choose another --out\n",
        )
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no runs to compare; usage"),
        (("absent",), "absent: no such run directory"),
        (("--metirc=ndcg@20",), "did you mean metric?"),
    ],
)
def test_mistakes_are_one_line(words, said, capsys):
    assert command(*words) == 2
    out, err = capsys.readouterr()
    assert out == "" and said in err and err.count("\n") == 1


def test_a_mistake_leaves_no_directory(runs, tmp_path, capsys):
    assert command(*runs, "--metric=hit@3", f"--out={tmp_path / 'board'}") == 2
    assert "has no metric 'hit@3'" in capsys.readouterr().err
    assert not (tmp_path / "board").exists()


def test_help(capsys):
    assert command("--help") == 0
    out = capsys.readouterr().out
    assert out.startswith("A leaderboard of finished runs") and "--metric" in out


def test_two_trained_runs(train, tmp_path, capsys):
    train(*TINY, "--num_seeds=2", "--workdir=run")
    train(*TINY, "--dim=8", "--workdir=small")
    assert command("run", "small", "--out=board") == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[1]: line.split() for line in lines[1:3]}
    assert lines[0].split()[:2] == ["dim", "seeds"] and rows.keys() == {"128", "8"}
    for dim, name in (("128", "run"), ("8", "small")):
        result = json.loads((tmp_path / name / "result.json").read_text())
        assert f"{result['test']['recall@20']:.4f}" in rows[dim]
