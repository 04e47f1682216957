"""Every study from a plan to a table and a figure, each run once."""

import json

import pytest
from absl import flags as absl_flags

from kdiffe_jax.studies import plan
from launch import study
from launch.command import DIVERGED
from tests.launch.fake_runs import FakeRuns
from tests.terminal import on_terminal

DATA = ("--preset=paper", "--planted_users=40", "--planted_items=60", "--planted_topics=4")


def score(config):
    xi, top_q = (config.to_flat().get(name, 0) for name in ("xi", "top_q"))
    return 0.2 + 0.1 * xi - 0.01 * top_q + config.train.seed / 1000


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Runs the command in an empty directory: arguments -> exit status."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return study.main(["study", *DATA, "--out=out", *arguments], absl_flags.FlagValues())

    return run


@pytest.mark.parametrize(
    ("name", "runs", "words"),
    [
        ("main", 3, ("| full | 3 | 0.2610 ± 0.0006 |", "| most popular |")),
        ("ablation", 24, ("| kdiffe_1 | recall@20 | -0.0630 ± 0.0000 | - | - |", "AUC of")),
        ("denoising", 18, ("| top_q=6 | 3 | 0.2110 ± 0.0006 |", "| top_q=6 | 0.600 | 0.700 |")),
        ("sensitivity", 60 * 3, ("| xi=0.1 | 3 |", "walk_length=30 walks_per_node=6")),
        ("scalability", 30, ("| timesteps=80 | 3 |", "| data_ablation=users:0.125 | 3 |")),
        ("data_ablation", 18, ("| kg_shuffled |", "| without brand | ndcg@20 |", "| no_kg |")),
        ("noise", 17 * 3, ("| full (given) | 3 |", "| 200% | denoised_unguided | ndcg@20 |")),
    ],
)
def test_a_study(command, monkeypatch, tmp_path, capsys, name, runs, words):
    fake = FakeRuns(monkeypatch, score)
    assert command(f"--study={name}", "--seeds=3", "--parallel=2") == 0
    printed = capsys.readouterr().out
    assert len(fake.started) == len(set(fake.started)) == runs
    table = (tmp_path / "out" / "table.md").read_text()
    assert table in printed and all(word in table for word in words), table
    assert len((tmp_path / "out" / "runs.csv").read_text().splitlines()) == runs + 1
    assert (tmp_path / "out" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert command(f"--study={name}", "--seeds=3") == 0
    assert len(fake.started) == runs, "finished runs were repeated"


@pytest.mark.parametrize("name", ("main", "scalability", "data_ablation"))
def test_a_study_of_another_model(command, monkeypatch, tmp_path, name):
    fake = FakeRuns(monkeypatch, score)
    words = (f"--study={name}", "--model=lightgcn", "--neighbour_weight=1", "--seeds=2")
    assert command(*words) == 0
    assert {name.rpartition(", seed ")[2] for name in fake.started} == {"0", "1"}
    config = json.loads((tmp_path / "out" / "full" / "seed1" / "config.json").read_text())
    assert (config["model"], config["seed"]) == ("lightgcn", 1)
    assert "AUC" not in (tmp_path / "out" / "table.md").read_text()


def test_a_study_of_what_a_model_does_not_read_is_refused(command, capsys):
    words = ("--preset=paper", "--model=lightgcn")
    assert command("--study=data_ablation", *words) == 2
    assert "reads nothing of these data but interactions" in capsys.readouterr().err


def test_noise_is_drawn_anew_for_every_seed(command, monkeypatch, tmp_path):
    FakeRuns(monkeypatch, score)
    assert command("--study=noise", "--variants=denoised", "--seeds=2") == 0
    found = {
        json.loads(path.read_text())["data_ablation_seed"]
        for path in tmp_path.glob("out/*+added=1/seed1/config.json")
    }
    assert found == {1}


def test_more_seeds_and_variants_can_be_added_later(command, monkeypatch):
    fake = FakeRuns(monkeypatch, score)
    assert command("--study=ablation", "--variants=kdiffe_1", "--seeds=1") == 0
    assert command("--study=ablation", "--variants=kdiffe_1,no_kg", "--seeds=2") == 0
    names = ("full", "kdiffe_1", "no_kg")
    assert sorted(fake.started) == [f"{name}, seed {seed}" for name in names for seed in (0, 1)]


def test_a_variant_that_changes_nothing_is_named_and_left_out(command, monkeypatch, capsys):
    fake = FakeRuns(monkeypatch, score)
    assert command("--study=ablation", "--variants=kdiffe_1,no_kg", "--xi=0", "--seeds=1") == 0
    assert sorted(fake.started) == ["full, seed 0", "no_kg, seed 0"]
    left_out = "kdiffe_1: changes nothing of this configuration; left out"
    assert left_out in capsys.readouterr().out
    assert command("--study=ablation", "--xi=0", "--seeds=1", "--baselines=none") == 0
    assert left_out in capsys.readouterr().out


def test_without_s_its_walks_are_not_varied(command, monkeypatch):
    fake = FakeRuns(monkeypatch, score)
    assert command("--study=sensitivity", "--xi=0", "--seeds=1") == 0
    assert fake.started and not any("walk" in name for name in fake.started)


def test_options_without_effect_are_not_varied(command, monkeypatch, capsys):
    fake = FakeRuns(monkeypatch, score)
    varied = "--parameters=temperature,theta_1"
    assert command("--study=sensitivity", "--theta_1=0", "--seeds=1", varied) == 2
    assert "temperature: changes nothing, since theta_1 is 0.0" in capsys.readouterr().err
    assert command("--study=sensitivity", "--theta_1=0", "--seeds=1") == 0
    assert any("theta_1" in name for name in fake.started)
    assert not any("temperature" in name for name in fake.started)


def test_one_data_ablation_holds_for_all_runs(command, monkeypatch, tmp_path):
    FakeRuns(monkeypatch, score)
    taken = "--data_ablation=items:0.4"
    assert command("--study=ablation", "--variants=kdiffe_1", "--seeds=1", taken) == 0
    for name in ("full", "kdiffe_1"):
        config = json.loads((tmp_path / "out" / name / "seed0" / "config.json").read_text())
        assert config["data_ablation"] == "items:0.4"


def test_one_seed_has_no_tests_over_seeds(command, monkeypatch, tmp_path):
    FakeRuns(monkeypatch, score)
    assert command("--study=ablation", "--variants=kdiffe_1", "--seeds=1") == 0
    table = (tmp_path / "out" / "table.md").read_text()
    assert "| kdiffe_1 | recall@20 | -0.0630 | - | - |" in table


def test_times_are_measured_one_run_at_a_time_without_test_scores(command, monkeypatch, tmp_path):
    FakeRuns(monkeypatch, score)
    seen = []
    run_jobs = study.run_jobs
    monkeypatch.setattr(
        study, "run_jobs", lambda *a, **k: (seen.append(k["parallel"]), run_jobs(*a, **k))
    )
    assert command("--study=scalability", "--parallel=4") == 0
    assert seen == [1]
    config = json.loads((tmp_path / "out" / "full" / "seed0" / "config.json").read_text())
    assert (config["epochs"], config["patience"], config["score_test"]) == (6, 6, False)


def test_every_run_says_how_many_are_left(command, monkeypatch, capsys):
    FakeRuns(monkeypatch, score)
    words = ("--study=ablation", "--variants=kdiffe_2,kdiffe_3")
    assert command(*words, "--seeds=1") == 0
    first = [line for line in capsys.readouterr().out.splitlines() if ", seed " in line]
    assert [line.split("; ")[1].split(",")[0] for line in first] == [
        f"{n} of {len(first)} runs" for n in range(1, len(first) + 1)
    ]
    assert all("about " in line and line.endswith(" left") for line in first[:-1])
    assert "left" not in first[-1]
    assert command(*words, "--seeds=2") == 0
    second = [line for line in capsys.readouterr().out.splitlines() if ", seed " in line]
    assert len(second) == 2 * len(first)
    assert [" left" in line for line in second if "seed 0" in line] == [False] * len(first)


def test_a_study_on_a_terminal_is_no_wider_than_it(command, monkeypatch, tmp_path):
    FakeRuns(monkeypatch, score)
    screen = on_terminal(monkeypatch)
    assert command("--study=ablation", "--variants=kdiffe_2,kdiffe_3", "--seeds=2") == 0
    table = screen.text.rpartition("valid recall@20")[0].rpartition("\n")[2]
    lines = screen.text[screen.text.rindex(table) :].splitlines()
    assert max(map(len, lines)) <= 80 and "|---" not in screen.text
    assert "test ndcg@20" in screen.text and "table.md" in lines[-1]


def test_a_run_that_diverges_is_left_out(command, monkeypatch, tmp_path, capsys):
    FakeRuns(monkeypatch, score, fails=lambda j: DIVERGED if j.config.options.xi == 1.0 else 0)
    assert command("--study=sensitivity", "--parameters=xi,top_q", "--seeds=1") == 0
    assert "xi=1.0, seed 0: a loss is not finite; left out" in capsys.readouterr().out
    assert "xi=1.0" not in (tmp_path / "out" / "table.md").read_text()
    FakeRuns(monkeypatch, score, fails=lambda job: DIVERGED)
    assert command("--study=main", "--out=other", "--seeds=1") == 2
    assert "no run of the full model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "--study is needed: one of main, ablation"),
        (("--study=luck",), "study"),
        (("--study=ablation", "--variants=kdiffe_7"), "kdiffe has full, kdiffe_1"),
        (("--study=sensitivity", "--parameters=dim"), "'dim': choose among walks, xi"),
        (("--study=main", "--seeds=0"), "seeds"),
        (("--study=main", "--workdir=x"), "--out"),
        (("--study=main", "--refit=x"), "--refit is for one run; a study has many"),
        (("--study=models", "--warm_start=x"), "--warm_start is for one run"),
        (("--study=main", "--num_seeds=2"), "--seeds"),
        (("--study=main", "--score_test=false"), "--score_test=false"),
        (("--study=main", "--model=ease"), "fitted, not trained"),
        (("--study=ablation", "--model=lightgcn"), "lightgcn has no variants"),
        (("--study=main", "--variants=kdiffe_1"), "--variants is for --study=ablation and"),
        (("--study=noise", "--parameters=xi"), "--parameters is for --study=sensitivity"),
        (("--study=denoising", "--model=lightgcn"), "varies top_q: no option of lightgcn"),
        (("--study=noise", "--model=lightgcn"), "lightgcn reads no triples of synthetic"),
        (("--study=noise", "--variants=kdiffe_1"), "'kdiffe_1': the forms of kdiffe are given"),
        (("--study=noise", "--data_ablation=shuffled"), "leave --data_ablation out"),
        (("--study=data_ablation", "--data_ablation=items:0.4"), "leave --data_ablation out"),
        (("--study=scalability", "--data_ablation=items:0.4"), "leave --data_ablation out"),
        (
            ("--study=ablation", "--variants=kg_shuffled", "--data_ablation=items:0.4"),
            "'ablation' has data ablations of its own",
        ),
        (("--study=ablation", "--baselines=ease"), "--study=ablation scores none"),
        (("--study=main", "--data_ablation=nope"), "data_ablation = 'nope': choose none, shuffled"),
        (("--study=main", "--kg_source=features"), "but there is no *_feat.npy"),
        (("--study=main", "--selection_metric=recall@7"), "selection_metric = 'recall@7'"),
        (
            ("--study=sensitivity", "--parameters=walks", "--xi=0"),
            "walks: changes nothing, since xi is 0.0",
        ),
        (("--study=sensitivity", "--model=lightgcn"), "no option of lightgcn"),
        (("--study=sensitivity", "--model=sgl", "--parameters=xi"), "no option of sgl"),
    ],
)
def test_refusals(command, capsys, tmp_path, arguments, word):
    assert command(*arguments) == 2
    error = capsys.readouterr().err
    assert word in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_every_study_has_a_number_of_seeds():
    assert plan.SEEDS["main"] == 10 and plan.SEEDS["ablation"] >= 5
