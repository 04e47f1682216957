"""The study of noise: its settings, its tests against the given graph, its curves."""

import dataclasses

import numpy as np
import pytest

from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.studies.gather import SCORES, Outcome
from kdiffe_jax.studies.noise_plan import SHARES, Curve, drawn_with, noise_forms, noise_settings
from kdiffe_jax.studies.noise_report import noise_panels, noise_tables
from kdiffe_jax.studies.plan import directory_of, make_plan

FORMS = ["given", "given_unguided", "denoised", "denoised_unguided", "no_kg"]
USERS = np.arange(40)


@pytest.fixture(scope="module")
def planted():
    return planted_dataset(PlantedSizes(users=40, items=60, topics=4))


def plan_of(dataset, variants=(), **values):
    return make_plan("noise", make_config(values), dataset, variants=variants)


def test_every_form_is_run_at_every_share(planted):
    plan = plan_of(planted)
    assert list(plan.settings)[0] == "full" and plan.settings["full"] == {}
    assert [curve.form for curve in plan.curves] == FORMS
    assert {len(curve.settings) for curve in plan.curves} == {len(SHARES)}
    assert plan.curves[0].settings == ("full", *(f"given added={s}" for s in ("0.5", "1", "2")))
    assert plan.settings["denoised_unguided added=0.5"] == {
        "main_graph": "weighted",
        "guidance": False,
        "data_ablation": "added:0.5",
    }
    assert len({directory_of(name) for name in plan.settings}) == len(plan.settings) == 17


def test_without_knowledge_noise_is_run_once_unless_neighbours_read_it(planted):
    assert set(plan_of(planted).curves[-1].settings) == {"no_kg"}
    near = plan_of(planted, neighbour_weight=1.0).curves[-1].settings
    assert near == ("no_kg", *(f"no_kg added={share:g}" for share in SHARES[1:]))
    features = dict.fromkeys(planted.relation_names, np.ones((planted.n_items, 2)))
    of_features = dataclasses.replace(planted, features=features)
    assert set(plan_of(of_features, cold_items="neighbours").curves[-1].settings) == {"no_kg"}


def test_the_base_is_its_own_form(planted):
    denoised = plan_of(planted, main_graph="weighted", guidance=False)
    assert denoised.curves[3].settings[0] == "full" and denoised.curves[0].settings[0] == "given"
    assert denoised.settings["given"] == {"main_graph": "given", "guidance": True}
    base = make_config({"main_graph": "rebuilt", "guidance": False})
    assert list(noise_forms(base)) == [*FORMS[:-1], "rebuilt_unguided", "no_kg"]


def test_some_forms_beside_the_given_one(planted):
    plan = plan_of(planted, ["denoised"])
    assert [curve.form for curve in plan.curves] == ["given", "denoised"]
    plan = plan_of(planted, ["no_kg"], main_graph="weighted")
    assert plan.settings["full"] == {} and "full" not in plan.curves[0].settings


def test_other_models_have_what_they_read(planted):
    (curve,) = plan_of(planted, model="bm3").curves
    assert curve.form == "given" and curve.settings[0] == "full"
    (curve,) = plan_of(planted, model="lightgcn", neighbour_weight=1.0).curves
    assert curve.settings[1] == "given added=0.5"


def test_triples_are_drawn_anew_for_every_seed_and_alike_for_all_forms(planted):
    base = make_config({"data_ablation_seed": 5})
    settings, _ = noise_settings(base, planted, "full")
    runs = [drawn_with(base, settings[n], 2) for n in ("given added=1", "denoised added=1")]
    assert [run["data_ablation_seed"] for run in runs] == [7, 7]
    assert drawn_with(base, settings["full"], 2) == {"seed": 2}


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"data_ablation": "users:0.5"}, "leave --data_ablation out"),
        ({"kg_source": "none"}, "kg_source = 'none' has none"),
        ({"kg_source": "features"}, "let launch.prepare make the codes"),
        ({"model": "lightgcn"}, "lightgcn reads no triples of synthetic"),
        ({"variants": ["noisy"]}, "'noisy': the forms of kdiffe are given, given_unguided"),
        ({"variants": ["denoised"], "model": "bm3"}, "the forms of bm3 are given"),
    ],
)
def test_refusals(planted, values, word):
    with pytest.raises(ConfigError, match=word) as caught:
        plan_of(planted, **values)
    assert "\n" not in str(caught.value)


def test_a_graph_that_says_nothing_is_refused_before_any_run(planted):
    same = np.array([[item, 0, 0] for item in range(planted.n_items)], np.int32)
    with pytest.raises(DataError, match="nothing to add triples to"):
        plan_of(dataclasses.replace(planted, triples=same, relevant=None))


CURVES = (
    Curve("given", ("full", "given added=0.5", "given added=1", "given added=2")),
    Curve("denoised", ("denoised", *(f"denoised added={s}" for s in ("0.5", "1", "2")))),
    Curve("no_kg", ("no_kg",) * 4),
)


@pytest.fixture
def outcomes(tmp_path, rng):
    """Two seeds a setting; `given` loses 0.1 for every 100 %; `denoised added=2` has no run."""
    found = []
    for curve in CURVES:
        for share, setting in zip(SHARES, dict.fromkeys(curve.settings), strict=False):
            if setting == "denoised added=2":
                continue
            mean = {"given": 0.5 - share / 10, "denoised": 0.5, "no_kg": 0.3}[curve.form]
            for seed in range(2):
                values = mean + 0.01 * seed + rng.normal(size=len(USERS)) / 100
                file = tmp_path / f"{directory_of(setting)}-{seed}.npz"
                np.savez(file, users=USERS, **dict.fromkeys(SCORES, values))
                scores = dict.fromkeys(SCORES, float(values.mean()))
                result = {"valid": scores, "test": scores, "best_epoch": 3}
                if curve.form != "no_kg":
                    names = ("relation_auc", "kept_relevant_share", "relevant_share")
                    result["planted"] = dict(zip(names, (0.6, 0.7, 0.5 / (1 + share)), strict=True))
                found.append(Outcome(setting, seed, result, 1.0, file))
    return found


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_each_form_is_tested_against_the_given_graph_at_the_same_share(outcomes):
    parts = noise_tables(CURVES, outcomes, "full").split("\n\n")
    summary, tests, alone, planted, chance = parts
    assert "not corrected for the 14 " in alone
    assert "| full (given) | 2 |" in summary and "| no_kg | 2 |" in summary
    rows = [cells(line) for line in tests.splitlines()[2:]]
    recall = {(row[0], row[1]): float(row[3].split()[0]) for row in rows if row[2] == "recall@20"}
    assert list(recall) == [
        *((share, form) for share in ("0%", "50%", "100%") for form in ("denoised", "no_kg")),
        ("200%", "no_kg"),
    ]
    assert recall["100%", "denoised"] == pytest.approx(0.1, abs=0.02)
    assert recall["200%", "no_kg"] == pytest.approx(0.0, abs=0.02)
    assert "| 100% | denoised | 0.600 ± 0.000 | 0.700 ± 0.000 | 0.250 ± 0.000 |" in planted
    assert "no_kg" not in planted and chance.startswith("Chance")


def test_curves_have_every_share_that_was_run_and_all_seeds(outcomes):
    recall, ndcg, auc = noise_panels(CURVES, outcomes)
    assert (recall.y_label, ndcg.y_label) == ("test recall@20", "test ndcg@20")
    assert [line.label for line in recall.lines] == ["given", "denoised", "no kg"]
    assert [line.x for line in recall.lines] == [(0, 50, 100, 200), (0, 50, 100), (0, 50, 100, 200)]
    assert {len(values) for line in recall.lines for values in line.values} == {2}
    assert len(set(map(tuple, recall.lines[2].values))) == 1
    assert [line.label for line in auc.lines] == ["given", "denoised"]
    bare = [o._replace(result={**o.result, "planted": {}}) for o in outcomes]
    assert len(noise_panels(CURVES, bare)) == 2
    assert "planted" not in noise_tables(CURVES, bare, "full")


def test_a_model_that_needs_triples_has_no_form_without():
    assert list(noise_forms(make_config({"model": "diffkg"}))) == ["given"]
    assert list(noise_forms(make_config({"model": "mhgcf"}))) == ["given", "no_kg"]
