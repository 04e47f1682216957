"""The command trains, or fits, any model and scores a run again without being told which."""

import json

import pytest

from tests.launch.started import DATA, LIGHTGCN

WORDS = {
    "lightgcn": [*LIGHTGCN, "--epochs=1"],
    "ease": [*DATA, "--model=ease", "--notuned", "--regularisation=10"],
}


@pytest.mark.parametrize("model", WORDS)
def test_a_run_and_its_evaluation(train, tmp_path, model):
    shown = train(*WORDS[model], "--baselines=most_popular")
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith(f"synthetic-{model}")
    assert {"config.json", "result.json", "model.npz", "report.html"} <= {
        file.name for file in run.iterdir()
    }
    config = json.loads((run / "config.json").read_text())
    assert config["model"] == model and f"{model} on synthetic" in shown
    again = train("--mode=evaluate", f"--workdir={run}", "--baselines=most_popular")
    assert again.splitlines()[-5:-1] == shown.splitlines()[-5:-1]
