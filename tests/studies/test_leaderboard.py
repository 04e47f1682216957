"""A leaderboard: which rows there are, their order, their tests, and what cannot be compared."""

import csv
import io
import json

import numpy as np
import pytest
from scipy import stats

from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.studies.leaderboard import leaderboard_of
from kdiffe_jax.studies.leaderboard_page import page_of_leaderboard
from tests.studies.finished import USERS, values_of, write_run

EVIL = "<script>alert('x')</script> a_b & 5%"


@pytest.fixture
def runs(tmp_path):
    """Two settings with three seeds each, in one directory or apart, and a closed form."""
    apart = [
        write_run(tmp_path / f"wide{seed}", 0.5, seeds=range(seed, seed + 1), dim=64, xi=0.7)
        for seed in (2, 0, 1)
    ]
    together = write_run(tmp_path / "narrow", 0.49, seeds=range(3), dim=8, xi=0.7)
    fitted = write_run(tmp_path / "ease", 0.3, epochs=0, model="ease", penalty=5.0)
    return [fitted, *apart, together]


def means(mean, metric="recall@20"):
    """Each user's mean over three seeds."""
    return np.mean([values_of(mean, seed)[metric] for seed in range(3)], axis=0)


def test_seeds_are_one_row_and_the_best_test_score_comes_first(runs):
    board = leaderboard_of(runs)
    assert [(row.name, row.seeds, len(row.runs)) for row in board.rows] == [
        ("lightgcn", [0, 1, 2], 3),
        ("lightgcn", [0, 1, 2], 1),
        ("ease", [], 1),
    ]
    assert (board.dataset, board.metric, board.split) == ("shop", "recall@20", "test")
    assert board.settings == ("dim",)  # xi is the same, penalty is of one model alone
    heads, (wide, narrow, ease) = board.cells()
    assert heads == [
        "", "dim", "seeds", "valid recall@20", "valid ndcg@20", "test recall@20", "test ndcg@20",
        "p", "best epoch", "seconds",
    ]  # fmt: skip
    scores = [values_of(0.5, seed)["recall@20"].mean() for seed in range(3)]
    error = np.std(scores, ddof=1) / np.sqrt(3)
    assert wide[:3] == ["lightgcn", "64", "0-2"] and narrow[1] == "8"
    assert wide[5] == f"{np.mean(scores):.4f} ± {error:.4f}"
    assert wide[7:] == ["-", "1", "2"]
    assert ease[1:3] == ["-", "-"] and ease[8] == "-" and "±" not in ease[5]


def test_p_is_of_the_paired_test_over_users_and_corrected_by_holm(runs):
    board = leaderboard_of(runs)
    near = stats.ttest_rel(means(0.5), means(0.49)).pvalue
    far = stats.ttest_rel(means(0.5), values_of(0.3, 0)["recall@20"]).pvalue
    assert far < near
    assert [row.p for row in board.rows] == [None, pytest.approx(near), pytest.approx(2 * far)]
    said = f"p: paired t test of test recall@20 over {len(USERS)} users against the first row, the"
    assert f"{said} best on them, Holm-corrected for 2 tests." in board.notes


def test_any_two_rows_can_be_paired(runs):
    board = leaderboard_of(runs)
    found = board.paired(1, "ease", "ndcg@20")
    by_hand = stats.ttest_rel(means(0.49, "ndcg@20"), values_of(0.3, 0)["ndcg@20"])
    assert found["users"] == len(USERS) and found["t"] == pytest.approx(by_hand.statistic)
    assert board.paired(0, 1)["p"] == pytest.approx(board.rows[1].p)
    for which in (3, -1, "lightgcn", "bm3"):
        with pytest.raises(ConfigError, match="give a place from 0 to 2"):
            board.paired(0, which)


def test_names_make_rows_of_their_own(runs):
    board = leaderboard_of(runs, ["e", "first", "second", "second", "n"])
    assert [(row.name, row.seeds) for row in board.rows[-2:]] == [("n", [0, 1, 2]), ("e", [])]
    assert {(row.name, *row.seeds) for row in board.rows[:2]} == {("first", 2), ("second", 0, 1)}
    with pytest.raises(ConfigError, match="2 names for 5 runs"):
        leaderboard_of(runs, ["a", "b"])


def test_labels_tell_rows_of_one_name_apart(runs, tmp_path):
    board = leaderboard_of(runs)
    assert board.labels() == ["lightgcn (dim 64)", "lightgcn (dim 8)", "ease"]


def test_options_without_meaning_for_a_model_are_not_shown_of_it(tmp_path):
    """config.json of a closed form has all shared options."""
    runs = [
        write_run(tmp_path / loss, mean, ranking_loss=loss, batch_size=64)
        for loss, mean in (("softmax", 0.5), ("bpr", 0.4))
    ]
    write_run(tmp_path / "ease", 0.3, model="ease", epochs=0, ranking_loss="bpr", batch_size=9)
    board = leaderboard_of([*runs, tmp_path / "ease"])
    assert board.settings == ("ranking_loss",)
    assert [row[1] for row in board.cells()[1]] == ["softmax", "bpr", "-"]


def test_another_metric_orders_and_has_its_own_columns(tmp_path):
    first = write_run(tmp_path / "first", 0.5, model="bm3", selection_metric="ndcg@20")
    second = write_run(tmp_path / "second", 0.4)
    with pytest.raises(ConfigError, match=r"ndcg@20 of .*first, recall@20 of .*--metric=NAME"):
        leaderboard_of([first, second])
    board = leaderboard_of([first, second], metric="hit@20")
    assert [row.name for row in board.rows] == ["lightgcn", "bm3"]
    assert board.cells()[0][5:8] == ["test recall@20", "test ndcg@20", "test hit@20"]
    with pytest.raises(ConfigError, match=r"first: has no metric 'hit@3'; it has recall@20, ndcg"):
        leaderboard_of([first, second], metric="hit@3")
    with pytest.raises(ConfigError, match=r"second: has no test hit@3"):
        board.paired(0, 1, "hit@3")


def test_without_test_scores_validation_orders(tmp_path):
    tuned = write_run(tmp_path / "tuned", 0.6, score_test=False, model="sgl")
    runs = [write_run(tmp_path / name, mean, model=name) for name, mean in (("a", 0.5), ("b", 0.4))]
    board = leaderboard_of([*runs, tuned])
    assert [row.name for row in board.rows] == ["sgl", "a", "b"] and board.split == "valid"
    assert board.cells()[1][0][5:7] == ["-", "-"] and [row.p for row in board.rows] == [None] * 3
    assert "since not all runs scored the test split" in board.notes[0]
    with pytest.raises(ConfigError, match="tuned: has no test scores by user"):
        board.paired("sgl", "a")


def test_rows_of_other_users_are_not_paired_whatever_stands_first(tmp_path):
    write_run(tmp_path / "first", 0.6, score_test=False, model="sgl")
    write_run(tmp_path / "second", 0.5, model="bm3")
    write_run(tmp_path / "third", 0.4, users=USERS + 1)
    board = leaderboard_of([tmp_path / name for name in ("first", "second", "third")])
    with pytest.raises(RunError, match="second and .*third were scored on different users"):
        board.paired(1, 2)


def test_a_run_whose_users_are_gone_is_said_to_be_untested(tmp_path):
    runs = [write_run(tmp_path / name, mean, model=name) for name, mean in (("a", 0.5), ("b", 0.4))]
    (runs[1] / "test_per_user.npz").unlink()
    board = leaderboard_of(runs)
    assert [row.p for row in board.rows] == [None, None]
    assert board.notes[-1].endswith("b: without test_per_user.npz it is not tested.")


def test_an_epoch_that_was_chosen_on_test_is_said(tmp_path):
    run = write_run(tmp_path / "run")
    result = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(json.dumps(result | {"selection": "test"}))
    assert leaderboard_of([run]).notes[-1].endswith("its epoch was chosen on the test split.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (dict(data_sha256="cd" * 32), r"first and .*second are of different data \(shop abababab"),
        (dict(mask_valid=True), "first and .*second: one left validation items out at test"),
        (dict(users=USERS[1:]), "first and .*second were scored on different users"),
        (dict(users=USERS + 1), "first and .*second were scored on different users"),
        (dict(model="lightgcn"), "first and .*second: the same configuration and seed 0"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused_by_name(tmp_path, change, said):
    first = write_run(tmp_path / "first")
    second = write_run(tmp_path / "second", 0.4, **({"model": "bm3"} | change))
    with pytest.raises(RunError, match=said):
        leaderboard_of([first, second])


def test_what_is_no_finished_run_is_refused_by_name(tmp_path):
    finished = write_run(tmp_path / "finished")
    assert len(leaderboard_of([finished, f"{tmp_path}/./finished"]).rows) == 1
    going = write_run(tmp_path / "going", model="bm3")
    (going / "result.json").unlink()
    many = tmp_path / "many"
    many.mkdir()
    (many / "config.json").write_text('{"study": "ablation"}')
    for run, said in (
        (going, "going: not finished; train to the end, or leave it out"),
        (tmp_path / "absent", "absent: no such run directory"),
        (many, r"many: holds many runs; name them, such as .*many/\*/seed\*"),
    ):
        with pytest.raises(RunError, match=said):
            leaderboard_of([finished, run])
    with pytest.raises(ConfigError, match="no runs to compare"):
        leaderboard_of([])


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("result.json", '{"model": "bm3"}'),
        ("config.json", "{}"),
        ("metrics.jsonl", '{"epoch": 0}\n'),
        ("test_per_user.npz", "PK"),
    ],
)
def test_a_damaged_run_is_refused_by_name(tmp_path, file, content):
    runs = [write_run(tmp_path / name, model=name) for name in ("a", "b")]
    (runs[1] / file).write_text(content)
    with pytest.raises(RunError, match=r"/b[:/].*"):
        leaderboard_of(runs)


def test_columns_and_csv_hold_the_unrounded_values(runs):
    board = leaderboard_of(runs)
    columns = board.as_columns()
    assert {len(column) for column in columns.values()} == {3}
    assert columns["dim"] == [64, 8, None] and columns["seeds"][0] == [0, 1, 2]
    assert columns["test_recall@20"][2] == values_of(0.3, 0)["recall@20"].mean()
    assert columns["test_recall@20_error"][2] is None and columns["test_recall@20_error"][0] > 0
    lines = list(csv.DictReader(io.StringIO(board.csv())))
    assert [line["seeds"] for line in lines] == ["0; 1; 2", "0; 1; 2", ""]
    assert float(lines[1]["p"]) == board.rows[1].p and lines[0]["p"] == ""
    assert lines[2]["runs"].endswith("ease")


def test_latex_and_markdown_are_escaped(tmp_path):
    run = write_run(tmp_path / "run")
    board = leaderboard_of([run], ["a_b & 5% | c"])
    rows = board.latex().splitlines()
    assert rows[0] == r"% \usepackage{booktabs}" and rows[-1] == r"\end{tabular}"
    (row,) = [line for line in rows if line.startswith("a")]
    assert row.startswith(r"a\_b \& 5\% $|$ c & 0 & 0.") and row.endswith(r" \\")
    assert r"| a_b & 5% \| c | 0 |" in board.markdown()


def test_the_page_has_table_curves_and_settings_and_loads_nothing(runs):
    names = [EVIL, "wide", "wide", "wide", "narrow"]
    board = leaderboard_of(runs, names)
    page = page_of_leaderboard(board)
    assert page == page_of_leaderboard(leaderboard_of(runs, names))
    assert "<script" not in page and "&lt;script&gt;" in page
    assert not any(word in page for word in ("http", "url(", "src=", "@import"))
    assert page.count('class="line s0"') == page.count('class="line s1"') == 3  # a line a seed
    assert page.count("<svg") == 1 and "validation recall@20" in page
    for row in board.rows:
        assert all(f"{run.parent.name}/{run.name}" in page for run in row.runs)
        assert not any(str(run.parent.parent) in page for run in row.runs)
    settings = page[page.index('id="settings"') :]
    assert '<tr class="strong"><td class="text">dim</td>' in settings
    assert '<tr><td class="text">penalty</td>' in settings  # of one model alone: not marked
    assert (
        settings.index("dim") < settings.index("The same in all rows") < settings.index("dataset")
    )


def test_more_rows_than_colours_share_the_last(tmp_path):
    runs = [write_run(tmp_path / f"r{n}", 0.5 - n / 100, dim=n + 1) for n in range(10)]
    page = page_of_leaderboard(leaderboard_of(runs))
    assert page.count('class="line s7"') == 3 and page.count('class="line s6"') == 1
    assert "others</li>" in page


def test_closed_forms_alone_have_no_curves(tmp_path):
    runs = [write_run(tmp_path / name, model=name, epochs=0) for name in ("ease", "rp3beta")]
    assert 'id="curves"' not in page_of_leaderboard(leaderboard_of(runs))


def test_a_run_of_several_seeds_as_one_says_that_its_row_is_their_mean(tmp_path):
    run = write_run(tmp_path / "run", seeds=range(2))
    result = json.loads((run / "result.json").read_text())
    scores = {"recall@20": 0.6012, "ndcg@20": 0.3004}
    result["ensemble"] = {"models": 2, "valid": scores, "test": scores}
    (run / "result.json").write_text(json.dumps(result))
    assert (
        leaderboard_of([run])
        .notes[-1]
        .endswith(
            "run: recommends its 2 seeds as one, test recall@20 / ndcg@20 0.6012 / 0.3004; "
            "its row is their mean."
        )
    )
