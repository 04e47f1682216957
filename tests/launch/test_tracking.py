"""--wandb and --mlflow: what a training tells, and what is refused before it reads data."""

import sys

import pytest
from absl import flags as absl_flags

from launch import flags, tracking
from launch import main as command
from tests.trackers import stand_ins

TINY = """--planted_users=60 --planted_items=48 --planted_topics=4 --planted_triples_per_item=4
--planted_interactions_per_user=8 --planted_entities_per_topic=2 --model=lightgcn --layers=1
--batch_size=64 --epochs=2 --baselines=most_popular --workdir=runs/tiny""".split()


def test_a_training_is_told_to_all_trackers_that_are_named(train, monkeypatch):
    mlflow, wandb = stand_ins.Mlflow(), stand_ins.WeightsAndBiases()
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    for _ in range(2):  # the second finds a finished run
        train(*TINY, "--mlflow=shop", "--wandb=shop")
    (logged,), (run,) = mlflow.runs.values(), wandb.runs
    assert [step for name, step, _ in logged["logged"] if name == "epoch"] == [0, 1]
    assert [figures["epoch"] for figures in run.logged] == [0, 1]
    assert logged["name"] == run.begun["name"] == "tiny"
    assert logged["params"] == run.begun["config"] and run.begun["config"]["epochs"] == 2
    (score,) = [v for name, _, v in logged["logged"] if name == "best/test/recall_at_20"]
    assert run.summary["best/test/recall_at_20"] == score > 0


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("name", ("wandb", "mlflow"))
def test_a_library_that_is_missing_is_one_line_before_data_are_read(name, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(flags, "load", lambda *values, **share: pytest.fail("data were read"))
    assert command.main(["main", *TINY, f"--{name}=shop"]) == 2
    said = f"error: --{name} needs {name}: pip install 'kdiffe_jax[{name}]'\n"
    assert capsys.readouterr() == ("", said)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("name", ("wandb", "mlflow"))
def test_scoring_again_has_no_epochs_to_tell(name, capsys):
    assert command.main(["main", *TINY, f"--{name}=shop", "--mode=evaluate"]) == 2
    assert f"--{name}: only a training has epochs" in capsys.readouterr().err


def test_runs_of_a_study_or_a_sweep_are_told_as_well():
    values = absl_flags.FlagValues()
    words = ["main", *TINY, "--mlflow=shop", "--tensorboard"]
    flags.define(words, values)
    values(words)
    assert {"--mlflow=shop", "--tensorboard=True"} <= set(flags.data_flags(values))
    assert set(tracking.FLAGS) <= set(values)
