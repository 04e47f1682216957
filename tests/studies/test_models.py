"""The study of models: its budget, how a point is chosen, and what its table says."""

import csv
import io
import json

import pytest
from scipy import stats

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import MODELS, is_trained
from kdiffe_jax.studies.gather import read_outcomes
from kdiffe_jax.studies.models_plan import (
    COLUMNS,
    FITTED,
    PATIENCE,
    POINTS,
    best_point,
    plan_models,
    setting_of,
    tuning_seeds,
)
from kdiffe_jax.studies.models_report import (
    Reported,
    board_of,
    figure_of,
    markdown_of,
    page_of,
    runs_csv,
)
from tests.studies.finished import values_of, write_run


@pytest.mark.parametrize("model", [name for name in MODELS if is_trained(name)])
def test_every_model_has_the_same_budget_in_both_columns(model):
    for setting in plan_models([model], [*COLUMNS], {}, content=True):
        assert setting.config.train.patience >= PATIENCE
        assert setting.column != "published" or setting.config.embedding.dim == 64
        assert 1 < len(setting.points) <= POINTS
        configs = [setting.tuning(point, 7) for point in range(len(setting.points))]
        assert len({str(config.to_flat()) for config in configs}) == len(configs)
        assert not any(config.eval.score_test for config in configs)
        first = setting.reported(0, 7)
        assert first == setting.config.of_seed(7) and first.eval.score_test


def test_the_columns_differ_by_preset_and_closed_forms_have_one():
    published, ours, ease = plan_models(["lightgcn", "ease"], [*COLUMNS], {}, content=True)
    assert (published.name, ours.name, ease.name) == (
        "lightgcn, published",
        "lightgcn, ours",
        "ease",
    )
    assert published.config.ranking.ranking_loss == "bpr"
    assert ours.config.ranking.ranking_loss == "softmax"
    assert ours.config.embedding.neighbour_weight == 1.0
    assert (ease.column, ease.points, ease.is_tuned) == (FITTED, ({},), False)
    (plain,) = plan_models(["lightgcn"], ["ours"], {}, content=False)
    assert plain.config.embedding.neighbour_weight == 0.0


def test_what_is_given_holds_for_all_and_is_not_varied():
    given = {"dim": 8, "learning_rate": 0.02, "patience": 3}
    slmrec = setting_of("slmrec", "published", given, content=True)
    assert slmrec.config.embedding.dim == 8 and slmrec.config.train.patience == 3
    assert all("learning_rate" not in point for point in slmrec.points) and len(slmrec.points) == 4
    ease = setting_of("ease", FITTED, given | {"mask_valid": True}, content=True)
    assert ease.config.eval.mask_valid


def test_names_are_checked():
    with pytest.raises(ConfigError, match="lightgnc.*lightgcn"):
        plan_models(["lightgnc"], [*COLUMNS], {}, content=True)
    with pytest.raises(ConfigError, match="'theirs': choose among published, ours"):
        plan_models(["lightgcn"], ["theirs"], {}, content=True)


def test_the_best_mean_wins_and_a_point_that_diverged_is_out():
    assert best_point([[0.2, 0.2], [0.1, 0.4], [0.25, 0.25]]) == 1
    assert best_point([[0.2, 0.2], [0.2, 0.2]]) == 0
    assert best_point([[0.9, None], [0.1, 0.1]]) == 1
    assert best_point([[None], [None]]) is None


def test_no_seed_both_tunes_and_is_reported():
    assert not set(tuning_seeds(0, 3)) & set(range(900)) and len(tuning_seeds(5, 3)) == 3


@pytest.fixture
def reported(tmp_path):
    """Two closed forms, the one better on validation, the other on test, and a trained model."""
    settings = plan_models(["ease", "rp3beta", "lightgcn"], ["ours"], {}, content=True)
    means = {"ease": 0.4, "rp3beta": 0.45, "lightgcn": 0.5}
    found = []
    for setting in settings:
        name, epochs = setting.model, 3 if setting.is_trained else 0
        runs = [
            write_run(
                tmp_path / name / f"seed{seed}",
                means[name],
                seeds=range(seed, seed + 1),
                model=name,
                epochs=epochs,
            )
            for seed in range(2 if setting.is_trained else 1)
        ]
        command = f"python -m launch.main --model={name}"
        found.append(Reported(setting, len(setting.points) - 1, runs, command))
    change(found[0].runs[0], valid={"recall@20": 0.9}, cpu_seconds=2.0)
    for run in found[2].runs:
        change(run, cpu_seconds=1500.0, parameters=12345)
    return found


def change(run, **values):
    file = run / "result.json"
    result = json.loads(file.read_text())
    result["valid"] |= values.pop("valid", {})
    file.write_text(json.dumps(result | values))


def test_rows_are_tested_against_the_baseline_that_validation_prefers(reported):
    board = board_of(reported, {"bm3, ours": "left out: no features"})
    assert [row.name for row in board.rows] == ["lightgcn, ours", "rp3beta", "ease"]
    assert board.rows[2].p is None
    pair = values_of(0.45, 0)["recall@20"], values_of(0.4, 0)["recall@20"]
    assert board.rows[1].p == pytest.approx(stats.ttest_rel(*pair).pvalue)
    assert any("users against ease, Holm-corrected for 2 tests" in note for note in board.notes)
    assert "bm3, ours: left out: no features" in board.notes


def test_a_row_says_what_was_chosen_what_it_took_and_how_to_repeat_it(reported):
    board = board_of(reported, {})
    text, page = markdown_of(board, reported), page_of(board, reported)
    setting = reported[2].setting
    for word in (setting.shown(5), "--model=lightgcn"):
        assert word in text and word in page
    assert "| lightgcn, ours | 6 |" in text
    heads, (first, *_) = board.cells()
    row = dict(zip(heads, first, strict=True))
    assert (row["parameters"], row["CPU seconds"]) == ("12,345", "1,500.0 ± 0.0")
    assert row["test mrr@10"] == row["GB"] == "-"
    assert r"\toprule" in board.latex()


def test_the_metric_that_orders_stands_on_both_splits(reported):
    assert "valid ndcg@20" not in board_of(reported, {}).cells()[0]
    for of in reported:
        for run in of.runs:
            change(run, selection_metric="ndcg@20")
    board = board_of(reported, {})
    heads, _ = board.cells()
    assert board.metric == "ndcg@20"
    assert heads.count("valid ndcg@20") == heads.count("test ndcg@20") == 1


def test_notes_say_what_stands_in_and_where_the_data_lie(reported):
    lie = "The commands look for the data under datasets; add --data_dir=DIR for another place."
    assert not {lie} & {*board_of(reported, {}).notes}
    for run in reported[2].runs:
        change(run, shown_as="lightgcn (entity rows)")
    on_shop = [of._replace(command=f"{of.command} --dataset=shop") for of in reported]
    notes = board_of(on_shop, {}).notes
    assert lie in notes and "What stands in for features: lightgcn (entity rows)." in notes
    named = [of._replace(command=f"{of.command} --data_dir=shops/a") for of in on_shop]
    assert lie not in board_of(named, {}).notes


def test_a_mark_a_row_and_a_line_a_run(reported):
    board = board_of(reported, {})
    columns = {of.setting.name: of.setting.column for of in reported}
    marks = figure_of(board, columns)
    assert list(marks.groups) == ["ours", FITTED]  # rp3beta has no CPU seconds
    assert [mark[:2] for of in marks.groups.values() for mark in of] == [
        ("lightgcn", 1500.0),
        ("ease", 2.0),
    ]
    runs = [
        (of.setting, of.point, "reported", outcome)
        for of in reported
        for run in of.runs
        for outcome in read_outcomes("", run)
    ]
    rows = list(csv.DictReader(io.StringIO(runs_csv(runs).decode())))
    assert [(row["model"], row["seed"]) for row in rows] == [
        ("ease", ""),
        ("rp3beta", ""),
        ("lightgcn", "0"),
        ("lightgcn", "1"),
    ]
    assert rows[2]["parameters"] == "12345" and float(rows[0]["valid_recall@20"]) == 0.9
