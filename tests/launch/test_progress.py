"""What moves on a terminal, and the lines elsewhere."""

import io
import json

import pytest

from kdiffe_jax.models.registry import make_config
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.phases import Phases
from kdiffe_jax.training.progress import Progress
from launch.progress import count_bar, rows_bar
from tests.terminal import on_terminal


@pytest.fixture
def elsewhere(monkeypatch):
    monkeypatch.setattr("sys.stderr", io.StringIO())


def test_a_long_read_shows_rows_and_bytes(monkeypatch):
    pytest.importorskip("rich")
    screen = on_terminal(monkeypatch)
    with rows_bar("reading") as progress:
        progress(1_500_000, 50_000_000, 100_000_000)
        progress(3_000_000, 100_000_000, 100_000_000)
    assert "reading" in screen.text and "3,000,000 rows" in screen.text
    assert "50.0 of 100.0 MB" in screen.text and "100.0 of 100.0 MB" in screen.text


def test_a_download_of_unknown_size(monkeypatch):
    pytest.importorskip("rich")
    screen = on_terminal(monkeypatch)
    with rows_bar("downloading", unit="byte") as progress:
        progress("kg.txt", 5_000_000, None)
    assert "5.0 MB" in screen.text and "rows" not in screen.text


def test_what_is_counted(monkeypatch):
    pytest.importorskip("rich")
    screen = on_terminal(monkeypatch)
    with count_bar(9, "users") as done:
        done(4)
        done(5)
    assert "4/9" in screen.text and "9/9" in screen.text


def test_nothing_is_shown_elsewhere(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    with rows_bar("reading") as progress:
        progress(1, 1, 1)
    with count_bar(9, "users") as done:
        done(9)
    assert screen.getvalue() == ""


def test_a_read_that_reports_nothing_shows_nothing(monkeypatch):
    screen = on_terminal(monkeypatch)
    with rows_bar("reading"):
        pass
    assert screen.getvalue() == ""


def record(epoch, loss, recall, **seed):
    return {"epoch": epoch, "seconds": 1.0, **seed, "loss": loss, "valid": {"recall@20": recall}}


@pytest.mark.parametrize("model", ("kdiffe", "bm3"))
def test_an_epoch_is_a_line(elsewhere, capsys, model):
    with Phases() as phases:
        Progress(make_config({"model": model}), phases).on_epoch(record(3, 1.0, 0.25))
    line = capsys.readouterr().out
    expected = "epoch   3  loss    1.0000  valid recall@20 0.2500  best 0.2500  1.0 s\n"
    assert line == expected


def test_of_several_seeds_each_has_its_own_lines(elsewhere, capsys):
    with Phases() as phases:
        progress = Progress(make_config({"num_seeds": 2}), phases)
        for seed, recall in ((5, 0.3), (6, 0.2)):
            progress.on_epoch(record(0, 1.0, recall, seed=seed))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seed 5  epoch   0  loss ") and "best 0.3000" in lines[0]
    assert lines[1].startswith("seed 6  epoch   0  loss ") and "best 0.2000" in lines[1]


def write_history(directory, *recalls):
    directory.mkdir(exist_ok=True)
    lines = [json.dumps(record(epoch, 1.0, recall)) for epoch, recall in enumerate(recalls)]
    (directory / "metrics.jsonl").write_text("\n".join(lines) + "\n")


def test_the_best_after_a_resume_is_that_of_all_epochs(elsewhere, capsys, tmp_path):
    write_history(tmp_path, 0.3, 0.1, 0.2)
    with Phases() as phases:
        Progress(make_config({}), phases, RunDirectory(tmp_path)).on_epoch(record(2, 1.0, 0.2))
    assert "valid recall@20 0.2000  best 0.3000" in capsys.readouterr().out


def test_the_best_after_a_resume_of_several_seeds(elsewhere, capsys, tmp_path):
    for seed, recall in ((0, 0.5), (1, 0.4)):
        write_history(tmp_path / f"seed{seed}", recall, 0.1)
    with Phases() as phases:
        progress = Progress(make_config({"num_seeds": 2}), phases, RunDirectory(tmp_path))
        progress.on_epoch(record(1, 1.0, 0.1, seed=1))
    assert "best 0.4000" in capsys.readouterr().out


def test_a_moving_row_names_the_seed_and_fits(monkeypatch):
    pytest.importorskip("rich")
    screen = on_terminal(monkeypatch, columns=80)
    with Phases() as phases, phases("training"):
        progress = Progress(make_config({"num_seeds": 2, "epochs": 4}), phases)
        progress.on_epoch(record(3, 1.0, 0.3, seed=5))
        progress.on_epoch(record(0, 1.0, 0.2, seed=6))
    rows = screen.text.replace("\r", "\n").splitlines()
    (last,) = {row.strip() for row in rows if "seed 6" in row and "best 0.2000" in row}
    assert "1/4" in last and len(last) <= 80 and "epoch " not in screen.text
