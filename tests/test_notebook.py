"""The example notebook runs from top to bottom, and is kept without outputs."""

import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "quickstart.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return pytest.importorskip("nbformat").read(NOTEBOOK, as_version=4)


def test_the_notebook_is_kept_without_outputs(notebook):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells
    assert not any(cell.outputs or cell.execution_count for cell in cells)


@pytest.mark.filterwarnings("default")
def test_the_notebook_runs(notebook, tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parents[1]))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    done = client.execute()
    printed = [
        output.get("text") or output.data["text/plain"]
        for cell in done.cells
        for output in cell.get("outputs", [])
    ]
    (scores,) = [text for text in printed if text.startswith("{'recall@20'")]
    assert float(re.search(r"[\d.]+(?=,)", scores).group()) > 0.3
    assert any("chosen before" in text for text in printed)
