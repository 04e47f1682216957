"""The command trains, or fits, any model and scores a run again without being told which."""

import json

import pytest

from tests.launch.started import DATA, LIGHTGCN, lines_of_result

WORDS = {
    "lightgcn": [*LIGHTGCN, "--epochs=1"],
    "ease": [*DATA, "--model=ease", "--notuned", "--regularisation=10"],
}


@pytest.mark.parametrize("model", WORDS)
def test_a_run_and_its_evaluation(train, tmp_path, model):
    shown = train(*WORDS[model], "--baselines=most_popular")
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith(f"synthetic-{model}")
    made = {"config.json", "result.json", "environment.json", "model.npz", "report.html"}
    assert made <= {file.name for file in run.iterdir()}
    config = json.loads((run / "config.json").read_text())
    assert config["model"] == model and f"{model} on synthetic" in shown
    again = train("--mode=evaluate", f"--workdir={run}", "--baselines=most_popular")
    assert lines_of_result(again) == lines_of_result(shown) != []
