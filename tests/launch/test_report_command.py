"""A training leaves its report and events; the report can be made again."""

import json

import pytest
from absl import flags as absl_flags

from kdiffe_jax.report.page import REPORT
from kdiffe_jax.trackers.tensorboard import EVENTS
from launch import main as command
from launch import report

SIZES = """--preset=paper --planted_users=60 --planted_items=48 --planted_topics=4
--planted_triples_per_item=4 --planted_interactions_per_user=8 --planted_entities_per_topic=2
--dim=8 --batch_size=64
--denoiser_width=16 --walk_length=5 --walks_per_node=2 --timesteps=3 --layers=1
--cache_dir=cache --workdir=run --epochs=1 --baselines=most_popular""".split()


@pytest.fixture
def train(monkeypatch, tmp_path):
    """Runs `launch.main` in an empty directory."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments) -> int:
        return command.main(["main", *SIZES, *arguments])

    return run


def again(*arguments) -> int:
    return report.main(["report", *arguments], absl_flags.FlagValues())


def test_a_run_leaves_its_report(train, tmp_path, capsys):
    pytest.importorskip("tensorboardX")
    assert train("--tensorboard") == 0
    page = (tmp_path / "run" / REPORT).read_bytes()
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert f"{result['test']['recall@20']:.4f}".encode() in page
    assert list((tmp_path / "run" / EVENTS).glob("events.*"))

    (tmp_path / "run" / REPORT).unlink()
    assert again("--workdir=run") == 0
    assert (tmp_path / "run" / REPORT).read_bytes() == page
    (tmp_path / "run" / REPORT).unlink()
    assert train() == 0 and (tmp_path / "run" / REPORT).read_bytes() == page
    assert "written: run/report.html" in capsys.readouterr().out

    def full(*arguments):
        raise OSError("no space")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kdiffe_jax.report.page.page_of", full)
        (tmp_path / "run" / REPORT).unlink()
        assert train() == 0
    out = capsys.readouterr().out
    assert "(no space); make it with python -m launch.report --workdir=run" in out
    assert "recall@20" in out and not (tmp_path / "run" / REPORT).exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [((), "--workdir is needed"), (("--workdir=absent",), "no such run directory")],
)
def test_mistakes(capsys, arguments, word):
    assert again(*arguments) == 2
    assert word in capsys.readouterr().err


def test_events_belong_to_a_training(train, capsys):
    assert train("--tensorboard", "--mode=evaluate") == 2
    assert "--tensorboard" in capsys.readouterr().err
