"""Runs on planted data side by side."""

import json

import pytest

from launch import planted

SCORES = {"recall@20": 0.16, "ndcg@20": 0.07}
BESIDE = {"test": {"recall@20": 0.1, "ndcg@20": 0.04}}


@pytest.fixture
def run(tmp_path):
    """Writes a finished run of that name."""

    def written(name, dataset="synthetic", **result):
        directory = tmp_path / name
        directory.mkdir()
        result = {"test": SCORES, "baselines": {}} | result
        (directory / "result.json").write_text(json.dumps(result))
        (directory / "config.json").write_text(json.dumps({"dataset": dataset}))
        return str(directory)

    return written


def test_the_first_stands_beside_its_baselines_and_all_beside_each_other(run, capsys):
    truth = {"relation_auc": 0.875, "kept_relevant_share": 0.9, "relevant_share": 0.58}
    baselines = {"ease": BESIDE, "rp3beta": BESIDE, "lost": {"left_out": "no time"}}
    paths = [run("demo", planted=truth, baselines=baselines), run("clean")]
    assert planted.main(["planted", *paths]) == 0
    beside, truths = capsys.readouterr().out.split("\n\n")
    assert [line.split() for line in beside.splitlines()[2:]] == [
        ["demo", "0.1600", "0.0700"],
        ["ease", "0.1000", "0.0400"],
        ["rp3beta", "0.1000", "0.0400"],
    ]
    rows = [line.split() for line in truths.splitlines()[2:4]]
    assert rows == [["demo", "0.1600", "0.0700", "42%", "0.875"], ["clean", "0.1600", "0.0700"]]


def test_runs_of_one_name_are_told_apart_by_their_paths(run, tmp_path, capsys):
    for name in "ab":
        (tmp_path / name).mkdir()
    paths = [run("a/seed0", test={"recall@20": 0.1, "ndcg@20": 0.1}), run("b/seed0")]
    assert planted.main(["planted", *paths]) == 0
    shown = capsys.readouterr().out
    assert f"{paths[0]}      0.1000" in shown and f"{paths[1]}      0.1600" in shown


@pytest.mark.parametrize("arguments", ([], ["no/such/run"]))
def test_what_is_no_run_is_refused_in_one_line(arguments, capsys):
    assert planted.main(["planted", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_run_on_other_data_is_refused(run, capsys):
    path = run("tiktok", dataset="tiktok")
    assert planted.main(["planted", path]) == 2
    assert capsys.readouterr().err.startswith(f"error: {path}: no finished run on planted data")
