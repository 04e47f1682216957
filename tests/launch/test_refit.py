"""--refit: one command trains a finished run again on all interactions, for use."""

import json
from pathlib import Path

import pytest
from absl import flags as absl_flags

from kdiffe_jax.storage.saved_model import read_model
from launch import compare

SMALL = ("--model=lightgcn", "--dim=8", "--epochs=2", "--baselines=none")
PLANTED = ("--planted_users=60", "--planted_items=50", "--planted_topics=4")


def refused(train, reason, *words):
    with pytest.raises(AssertionError, match=reason):
        train(*words)


def test_a_run_is_trained_again_beside_itself(train, capsys):
    train(*SMALL, *PLANTED, "--workdir=shop")
    shown = train("--refit=shop")
    assert "the model in use: trained again on all 840 interactions" in shown
    assert "launch.recommend --workdir=shop-all" in shown
    assert len(read_model("shop-all").train) == 840
    assert "this run is finished" in train("--refit=shop")
    refused(train, "the run was made with 2", "--refit=shop", "--epochs=3", "--workdir=other")
    refused(train, "was trained on all interactions already", "--refit=shop-all")
    refused(train, "nothing is left to score it by", "--mode=evaluate", "--workdir=shop-all")
    refused(train, "--refit: only a training has epochs", "--mode=evaluate", "--refit=shop")
    assert not Path("other").exists()
    assert compare.main(["compare", "shop", "shop-all"], absl_flags.FlagValues()) == 2
    assert "compare the run that it repeats" in capsys.readouterr().err


def test_a_run_may_be_named_from_within(train, tmp_path, monkeypatch):
    train("--model=ease", "--baselines=none", *PLANTED, "--workdir=shop")
    monkeypatch.chdir(tmp_path / "shop")
    assert f"--workdir={tmp_path / 'shop-all'}" in train("--refit=.")
    result = json.loads((tmp_path / "shop-all" / "result.json").read_text())
    assert result["refit"]["of"] == "shop"


def test_scoring_a_closed_form_again_leaves_its_refit_as_it_is(train):
    train("--model=ease", "--baselines=none", *PLANTED, "--workdir=shop")
    train("--refit=shop")
    train("--model=ease", "--baselines=none", *PLANTED, "--workdir=shop", "--mode=evaluate")
    assert "this run is finished" in train("--refit=shop")


def test_a_report_that_a_kill_prevented_is_written_by_the_same_command(train, tmp_path):
    train("--model=ease", "--baselines=none", *PLANTED, "--workdir=shop")
    train("--refit=shop")
    report = tmp_path / "shop-all" / "report.html"
    before = report.read_bytes()
    report.unlink()
    assert f"report: {report.relative_to(tmp_path)}" in train("--refit=shop")
    assert report.read_bytes() == before


@pytest.mark.parametrize(
    "flag", ["--mesh=data:1", "--tensorboard", "--profile=trace", "--baselines=ease"]
)
def test_what_says_nothing_of_it_is_refused(train, flag):
    refused(train, f"{flag.split('=')[0]} does not go with --refit", "--refit=shop", flag)


def test_a_run_has_to_be_named(train):
    refused(train, "--refit= is empty", "--refit=")
    refused(train, "nowhere: no such run directory", "--refit=nowhere")
