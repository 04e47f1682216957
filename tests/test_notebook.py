"""The example notebook runs from top to bottom, and shows what it printed."""

import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "quickstart.ipynb"


def texts_of(notebook):
    """What each cell of code shows, as text."""
    return [
        "".join(output.get("text") or output.data["text/plain"] for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def without_figures(text):
    """A text in which figures that another machine may round otherwise are left out."""
    return re.sub(r"[-+]?\d+\.\d+|NaN|\s+|-", "", text)


@pytest.fixture(scope="module")
def notebook():
    return pytest.importorskip("nbformat").read(NOTEBOOK, as_version=4)


@pytest.mark.thorough
@pytest.mark.filterwarnings("default")
def test_the_notebook_runs_and_shows_what_it_says(notebook, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    stored = texts_of(notebook)
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parents[1]))
    where = {"metadata": {"path": str(NOTEBOOK.parent)}}
    done = nbclient.NotebookClient(notebook, timeout=600, resources=where).execute()
    found = texts_of(done)
    tables = [n for n, text in enumerate(stored) if "rank" not in text]
    assert [without_figures(found[n]) for n in tables] == [
        without_figures(stored[n]) for n in tables
    ]
    scores = [float(re.search(r"test recall@20 ([\d.]+)", "".join(t))[1]) for t in (found, stored)]
    assert scores[0] == pytest.approx(scores[1], abs=0.03)
    assert any("chosen before" in text for text in found)
