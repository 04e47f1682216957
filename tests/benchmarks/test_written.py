"""Reports of the benchmarks: the command, the machine and the tables in one file."""

import argparse
import sys
from pathlib import Path

import pytest

from benchmarks import large_graphs, plot_models, recommend, run, scaling_account
from benchmarks.ceilings import Ceilings
from benchmarks.written import Report, add_report

RESULTS = Path(run.__file__).parent / "results"
MACHINE = Ceilings(memory=1e9, cache=1e10, arithmetic=1e11)


def test_the_file_is_what_is_printed_below_command_and_machine(tmp_path, capsys):
    file = tmp_path / "found.md"
    told = Report("benchmarks.mine", "A title.\n\nMore.", ["--out=a b", "--size=3"], file)
    told.tell("| a |\n|---|")
    told.tell_row("| 1 |")
    told.tell("A remark.")
    told.tell_machine("Sizes of small; ", "\nCeilings.")
    printed = capsys.readouterr().out
    tables = "| a |\n|---|\n| 1 |\n\nA remark."
    assert printed.startswith(f"{tables}\n\nSizes of small; processor ")
    machine = printed.removeprefix(f"{tables}\n\n").strip()
    assert "cores " in machine and ", jax " in machine and machine.endswith(".\nCeilings.")
    command = "python -m benchmarks.mine '--out=a b' --size=3"
    whole = f"# A title\n\n```\n{command}\n```\n\n{machine}\n\n{tables}\n"
    assert file.read_text(encoding="utf-8") == whole
    assert [path.name for path in tmp_path.iterdir()] == ["found.md"]


def test_what_was_told_stays_where_a_command_is_broken_off(tmp_path):
    file = tmp_path / "found.md"
    file.write_text("an older report")
    told = Report("benchmarks.mine", "A title", [], file)
    assert file.read_text() == "an older report"
    told.tell("| a |\n|---|")
    assert file.read_text().endswith("```\n\n| a |\n|---|\n")
    told.tell_row("| 1 |")
    assert file.read_text().endswith("|---|\n| 1 |\n")


def test_without_a_file_it_is_printed_only(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Report("benchmarks.mine", None, [], None).tell("| a |")
    assert capsys.readouterr().out == "| a |\n" and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "line"),
    [("found.txt", "does not end in .md"), ("nowhere/found.md", "nowhere: no such directory")],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(given, line, capsys):
    parser = argparse.ArgumentParser()
    add_report(parser)
    with pytest.raises(SystemExit):
        parser.parse_args([f"--report={given}"])
    assert line in capsys.readouterr().err


def test_the_parts_are_reported(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "measure_ceilings", lambda: MACHINE)
    file = tmp_path / "parts.md"
    argv = ["--only=propagation", "--sizes=small", "--repeats=1", "--nomemory"]
    assert run.main([*argv, f"--report={file}"]) == 0
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# Every part") and " ".join(argv) in lines[3]
    assert lines[6].startswith("Sizes of small; processor ") and "memory 1.0 GB/s" in lines[7]
    assert lines[9] == "## propagation" and any(line.startswith("| ours |") for line in lines)
    assert "\n".join(lines[6:]) == capsys.readouterr().out.strip()


def test_results_that_stand_already_are_reported(tmp_path, monkeypatch):
    (tmp_path / "results.json").write_text('{"10": {"S": {"seconds": 5.0}}}')
    file = tmp_path / "graphs.md"
    monkeypatch.setattr(sys, "argv", ["large_graphs", f"--out={tmp_path}", f"--report={file}"])
    monkeypatch.setattr(large_graphs, "SIZES", ())
    assert large_graphs.main() == 0
    found = file.read_text(encoding="utf-8")
    assert f"python -m benchmarks.large_graphs --out={tmp_path}" in found and "processor" in found
    assert "| S | 5 | nan |" in found


def test_what_was_not_measured_names_no_machine(tmp_path):
    file = tmp_path / "account.md"
    scaling_account.main([f"--report={file}"])
    found = file.read_text(encoding="utf-8")
    assert "processor" not in found and found.count("\n|---") == 3


def test_lists_are_reported(tmp_path, monkeypatch):
    file = tmp_path / "lists.md"
    argv = ["recommend", "--users=30", "--items=20", "--k=3", f"--report={file}"]
    monkeypatch.setattr(sys, "argv", argv)
    recommend.main()
    assert "\n30 users, 20 items, k = 3: lists " in file.read_text(encoding="utf-8")


def test_the_readme_names_every_table_and_no_other():
    readme = (RESULTS / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in RESULTS.glob("*.md")} - {"README.md"}
    assert files == {line.split("]")[0][3:] for line in readme.splitlines() if "| [" in line}


@pytest.mark.parametrize(
    "name", sorted({path.name for path in RESULTS.glob("*.md")} - {"README.md", "targets.md"})
)
def test_every_table_has_a_title_and_the_command_that_makes_it(name):
    lines = (RESULTS / name).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert "python -m " in "".join(lines) or 'python -c "' in "".join(lines)


def test_the_figure_of_the_models_is_drawn_from_their_table(tmp_path):
    models = plot_models.models_of((RESULTS / "models.md").read_text(encoding="utf-8"))
    assert {model.name for model in models if model.torch is None} == {"kdiffe", "lattice"}
    medians = [model.ours.median for model in models]
    assert medians == sorted(medians) and models[0].name == "lightgcn"
    for model in models:
        if model.torch is not None:
            assert model.ratio is not None
            assert float(model.ratio) == pytest.approx(
                model.torch.median / model.ours.median, rel=0.025
            )
    picture = tmp_path / "models.png"
    plot_models.main(["", str(RESULTS / "models.md"), str(picture)])
    assert picture.stat().st_size > 10_000
    (tmp_path / "empty.md").write_text("no table")
    with pytest.raises(SystemExit, match=r"empty\.md: no row has an epoch's seconds"):
        plot_models.main(["", str(tmp_path / "empty.md"), str(picture)])
