"""What the report says of a denoiser, and that it says nothing of one that is chance."""

import json
import re

import pytest

from kdiffe_jax.models.registry import options_of
from kdiffe_jax.report.page import write_report
from kdiffe_jax.storage.saved_model import MODEL, read_model, write_model
from tests.report.reading import Page


def page_of(run_dir):
    return Page(write_report(run_dir, options_of).read_text(encoding="utf-8"))


def test_denoised_probabilities_stand_with_their_meaning(finished):
    words = "".join(page_of(finished).texts)
    assert (
        "Denoiser: AUC of hidden triples over random ones 0.810 ± 0.012 (0.5 is chance)." in words
    )
    assert "90 were compared" in words
    assert re.search(
        r"attention 0\.\d{3}, expected of (under )?[\d.]+ % of items with such users", words
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "is not measured"),
        ({"held_out_auc": 0.51, "held_out_error": 0.02, "held_out_triples": 90}, "leave it out"),
    ],
)
def test_nothing_is_said_of_single_triples_where_the_denoiser_is_chance(run_dir, found, said):
    model = read_model(run_dir)
    about = {name: value for name, value in model.about.items() if name != "denoiser"}
    about |= {} if found is None else {"denoiser": found}
    write_model(model._replace(about=about), run_dir / MODEL)
    page = page_of(run_dir)
    words = "".join(page.texts)
    assert said in words and "attention" in words and "expected of" not in words
    assert page.table("relation", "given") and not re.search(r"left out, attention", words)
    assert "Examples: entity" not in words


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "What is kept is the contrastive view's graph."),
        ({"main_graph": "rebuilt"}, "What is kept is the main view's graph."),
        ({"main_graph": "weighted"}, "each weighted by a power of its denoised value."),
        ({"theta_1": 0.0}, "No view reads what is kept."),
        ({"contrast": "edge_drop"}, "No view reads what is kept."),
    ],
)
def test_which_view_reads_what_is_kept(run_dir, changed, said):
    path = run_dir / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | {"main_graph": "given"} | changed
    path.write_text(json.dumps(config), encoding="utf-8")
    assert said in "".join(page_of(run_dir).texts)
