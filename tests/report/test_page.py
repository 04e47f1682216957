"""report.html: its figures are those of the run's files, and it is one safe file."""

import dataclasses
import json
import re

import numpy as np
import pytest

from kdiffe_jax.errors import RunError
from kdiffe_jax.models.registry import options_of
from kdiffe_jax.report import page as page_module
from kdiffe_jax.report.page import REPORT, leave_report, write_report
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import MODEL, read_model, write_model
from kdiffe_jax.training.result import finish
from tests.report.conftest import EVIL
from tests.report.reading import Page


def report_of(run_dir) -> str:
    return write_report(run_dir, options_of).read_text(encoding="utf-8")


def result_of(run_dir):
    return json.loads((run_dir / "result.json").read_text())


@pytest.fixture(scope="module")
def text(finished):
    return report_of(finished)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_scores_are_those_of_the_result(page, finished):
    result = result_of(finished)
    rows = page.table("", "recall@20")
    named = {"this model, validation": result["valid"], "this model, test": result["test"]}
    named |= {f"{n.replace('_', ' ')}, test": b["test"] for n, b in result["baselines"].items()}
    assert set(rows) == set(named) and len(named) == 4
    for name, metrics in named.items():
        for metric in ("recall@20", "ndcg@20", "precision@20", "hit@20", "mrr@20", "map@20"):
            assert rows[name][metric] == f"{metrics[metric]:.4f}"
    everything = page.table("metric")
    assert set(everything) == set(result["test"])
    for metric, row in everything.items():
        assert row["this model, test"] == f"{result['test'][metric]:.4f}"


@pytest.mark.parametrize("metric", ["recall@20", "ndcg@20"])
def test_paired_tests_are_those_of_the_result(text, finished, metric):
    (tested,) = (t for t in text.split("<table>") if f">Test {metric} above each baseline" in t)
    rows = Page("<table>" + tested[: tested.index("</table>")] + "</table>").table("against")
    for name, found in result_of(finished)["baselines"].items():
        row, test = rows[name.replace("_", " ")], found["paired"][metric]
        assert row["difference"].replace("−", "-") == f"{test['difference']:+.4f}"
        assert row["standard error"] == f"{test['standard_error']:.4f}"
        assert row["p"] == f"{test['p']:.2g}"


def with_recalls(run_dir, ours, best, p):
    """The result changed to a recall of the model, and of ease as the best baseline."""
    result = result_of(run_dir)
    result["test"]["recall@20"] = ours
    for name, found in result["baselines"].items():
        found["test"]["recall@20"] = best if name == "ease" else best / 2
        found["paired"]["recall@20"]["p"] = p
    (run_dir / "result.json").write_text(json.dumps(result))
    return Page(report_of(run_dir))


@pytest.mark.parametrize(
    ("ours", "best", "p", "label", "value", "beside", "words"),
    [
        (0.15, 0.1, 1e-5, "above", "+50.0 %", "p < 0.001", "0.0500 above ease"),
        (0.09, 0.1, 0.02, "below", "−10.0 %", "p 0.02", "0.0100 below ease"),
        (0.09, 0.1, 0.3, "below", "−10.0 %", "p 0.3, so it may be chance", "0.0100 below ease"),
        (0.1, 0.1, None, "equal to", "0.0 %", "not tested", "equal to ease"),
        (0.1, 0.0, None, "above", "+0.1000", "not tested", "0.1000 above"),
    ],
)
def test_the_gain_over_the_best_baseline(run_dir, ours, best, p, label, value, beside, words):
    page = with_recalls(run_dir, ours, best, p)
    said = [text.replace("\u00a0", " ") for text in page.texts]
    tile = said.index(f"recall@20 {label} the best baseline")
    assert said[tile + 1] == value and said[tile + 2].endswith(f" {best:.4f}, {beside}")
    assert any(f"recall@20 is {words}" in text and beside in text for text in said)


ENVIRONMENT = {
    "date": "2026-01-02T03:04:05Z",
    "versions": {"jax": "9.8.7", "Python": "3.12.1"},
    "system": "Linux x86_64",
    "processor": EVIL,
    "cores": 6,
    "memory_gib": 15.5,
    "devices": {"platform": "gpu", "kind": "NVIDIA H100", "count": 2},
    "processes": 1,
}


def test_date_machine_and_versions_are_those_of_the_run(run_dir):
    assert "not recorded: the run is older" in "".join(Page(report_of(run_dir)).texts)
    RunDirectory(run_dir).write_environment(ENVIRONMENT)
    page = Page(report_of(run_dir))
    assert f"trained: {ENVIRONMENT['date']}" in page.texts
    rows = {row[0]: row[1] for row in page.tables[-1][1:]}
    assert rows["computed on"] == "2 GPUs: NVIDIA H100"
    assert rows["versions"] == "jax 9.8.7, Python 3.12.1" and rows["processor"] == EVIL
    assert rows["memory"] == "15.5 GiB" and rows["cores"].startswith("6 ")


def test_what_a_machine_does_not_say_is_not_recorded(run_dir):
    damaged = {"processor": None, "devices": [1], "versions": "none", "date": 0}
    RunDirectory(run_dir).write_environment(damaged)
    page = Page(report_of(run_dir))
    assert {row[1] for row in page.tables[-1][1:]} == {"not recorded"}
    assert "trained: not recorded" in page.texts


def test_every_table_scrolls_in_a_box_that_the_keyboard_reaches(text):
    named = re.findall(r'<div class="scroll" role="region" aria-label="[^"]+" tabindex="0">', text)
    assert len(named) == text.count('class="scroll"') > 5


def test_the_best_of_the_test_split_is_bold(text, finished):
    result = result_of(finished)
    best = max(s["test"]["recall@20"] for s in (result, *result["baselines"].values()))
    scores = text[text.index('id="scores"') :]
    assert f"<b>{best:.4f}</b>" in scores[: scores.index("</table>")]


def test_every_loss_and_metric_has_a_curve_with_the_chosen_epoch(text, finished):
    first = json.loads((finished / "metrics.jsonl").read_text().splitlines()[0])
    terms = set(first) - {"epoch", "seconds", "cpu_seconds", "valid"}
    losses, metrics = (
        re.search(f'<section id="{n}".*?</section>', text, re.DOTALL).group()
        for n in ("losses", "curves-valid")
    )
    assert Page(losses).count("figure") == len(terms)
    assert losses.count('class="dot s0"') == len(terms)
    assert Page(metrics).count("figure") == 6
    assert metrics.count("<circle") == len(first["valid"]) == 24
    best = result_of(finished)["best_epoch"]
    assert f"epoch {best}\nloss: " in losses and "(chosen)" in losses


def test_relations_are_counted(page, finished):
    model = read_model(finished)
    rows = page.table("relation", "given")
    old, new = ({*map(tuple, t.tolist())} for t in (model.triples, model.artifacts["kept"]))
    for relation, name in enumerate(model.relation_names):
        own = {t for t in old if t[1] == relation}
        added = {t for t in new - old if t[1] == relation}
        expected = [len(own), len(own & new), len(own - new), len(added)]
        cells = [rows[name][c] for c in ("given", "kept", "left out", "added")]
        assert cells == [f"{count:,}" for count in expected]
    assert EVIL in " ".join(page.table("relation", "kept")[model.relation_names[0]].values())


def test_lists_are_described_as_in_the_result(page, finished):
    found = result_of(finished)["beyond_accuracy"]
    row = page.table("first 20 at test")["this model"]
    assert row["coverage"] == f"{100 * found['coverage@20']:.1f}\N{NO-BREAK SPACE}%"
    assert row["Gini index"] == f"{found['gini@20']:.3f}"
    groups = page.table("popularity group")
    cells = [list(row.values())[1:] for row in groups.values()]
    shares = np.array([[float(cell.rstrip(" %")) for cell in row] for row in cells])
    np.testing.assert_allclose(shares[:, :2].sum(axis=0), 100, atol=0.5)
    assert shares[0, 0] < 10 < shares[-1, 0]


def test_lists_of_a_refit_are_told_from_those_of_the_training_before(run_dir, text):
    assert "trained again" not in text
    refit = {"of": "before", "interactions": 480, "epochs": 2, "seconds": 1.0}
    (run_dir / "result.json").write_text(json.dumps(result_of(run_dir) | {"refit": refit}))
    page = Page(report_of(run_dir))
    rows = page.table("first 20 at test")
    assert "the training before" in rows and "this model" not in rows
    (said,) = (words for words in page.texts if words.startswith("Below: the first 20"))
    assert "by the model trained again" in said and "validation and test is training now" in said


def test_nothing_is_loaded_and_no_name_is_markup(text, page):
    assert not any(tag in ("script", "link", "img", "iframe", "object") for tag, _ in page.elements)
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "style", "action", "data"} & set(attributes)
        assert attributes.get("href", "#").startswith("#"), tag
        assert not any(name.startswith("on") for name in attributes)
    assert "http" not in text and "@import" not in text and "url(" not in text
    assert "<i>" not in text
    assert EVIL in "".join(page.texts)


def test_the_same_run_gives_the_same_bytes_wherever_it_lies(text, run_dir):
    (run_dir / REPORT).unlink(missing_ok=True)
    assert report_of(run_dir) == text == report_of(run_dir)


def test_changed_options_stand_out(page):
    rows = page.table("option", "value")
    assert rows["dim"]["value"] == "8" and rows["dim"]["default"] == "64"
    tables = [table for table in page.tables if table[0][:2] == ["option", "value"]]
    own, shared = ({row[0] for row in table} for table in tables[1:])
    marked = [a for t, a in page.elements if t == "tr" and a.get("class") == "strong"]
    assert "theta_1" not in rows and "theta_1" in own and "dim" in shared - own
    assert len(marked) >= len(rows)
    assert "Options of kdiffe" in page.texts


def test_options_that_are_not_described_stand_beside_the_data(run_dir):
    tables = Page(write_report(run_dir).read_text(encoding="utf-8")).tables
    described, (_, *beside) = tables[-2], tables[-1]
    assert {"dim", "epochs"} <= {row[0] for row in described}
    assert {"theta_1", "model", "program"} <= {row[0] for row in beside}


def test_every_seed_of_several(finished_seeds):
    text, result = report_of(finished_seeds), result_of(finished_seeds)
    rows = Page(text).table("", "chosen epoch")
    for own in result["seeds"]:
        row = rows[f"seed {own['seed']}"]
        assert row["chosen epoch"] == str(own["best_epoch"])
        assert row["recall@20, test"] == f"{own['test']['recall@20']:.4f}"
    spread = result["over_seeds"]["test"]["recall@20"]
    assert rows["mean"]["recall@20, test"] == f"{spread['mean']:.4f}"
    assert rows["standard error"]["recall@20, test"] == f"{spread['standard_error']:.4f}"
    shown = f"{spread['mean']:.4f} ± {spread['standard_error']:.4f}"
    assert Page(text).table("", "recall@20")["this model, test"]["recall@20"] == shown
    seconds = result["seconds"] / sum(own["epochs"] for own in result["seeds"])
    assert f"{seconds:.2f} s an epoch" in text
    assert text.count('class="line s0"') == text.count('class="line s1"') == 6 + 24


def test_a_run_without_a_knowledge_graph(run_dir):
    none, model = np.zeros((0, 3), np.int32), read_model(run_dir)
    without = {"kept": none, "attention": np.zeros(0, np.float32)}
    changed = model._replace(triples=none, artifacts={**model.artifacts, **without})
    write_model(changed, run_dir / MODEL)
    words = "".join(Page(report_of(run_dir)).texts)
    assert "Rebuilt knowledge graph" not in words and "no entities" not in words
    assert "the user's own embedding" in words


def test_a_model_without_a_denoiser(finished_lightgcn):
    text = report_of(finished_lightgcn)
    page = Page(text)
    words = "".join(page.texts)
    assert "lightgcn, run lightgcn" in page.texts and "Options of lightgcn" in page.texts
    assert 'id="relations"' not in text and "the user's own embedding" in words
    losses = re.search('<section id="losses".*?</section>', text, re.DOTALL).group()
    assert Page(losses).count("figure") == 3 and "attention" not in words and ", S " not in words


def test_a_model_that_is_fitted(finished_closed_form):
    text, name = report_of(finished_closed_form), finished_closed_form.name
    page, result = Page(text), result_of(finished_closed_form)
    words = "".join(page.texts)
    assert f"{name}, run {name}" in page.texts
    assert not {'id="losses"', 'id="curves-valid"', 'id="relations"'} & set(text.split())
    assert "chosen epoch" not in words and "epoch" not in page.tables[0][0]
    row = page.table("", "recall@20")["this model, test"]
    assert row["recall@20"] == f"{result['test']['recall@20']:.4f}"
    reasons = page.count("table", "reasons")
    assert (reasons > 0) == (name != "most_popular") and "own embedding" not in words
    assert ("Chosen on validation: " in words) == bool(result["hyper_parameters"])


def test_relations_that_were_added(run_dir):
    model = read_model(run_dir)
    given = {*map(tuple, model.triples.tolist())}
    new = next((7, 0, e) for e in range(len(model.entity_names)) if (7, 0, e) not in given)
    kept = {"kept": np.array([new], np.int32), "kept_denoised": np.full(1, 0.25, np.float32)}
    write_model(model._replace(artifacts={**model.artifacts, **kept}), run_dir / MODEL)
    page = Page(report_of(run_dir))
    name = model.relation_names[0]
    assert page.table("relation", "given")[name]["added"] == "1"
    added = page.table("relation", "kept")[name]["added"]
    assert model.entity_names[new[2]] in added and model.item_ids[7] in added and "25 %" in added


def test_a_run_of_one_epoch(run_dir):
    first = (run_dir / "metrics.jsonl").read_text().splitlines(keepends=True)[0]
    (run_dir / "metrics.jsonl").write_text(first)
    result = result_of(run_dir) | {"best_epoch": 0, "epochs": 1}
    (run_dir / "result.json").write_text(json.dumps(result))
    assert report_of(run_dir).count("<circle") == len(json.loads(first)) - 3 + 24


def test_a_test_split_left_alone(single, run_dir):
    (run_dir / "test_per_user.npz").unlink()
    config = single.setup.config
    unscored = dataclasses.replace(config.eval, score_test=False)
    setup = single.setup._replace(config=dataclasses.replace(config, eval=unscored))
    finish(setup, [single.trained], RunDirectory(run_dir))
    page = Page(report_of(run_dir))
    assert list(page.table("", "recall@20")) == ["this model, validation"]
    words = "".join(page.texts)
    assert "The test split was left alone" in words and "need the test split" in words
    assert "which this run does not have" not in words and "--mode=evaluate" not in words


def test_validation_without_users_draws_no_metrics(run_dir):
    records = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    for record in records:
        record["valid"] = dict.fromkeys(record["valid"], float("nan"))
    (run_dir / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    result = result_of(run_dir)
    result["valid"] = dict.fromkeys(result["valid"], float("nan"))
    (run_dir / "result.json").write_text(json.dumps(result))
    page = Page(report_of(run_dir))
    assert "There is nothing to draw." in "".join(page.texts)
    assert page.table("", "recall@20")["this model, validation"]["recall@20"] == "–"


@pytest.mark.parametrize(
    "missing",
    [["model.npz"], ["test_per_user.npz"], ["model.npz", "test_per_user.npz"]],
    ids=" ".join,
)
def test_a_run_without_a_file_names_that_file(run_dir, missing):
    for name in missing:
        (run_dir / name).unlink()
    words = "".join(Page(report_of(run_dir)).texts)
    assert f"need {' and '.join(missing)}, which this run does not have" in words
    assert ("--mode=evaluate) writes the model" in words) == ("model.npz" in missing)
    assert "Rebuilt knowledge graph" not in words


def test_a_report_that_fails_is_one_line_and_leaves_the_run(run_dir, monkeypatch):
    before = {f.name: f.read_bytes() for f in run_dir.iterdir() if f.is_file()}
    said = []
    (run_dir / "model.npz").write_bytes(b"PK")
    leave_report(run_dir, log=said.append)
    (run_dir / "model.npz").write_bytes(before["model.npz"])

    def broken(run, options_of):
        raise ZeroDivisionError("first\nsecond")

    monkeypatch.setattr(page_module, "page_of", broken)
    leave_report(run_dir, log=said.append)
    assert "damaged" in said[0] and "first second" in said[1]
    assert all("launch.report" in line and "\n" not in line for line in said)
    assert {f.name: f.read_bytes() for f in run_dir.iterdir() if f.is_file()} == before


def test_damage_of_which_nothing_is_said_has_its_kind_for_a_reason(run_dir):
    file = run_dir / "test_per_user.npz"
    content = bytearray(file.read_bytes())
    content[29] ^= 0xFF  # how long the first array's extra field is: past the end of the file
    file.write_bytes(content)
    with pytest.raises(RunError, match=r"test_per_user.npz: damaged \(EOFError\)"):
        write_report(run_dir)


def test_directories_that_are_no_finished_run(tmp_path, run_dir):
    with pytest.raises(RunError, match="no such run directory"):
        write_report(tmp_path / "absent")
    config = json.loads((run_dir / "config.json").read_text())
    del config["model"]
    (run_dir / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match="names no model"):
        write_report(run_dir)
    (run_dir / "result.json").unlink()
    with pytest.raises(RunError, match="no finished run"):
        write_report(run_dir)
