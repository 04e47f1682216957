"""The figure of docs/results.md is drawn from its table."""

from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks import plot_results

RESULTS = Path(__file__).parents[2] / "docs" / "results.md"
HEAD = "| recall@20 / ndcg@20 | chosen on | A | B |\n|---|---|---|---|\n"


def test_rows_have_what_the_table_has():
    mine, theirs, planned = plot_results.rows_of(
        f"Text.\n\n| other | table |\n|---|---|\n\n{HEAD}"
        "| mine | validation | **0.10 ± 0.01 / 0.04** | - |\n"
        "| theirs | copied; test | 0.2 / 0.1 | 0.3 / 0.2 ± 0.1 |\n"
        "| planned (`--later`) | - | - | - |\n\n| later | table |\n"
    )
    assert mine.scores == {"A": ((Decimal("0.10"), Decimal("0.01")), (Decimal("0.04"), None))}
    assert theirs.copied and not mine.copied and list(theirs.scores) == ["A", "B"]
    assert planned.name == "planned" and not planned.scores


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("no table", r"0 tables that begin with recall@20 / ndcg@20 \| chosen on, not one"),
        (HEAD + HEAD, "2 tables that begin"),
        (f"{HEAD}| mine | - | about 0.1 | - |", "'about 0.1' is not recall@20 / ndcg@20"),
        (f"{HEAD}| mine | - | 0.1 / 0.2 |", "mine: a row has 3 cells, the head 4"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_in_one_line(text, line, tmp_path):
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(SystemExit, match=rf"page\.md: {line}"):
        plot_results.main(["", str(tmp_path / "page.md"), str(tmp_path / "picture.png")])
    assert not (tmp_path / "picture.png").exists()


def test_the_figure_is_drawn(tmp_path):
    picture = tmp_path / "results.png"
    assert plot_results.main(["", str(RESULTS), str(picture)]) == 0
    assert picture.stat().st_size > 10_000
