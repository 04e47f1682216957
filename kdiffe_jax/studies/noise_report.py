"""What the study of noise says: tests against the given graph, planted truth, curves."""

from __future__ import annotations

from collections.abc import Sequence

from kdiffe_jax.studies.figures import Line, Panel
from kdiffe_jax.studies.gather import SCORES, Outcome, settings_of, summary_table, values_of
from kdiffe_jax.studies.noise_plan import GIVEN, SHARES, Curve
from kdiffe_jax.studies.paired import TESTS, comparison_rows, tests_note
from kdiffe_jax.studies.tables import markdown, mean_text

_ADDED = "random triples added, % of the given"
_AUC = "relation_auc"
_PLANTED = {
    _AUC: "AUC of relevant triples",
    "kept_relevant_share": "relevant share of kept",
    "relevant_share": "relevant share of all",
}


def noise_tables(curves: Sequence[Curve], outcomes: Sequence[Outcome], full: str) -> str:
    """Scores, tests against the given graph with the same noise, and the planted truth."""
    of_base = [c.form for c in curves if full in c.settings]
    names = {full: f"{full} ({of_base[0]})"} if of_base else {}
    parts = [summary_table(outcomes, names)]
    if len(curves) > 1:
        parts.append(_comparisons(curves, outcomes))
    if any(_truth(outcomes, setting, _AUC) for setting in settings_of(outcomes)):
        parts.append(_planted(curves, outcomes))
    return "\n\n".join(parts)


def noise_panels(curves: Sequence[Curve], outcomes: Sequence[Outcome]) -> list[Panel]:
    """Each score against the noise, a line a form; on planted data the denoiser's AUC too."""
    panels = [
        _panel(f"test {m}", curves, lambda s, m=m: list(values_of(outcomes, s, "test", m).values()))
        for m in SCORES
    ]
    planted = _panel(_PLANTED[_AUC], curves, lambda setting: _truth(outcomes, setting, _AUC))
    return panels + ([planted] if planted.lines else [])


def _comparisons(curves: Sequence[Curve], outcomes: Sequence[Outcome]) -> str:
    given = next(curve for curve in curves if curve.form == GIVEN)
    there = set(settings_of(outcomes))
    rows = []
    for place, share in enumerate(SHARES):
        against = given.settings[place]
        for curve in curves:
            setting = curve.settings[place]
            if curve is not given and {setting, against} <= there:
                named = [f"{share:.0%}", curve.form]
                rows += [named + row for row in comparison_rows(outcomes, setting, against)]
    return markdown(["added", f"minus {GIVEN}", *TESTS], rows) + tests_note(len(rows))


def _planted(curves: Sequence[Curve], outcomes: Sequence[Outcome]) -> str:
    rows = []
    for place, share in enumerate(SHARES):
        for curve in curves:
            of = {name: _truth(outcomes, curve.settings[place], name) for name in _PLANTED}
            if of[_AUC]:
                cells = [mean_text(values, digits=3) for values in of.values()]
                rows.append([f"{share:.0%}", curve.form, *cells])
    return (
        markdown(["added", "planted truth", *_PLANTED.values()], rows)
        + "\n\nChance: an AUC of 0.5, and the relevant share of all among the kept."
    )


def _truth(outcomes: Sequence[Outcome], setting: str, name: str) -> list[float]:
    """What the runs of a setting found of the planted truth; empty where nothing was looked for."""
    found = [o.result.get("planted", {}) for o in outcomes if o.setting == setting]
    return [of[name] for of in found if name in of]


def _panel(label: str, curves: Sequence[Curve], values_at) -> Panel:
    lines = []
    for curve in curves:
        found = [(100 * s, values_at(n)) for s, n in zip(SHARES, curve.settings, strict=True)]
        points = [(x, values) for x, values in found if values]
        if points:
            lines.append(Line(curve.form.replace("_", " "), *zip(*points, strict=True)))
    return Panel("", _ADDED, label, lines)
