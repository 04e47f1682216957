"""Scores on public data that pages quote are those of two tables: of results, and of changes."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.plot_results import Row, rows_of

ROOT = Path(__file__).parents[1]


def rows_by_name(page: str) -> dict[str, Row]:
    """The rows of the one table of scores of a page."""
    return {row.name: row for row in rows_of((ROOT / page).read_text(encoding="utf-8"))}


ROWS = rows_by_name("docs/results.md")
CHANGES = rows_by_name("docs/research/best-preset.md")
PRESET = ROWS["KDiffE, best preset"]
WITHOUT_NORM = CHANGES["KDiffE, best preset without its norm"]
DATA = ("TikTok", "Baby", "MEGCF-Beauty")
FLAGS = dict(zip(DATA, ("tiktok", "baby", "megcf_beauty"), strict=True))
FIGURE = re.compile(r"(?<![\d.])0\.\d{4}(?!\d)")
PAIR = re.compile(r"(0\.\d{4})(?: ± (0\.\d{4}))? / (0\.\d{4})(?: ± (0\.\d{4}))?")
# Of a setting in the table of seeds, where they are not five.
BESIDE = "nearest items beside the layers"
N_SEEDS = {
    "TikTok": 10,
    f"TikTok, θ_2 = 1.6, {BESIDE}": 10,
    f"TikTok, θ_2 = 1.6, d = 256, {BESIDE}": 10,
    f"Baby, {BESIDE}": 3,
    f"MEGCF-Beauty, {BESIDE}": 3,
}
# What a quoting page calls a row of the table.
NAMES = {
    "the flag files, `--preset=best`, 10, 5 and 5 seeds": "KDiffE, best preset",
    "the paper's settings, `--preset=paper`, 3, 1 and 3 seeds": "KDiffE, the paper's settings",
}


def table_rows(text: str) -> list[list[str]]:
    lines = (line for line in text.splitlines() if line.startswith("| "))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_no_row_stands_in_both_tables():
    assert not ROWS.keys() & CHANGES.keys()


def figures_of(row: Row) -> set[str]:
    """Every value and error of a row, as written."""
    scores = (score for pair in row.scores.values() for score in pair)
    return {str(figure) for score in scores for figure in score if figure is not None}


def assert_quotes(cell: str, row: Row, data: str) -> None:
    """`cell` has recall and ndcg of a row, and their errors where it gives some."""
    match = PAIR.fullmatch(cell)
    assert match is not None, f"{row.name}, {data}: {cell!r} is not recall@20 / ndcg@20"
    recall, recall_error, ndcg, ndcg_error = match.groups()
    for value, error, score in zip(
        (recall, ndcg), (recall_error, ndcg_error), row.scores[data], strict=True
    ):
        assert value == str(score.value), f"{row.name}, {data}: {cell}"
        assert error in (None, str(score.error)), f"{row.name}, {data}: {cell}"


def test_the_table_of_the_readme_is_that_of_the_results():
    rows = table_rows((ROOT / "README.md").read_text(encoding="utf-8"))
    (place,) = [place for place, row in enumerate(rows) if row[0] == "recall@20 / ndcg@20"]
    assert [name.removeprefix("Amazon-") for name in rows[place][1:]] == list(DATA)
    quoted = [row for row in rows[place + 1 :] if PAIR.match(row[1])]
    assert len(quoted) == 5
    for name, *cells in quoted:
        for data, cell in zip(DATA, cells, strict=True):
            assert_quotes(cell, ROWS[NAMES.get(name, name)], data)


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_a_page_that_everybody_reads_has_no_score_of_its_own(page):
    """But in blocks of code, which show what a command prints on other data."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text("utf-8"), flags=re.M | re.S)
    known = set().union(*map(figures_of, ROWS.values()))
    assert set(FIGURE.findall(text)) <= known


def test_the_page_about_baselines_has_the_same_scores():
    rows = table_rows((ROOT / "docs/baselines.md").read_text(encoding="utf-8"))
    found = {tuple(row[0].split(", ")): row[3] for row in rows if row[0].startswith(DATA)}
    scores = {name: cell for name, cell in found.items() if len(name) == 2}
    assert len(scores) == 9
    for (data, name), cell in scores.items():
        assert_quotes(cell, ROWS[name], data)


@pytest.mark.parametrize("data", DATA)
def test_the_flag_files_say_what_the_preset_reaches(data):
    text = (ROOT / f"launch/{FLAGS[data]}.flags").read_text(encoding="utf-8")
    quoted = re.search(r"test recall@20 (0\.\d{3}), ndcg@20 (0\.\d{3})", text)
    assert quoted is not None
    for figure, score in zip(quoted.groups(), PRESET.scores[data], strict=True):
        assert abs(Decimal(figure) - score.value) <= Decimal("0.0005")


def test_rows_of_the_preset_are_the_means_of_their_seeds():
    rows = table_rows((ROOT / "docs/research/best-preset.md").read_text(encoding="utf-8"))
    settings = {row[0] for row in rows if row[0].startswith(DATA)}
    assert settings > set(DATA)
    for setting in settings:
        data, _, change = setting.partition(", ")
        of = CHANGES[f"KDiffE, best preset, {change}"] if change else PRESET
        seeds = [row[-2:] for row in rows if row[0] == setting]
        assert len(seeds) == N_SEEDS.get(setting, 5)
        for column, score in enumerate(of.scores[data]):
            mean = sum((Decimal(seed[column]) for seed in seeds), Decimal(0)) / len(seeds)
            assert abs(mean - score.value) <= Decimal("0.0001")


def test_every_full_ablation_is_of_the_preset_without_its_norm():
    text = (ROOT / "docs/research/ablations.md").read_text(encoding="utf-8")
    section = text.split("\n## ")[1]
    full = [row[4:6] for row in table_rows(section) if row[:2] == ["full", "5"]]
    assert section.startswith("The best preset") and len(full) == len(DATA)
    for data, cells in zip(DATA, full, strict=True):
        assert_quotes(" / ".join(cells), WITHOUT_NORM, data)
