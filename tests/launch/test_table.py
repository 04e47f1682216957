"""The lines that a run ends with."""

import pytest

from kdiffe_jax.evaluation.spread import spread
from launch.table import COLUMNS, next_lines, planted_lines, result_table


def metrics(value):
    return dict.fromkeys(COLUMNS, value)


def cold(recall):
    return {
        "interactions": 449,
        "items": 340,
        "users": 449,
        "candidates": 465,
        "among_all": {"recall@20": recall},
        "among_cold": {"recall@20": 2 * recall},
    }


def beside(value, difference, p=0.004):
    recall = {"users": 90, "difference": difference, "standard_error": 0.002, "t": 3.0, "p": p}
    paired = {"recall@20": recall, "ndcg@20": recall | {"difference": difference / 2}}
    return {"test": metrics(value), "paired": paired}


@pytest.fixture
def result():
    lists = {"coverage@20": 0.5, "novelty@20": 7.25, "popularity@20": 80.0, "gini@20": 0.875}
    return {
        "model": "kdiffe",
        "dataset": "shop",
        "valid": metrics(0.2),
        "test": metrics(0.1),
        "selection": "valid",
        "selection_metric": "recall@20",
        "best_epoch": 3,
        "epochs": 9,
        "seconds": 12.0,
        "users_scored": {"valid": 80, "test": 90, "of": 100},
        "cold": {"valid": {"interactions": 0}, "test": cold(0.03)},
        "beyond_accuracy": lists,
        "baselines": {
            "most_popular": beside(0.05, 0.05),
            "rp3beta": beside(0.09, 0.01),
            "ease": {"left_out": "50,000 items need 20.0 GB, the limit is 4 (--ease_memory_gb)"},
        },
        "planted": {"relation_auc": 0.75, "relevant_share": 0.5},
    }


def test_every_baseline_has_a_row_and_a_test(result):
    lines = result_table(result).splitlines()
    assert [line.split("  ")[0] for line in lines[1:5]] == [
        "validation",
        "test",
        "most popular (test)",
        "rp3beta (test)",
    ]
    assert lines[5] == (
        "ease: left out: 50,000 items need 20.0 GB, the limit is 4 (--ease_memory_gb)"
    )
    assert lines[6:8] == [
        "test recall@20 above the baselines, paired over 90 users: "
        "most popular +0.0500 ± 0.0020 (p = 0.004); rp3beta +0.0100 ± 0.0020 (p = 0.004)",
        "test ndcg@20 above the baselines, paired over 90 users: "
        "most popular +0.0250 ± 0.0020 (p = 0.004); rp3beta +0.0050 ± 0.0020 (p = 0.004)",
    ]


def test_a_result_of_one_paired_metric_has_its_line(result):
    for found in list(result["baselines"].values())[:2]:
        found["paired"] = found["paired"]["recall@20"]
    text = result_table(result)
    assert "test recall@20 above the baselines, paired over 90 users: most popular" in text
    assert "ndcg@20 above" not in text


def test_cold_items_and_lists_have_a_line_each(result):
    text = result_table(result)
    assert (
        "items unseen in training: valid none; test 449 interactions with 340 items, recall@20 "
        "0.0300 among all items, 0.0600 among these 465 alone (chance 0.0430)\n"
    ) in text
    assert (
        "first 20 at test: coverage 0.500, novelty 7.25 bits, popularity 80.0, Gini 0.875\n"
    ) in text


def test_a_difference_without_a_test_is_printed_alone(result):
    result["baselines"] = {"rp3beta": beside(0.09, 0.01, p=None)}
    assert "rp3beta +0.0100\n" in result_table(result)


def test_no_baselines(result):
    result["baselines"] = {}
    assert "above the baselines" not in result_table(result)
    assert planted_lines(result).startswith("planted truth: an item's relevant")


def test_planted_line_compares_with_most_popular(result):
    assert "test recall@20 is 2.0 x most popular" in planted_lines(result)


def test_a_choice_on_the_test_set_is_said_loudly(result):
    assert "TEST SET" not in result_table(result)
    assert "CHOSEN ON THE TEST SET" in result_table(result | {"selection": "test"})


def test_a_denoiser_has_its_line(result):
    assert "denoiser" not in result_table(result)
    found = {"held_out_auc": 0.81, "held_out_error": 0.012, "held_out_triples": 600}
    line = "\ndenoiser: AUC of hidden triples over random ones 0.810 ± 0.012 (0.5 is chance)"
    assert f"{line}\n" in result_table(result | {"denoiser": found})
    text = result_table(result | {"denoiser": found | {"held_out_auc": 0.52}})
    assert "0.520 ± 0.012 (0.5 is chance), so explanations leave it out\n" in text


def test_one_seed_has_bare_figures(result):
    lines = result_table(result).splitlines()
    assert lines[1].split() == ["validation", *["0.2000"] * 6]
    assert lines[-1].startswith(
        "kdiffe on shop: epoch 3 of 9, chosen on valid recall@20, 12 s; 90 users"
    )


def test_several_seeds_show_mean_and_standard_error(result):
    values = {"valid": [0.1, 0.3], "test": [0.2, 0.3]}
    result["seeds"] = [{"seed": 5, "best_epoch": 0}, {"seed": 6, "best_epoch": 2}]
    result["over_seeds"] = {s: dict.fromkeys(COLUMNS, spread(v)) for s, v in values.items()}
    lines = result_table(result).splitlines()
    assert lines[1].split()[1:4] == ["0.2000", "±", "0.1000"]
    assert lines[2].split()[1:4] == ["0.2500", "±", "0.0500"]
    assert lines[3].split()[3:] == ["0.0500"] * 4
    assert len({len(line) for line in lines[:4]}) == 1
    assert lines[5] == "" and lines[6].split() == [*COLUMNS[4:]]
    assert lines[9].split()[3:] == ["0.0500"] * 2
    assert "seeds 5 to 6, mean ± standard error, epochs 0 to 2 of 9" in lines[-1]
    result["seeds"][0]["best_epoch"] = 2
    assert "standard error, epoch 2 of 9" in result_table(result)


def test_a_narrow_terminal_has_the_table_in_parts(result):
    lines = result_table(result, 50).splitlines()
    heads = [line.split() for line in lines if line.startswith("   ")]
    assert [name for head in heads for name in head] == list(COLUMNS)
    assert max(len(line) for line in lines if "0.2000" in line) <= 50
    assert sum(line.startswith("most popular (test)") for line in lines) == len(heads) > 1


def test_what_to_do_next_names_the_files_that_are_there(tmp_path):
    assert next_lines(tmp_path) == ""
    (tmp_path / "report.html").touch()
    assert next_lines(tmp_path) == f"report: {tmp_path / 'report.html'}"
    (tmp_path / "model.npz").touch()
    assert f"launch.recommend --workdir={tmp_path} --all" in next_lines(tmp_path)


@pytest.mark.parametrize(
    ("chosen", "words"), [({"alpha": 0.6}, "fitted with alpha 0.6, 12 s"), ({}, "fitted, 12 s")]
)
def test_a_model_that_is_fitted_has_no_epochs(result, chosen, words):
    fitted = {"model": "rp3beta", "epochs": 0, "best_epoch": 0, "hyper_parameters": chosen}
    assert f"rp3beta on shop: {words}; 90 users" in result_table(result | fitted)
